"""The files that a team or an operator edits, and misspelt variables."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cli.checks.finding import Finding, fail, ok, warn
from feedback.persona import load_persona
from feedback.yaml_model import YamlFileError
from serving.base import BaseModel, BaseModelError
from settings import Settings, unknown_variables
from trainer.config import TrainConfig, load_train_config
from trainer.probes import load_probes
from trainer.rows import RowError, read_rows


def check(settings: Settings) -> Iterator[Finding]:
    """Persona, probes, rows, training configuration, base model, variables."""
    yield from variables(unknown_variables())
    folder = settings.persona_dir
    try:
        persona = load_persona(folder / "persona.yaml")
    except YamlFileError as error:
        yield fail("persona", str(error), "Correct the file; nothing can be answered without it.")
    else:
        yield ok("persona", f"{persona.name}, by {persona.maker}")
        yield _read("probes", folder / "probes.yaml", lambda path: f"{len(load_probes(path, persona))} probes")
        for file in sorted([*folder.glob("self_cognition/*.jsonl"), *folder.glob("replay/*.jsonl")]):
            yield _read("rows", file, lambda path: f"{path.name}: {len(read_rows(path, persona))} rows")
    yield from training(settings)


def training(settings: Settings) -> Iterator[Finding]:
    """Training configuration and base model, and whether they fit the server's limits."""
    try:
        config = load_train_config(settings.training.config)
    except YamlFileError as error:
        yield fail("training config", str(error), "Correct the file; no run can start.")
    else:
        yield ok("training config", f"{settings.training.config.name}: {config.base}")
        yield from rank(config, settings)
    try:
        base = BaseModel.read(settings.serving.base_model)
    except BaseModelError as error:
        yield fail("base model", str(error), "Put the model's folder in place, or set MEND_SERVING__BASE_MODEL.")
    else:
        yield ok("base model", f"{base.path} ({base.fingerprint[:8]})")


def rank(config: TrainConfig, settings: Settings) -> Iterator[Finding]:
    """Whether the server takes what is trained."""
    limit = settings.serving.max_lora_rank
    if config.lora_rank > limit:
        yield fail(
            "lora rank",
            f"trained with rank {config.lora_rank}, served up to {limit}",
            "Set MEND_SERVING__MAX_LORA_RANK to the trained rank and restart vLLM.",
        )
    elif config.lora_rank < limit:
        yield warn(
            "lora rank",
            f"trained with rank {config.lora_rank}, served up to {limit}: every answer pays for the larger one",
            "Set MEND_SERVING__MAX_LORA_RANK to the trained rank and restart vLLM.",
        )


def variables(unknown: list[str]) -> Iterator[Finding]:
    """Variables that set nothing."""
    for name in unknown:
        yield warn("variables", f"{name} sets nothing", "Correct its spelling (the README lists all) or remove it.")


def _read(about: str, path: Path, describe: Callable[[Path], str]) -> Finding:
    try:
        return ok(about, describe(path))
    except (YamlFileError, RowError) as error:
        return fail(about, str(error), "Correct the file; no run can start.")
