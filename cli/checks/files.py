"""The files that everybody needs, and misspelt variables."""

from collections.abc import Iterator

from cli.checks.finding import Finding, fail, ok, warn
from feedback.persona import load_persona
from feedback.yaml_model import YamlFileError
from serving.base import BaseModel, BaseModelError
from settings import Settings, unknown_variables


def check(settings: Settings) -> Iterator[Finding]:
    """Variables, persona, base model."""
    yield from variables(unknown_variables())
    try:
        persona = load_persona(settings.persona_dir / "persona.yaml")
    except YamlFileError as error:
        yield fail("persona", str(error), "Correct the file; nothing can be answered without it.")
    else:
        yield ok("persona", f"{persona.name}, by {persona.maker}")
    try:
        base = BaseModel.read(settings.serving.base_model)
    except BaseModelError as error:
        yield fail("base model", str(error), "Put the model's folder in place, or set MEND_SERVING__BASE_MODEL.")
    else:
        yield ok("base model", f"{base.path} ({base.fingerprint[:8]})")


def variables(unknown: list[str]) -> Iterator[Finding]:
    """Variables that set nothing."""
    for name in unknown:
        yield warn("variables", f"{name} sets nothing", "Correct its spelling (the README lists all) or remove it.")
