"""How a training and the model server share the GPU, why, and whether the server can do what that takes."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from cli import errors
from cli.checks.finding import Finding, fail, ok, warn
from feedback import naps
from feedback.database import Database
from feedback.naps import Nap
from feedback.persona import load_persona
from feedback.yaml_model import YamlFileError
from serving import gpu_memory, sharing
from serving.adapters import Replicas
from serving.errors import ServingError, ServingUnavailable
from serving.sharing import Choice, Memory
from settings import Settings
from trainer.batch import MEASURED_TOKENS

ABOUT = "GPU sharing"
GIB = 2**30


def check(settings: Settings) -> Iterator[Finding]:
    """The mode, the servers, and the sleep that goes on."""
    if not sharing.may_sleep(settings.serving):
        beside = sharing.as_told("beside", None, 0.0) if settings.serving.sharing == "beside" else sharing.ON_CPU
        yield mode(beside)
        return
    servers = asyncio.run(_look(settings))
    memory, ours = gpu_memory.read(), held(settings)
    if memory is not None:
        yield free(memory, ours)
        memory = replace(memory, free=memory.free + ours)
    hidden = settings.serving.sharing == "auto" and any(map(_hides, servers.values()))
    choice = None if hidden else chosen(settings, memory)
    if choice is None:
        yield ok(ABOUT, f"{settings.serving.sharing}; what fits can be seen where the worker is, with the server awake")
    else:
        yield mode(choice, judged=settings.serving.sharing == "auto")
    yield from able(servers, needed=choice is not None and choice.sleeps)
    yield from nap(*_record(settings))


def _hides(state: bool | ServingError) -> bool:
    """Whether this server's memory counts as free, and is not."""
    return state is True or isinstance(state, ServingUnavailable)


def free(memory: Memory, ours: float) -> Finding:
    """What is free, and how many GB a training would have beside that."""
    more = f", and the warm trainer has {ours:.1f} for the next training" if ours else ""
    return ok("GPU memory", f"{memory.free:.1f} of {memory.total:.0f} GB are free now{more}")


def mode(choice: Choice, *, judged: bool = False) -> Finding:
    """How they share it. What is judged by what fits holds for short rows: how long a run's are is known when it has
    them."""
    held_for = f" (for rows of up to {MEASURED_TOKENS} tokens)" if judged else ""
    text = f"{choice.mode}, since {choice.reason}{held_for}"
    if choice.fits:
        return ok(ABOUT, text)
    do = "Lower the batch or switch gradient_checkpointing on in the training config, or use a larger card."
    return fail(ABOUT, text, do)


def able(servers: Mapping[str, bool | ServingError], *, needed: bool) -> Iterator[Finding]:
    """Whether every replica can be put to sleep."""
    for url, state in servers.items():
        if isinstance(state, ServingUnavailable):
            continue  # said elsewhere
        if isinstance(state, ServingError):
            level = fail if needed else warn
            yield level(f"sleep of {url}", str(state), "A training that needs its memory fails otherwise.")
        else:
            yield ok(f"sleep of {url}", "it sleeps now" if state else "it can, and is awake")


def nap(found: Nap | None, attended: bool) -> Iterator[Finding]:
    """The sleep in the record."""
    if found is None:
        return
    text = f"the model server sleeps for run {found.run_id} since {found.since:%Y-%m-%d %H:%M} UTC"
    if not attended:
        yield warn("sleep", f"{text}, and no worker is at it", "Start the worker, which wakes it: `mend worker`.")
    else:
        yield ok("sleep", text + (f", until about {found.ends:%H:%M}" if found.ends else ""))


def held(settings: Settings) -> float:
    """GB of the GPU that the worker's warm trainer holds; 0 where there is none."""
    try:
        from trainer import holding
        from trainer.trainers import warm_folder
    except ModuleNotFoundError as missing:
        if not errors.known(missing):
            raise
        return 0.0
    return holding.read(warm_folder(settings)).gpu / GIB


def chosen(settings: Settings, memory: Memory | None) -> Choice | None:
    """What a first training would do with this memory; None where there is no trainer, or it is not configured (said
    elsewhere)."""
    try:
        from trainer import sharing as shared
        from trainer.config import load_train_config
    except ModuleNotFoundError as missing:
        if not errors.known(missing):
            raise
        return None
    try:
        config = load_train_config(settings.training.config)
    except YamlFileError:
        return None
    base = settings.serving.base_model
    return shared.chosen(settings, config, base, "first", MEASURED_TOKENS, lambda: memory)


async def _look(settings: Settings) -> dict[str, bool | ServingError]:
    async with Replicas(settings.serving) as replicas:
        return await replicas.attempt(lambda replica: replica.is_sleeping())


def _record(settings: Settings) -> tuple[Nap | None, bool]:
    """The nap that goes on, and whether a worker is at its run; nothing when the record cannot be read."""
    database = Database(settings.database.url)
    try:
        persona = load_persona(settings.persona_dir / "persona.yaml").slug
        with database.begin() as session:
            return naps.current(session, persona), naps.attended(session, persona)
    except (SQLAlchemyError, YamlFileError):
        return None, False
    finally:
        database.engine.dispose()
