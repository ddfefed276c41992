"""The files that training reads: probes, rows and the training configuration. Needs the trainer's packages."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cli.checks.finding import Finding, fail, ok, warn
from feedback.persona import load_persona
from feedback.yaml_model import YamlFileError
from serving.base import BaseModel, BaseModelError
from settings import Settings
from trainer import holding
from trainer.config import TrainConfig, load_train_config
from trainer.probes import load_probes
from trainer.rows import RowError, read_rows
from trainer.trainers import warm_folder, way_here


def check(settings: Settings) -> Iterator[Finding]:
    """Every file that a run would read."""
    folder = settings.persona_dir
    try:
        persona = load_persona(folder / "persona.yaml")
    except YamlFileError:
        return  # said elsewhere; the names in the other files come from it
    yield _read("probes", folder / "probes.yaml", lambda path: str(len(load_probes(path, persona))))
    for file in sorted([*folder.glob("self_cognition/*.jsonl"), *folder.glob("replay/*.jsonl")]):
        yield _read(f"rows {file.relative_to(folder)}", file, lambda path: str(len(read_rows(path, persona))))
    try:
        config = load_train_config(settings.training.config)
    except YamlFileError as error:
        yield fail("training config", str(error), "Correct the file; no run can start.")
    else:
        yield ok("training config", f"{settings.training.config.name}: {config.base}")
        yield from rank(config, settings)
        yield from way(config, settings)


def rank(config: TrainConfig, settings: Settings) -> Iterator[Finding]:
    """Whether the server takes what is trained."""
    limit = settings.serving.max_lora_rank
    do = "Set MEND_SERVING__MAX_LORA_RANK to the trained rank and restart vLLM."
    if config.lora_rank > limit:
        yield fail("lora rank", f"trained with rank {config.lora_rank}, served up to {limit}", do)
    elif config.lora_rank < limit:
        text = f"trained with rank {config.lora_rank}, served up to {limit}: every answer pays for the larger one"
        yield warn("lora rank", text, do)


def way(config: TrainConfig, settings: Settings) -> Iterator[Finding]:
    """How a run that began now would train."""
    try:
        base = BaseModel.read(settings.serving.base_model)
    except BaseModelError:
        return  # said elsewhere
    # The worker's warm trainer has memory that looks taken, and is what the run would train in.
    yield ok("trainer", str(way_here(settings, config, base, holding.read(warm_folder(settings)))))


def _read(about: str, path: Path, describe: Callable[[Path], str]) -> Finding:
    try:
        return ok(about, describe(path))
    except (YamlFileError, RowError) as error:
        return fail(about, str(error), "Correct the file; no run can start.")
