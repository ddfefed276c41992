"""What a run is given: the effects that the worker supplies, and what one trip reads and connects before it starts."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from feedback import runs
from feedback.database import Database
from feedback.models import Run
from feedback.persona import Persona, load_persona
from serving import device, gpu_memory, sleeping
from serving.adapters import Replicas
from serving.base import BaseModel
from serving.chat import ChatClient
from serving.routing import base_name
from serving.seals import Seals, of_record
from serving.sharing import Memory
from serving.zero_adapter import zero_adapter
from settings import ServingSettings, Settings
from trainer import swift
from trainer.config import TrainConfig, load_train_config
from trainer.probes import Probe, load_probes
from trainer.reporter import Reporter
from trainer.swift import Choose, Training
from trainer.training_log import Step

Train = Callable[[Training, Callable[[Sequence[Step]], None], Choose], Awaitable[Path]]


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Standby(Protocol):
    """What is held ready for a training (trainer/trainers.py)."""

    async def ready(self, trip: "Trip") -> None:
        """A run has begun that will train, and the model server has the memory that it needs."""

    async def free_bytes(self) -> int | None:
        """The memory of the GPU that its training may take; None: not known."""

    async def give_back(self) -> None:
        """Give back what is held: a model server that wakes up wants its memory."""


class Nothing:
    """Nothing is held ready: each training brings all that it needs."""

    async def ready(self, trip: "Trip") -> None:
        """Nothing to do."""

    async def free_bytes(self) -> int | None:
        return None

    async def give_back(self) -> None:
        """Nothing to give."""


class WrongWorker(Exception):
    """The run was started for another base model or persona than this worker's."""


@dataclass(frozen=True)
class Context:
    """The effects of a run. Chat and replicas belong to an event loop, so they come as makers."""

    settings: Settings
    database: Database
    chat: Callable[[ServingSettings, Seals], ChatClient] = ChatClient
    replicas: Callable[[ServingSettings, Seals], Replicas] = Replicas
    train: Train = swift.train
    standby: Standby = field(default_factory=Nothing)
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the worker is asked to stop; the run is left where the next worker goes on."""
    patience: float = 300.0
    """Seconds to wait for a model server that is away; vLLM needs up to three minutes to start."""
    paraphrasing_seconds: float = 30.0
    """How long the base model may take over one case."""
    memory: Callable[[], Memory | None] = gpu_memory.read
    """What is free on the GPU, which `auto` decides by."""
    drained: float = sleeping.DRAINED
    """Seconds that people's answers get to their end before the model server is put to sleep."""
    clock: Callable[[], datetime] = now
    """By which the nightly window is judged."""


@dataclass(frozen=True)
class Trip:
    """One run under way."""

    run_id: int
    context: Context
    persona: Persona
    probes: tuple[Probe, ...]
    config: TrainConfig
    base: BaseModel
    chat: ChatClient
    replicas: Replicas
    reporter: Reporter
    measuring: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while base and live adapter are probed: whoever comes second finds the results in the record."""

    @property
    def database(self) -> Database:
        return self.context.database

    @property
    def settings(self) -> Settings:
        return self.context.settings

    @property
    def folder(self) -> Path:
        """The working folder of the run."""
        return self.settings.training.runs_dir.expanduser().absolute() / f"run-{self.run_id}"

    @property
    def base_name(self) -> str:
        """The name under which the base model answers."""
        return base_name(self.settings.serving)


@asynccontextmanager
async def set_out(context: Context, run_id: int) -> AsyncIterator[Trip]:
    """Read everything that a run needs, and connect to the model server.

    Raises:
        PersonaError, ProbeFileError, TrainConfigError: with file, line and field.
        BaseModelError: the model's folder is missing or wrong.
        WrongWorker: the settings name another model or persona than when the run was started.
    """
    settings = context.settings
    with context.database.begin() as session:
        run = runs.get(session, run_id)
    persona = load_persona(settings.persona_dir / "persona.yaml")
    config = _config_of(run, settings)
    probes = load_probes(settings.persona_dir / "probes.yaml", persona)
    # The fingerprint and the weights' headers are read from disk.
    base = await asyncio.to_thread(BaseModel.read, settings.serving.base_model)
    _check_mine(run, base, persona, settings)
    if device.resolve(settings.serving) == "cpu":
        await asyncio.to_thread(zero_adapter, base, settings.serving.adapters_dir)
    seals = of_record(context.database)
    chat, replicas = context.chat(settings.serving, seals), context.replicas(settings.serving, seals)
    try:
        yield Trip(
            run_id=run_id,
            context=context,
            persona=persona,
            probes=tuple(probe for probe in probes if probe.language in config.languages),
            config=config,
            base=base,
            chat=chat,
            replicas=replicas,
            reporter=Reporter(context.database, run_id, run.progress),
        )
    finally:
        await chat.close()
        await replicas.close()


def _config_of(run: Run, settings: Settings) -> TrainConfig:
    """The copy that the run stored when it began; before that, the file."""
    return TrainConfig.model_validate(run.config) if run.config else load_train_config(settings.training.config)


def _check_mine(run: Run, base: BaseModel, persona: Persona, settings: Settings) -> None:
    if run.persona != persona.slug:
        raise WrongWorker(
            f"Run {run.id} was started for the persona {run.persona}, and the worker's is {persona.slug}. Give every "
            "persona a queue of its own (MEND_REDIS__QUEUE)."
        )
    if run.base_model not in (str(settings.serving.base_model), base.path):
        raise WrongWorker(
            f"Run {run.id} was started for the base model {run.base_model}, and the worker's settings name "
            f"{base.path}. Set MEND_SERVING__BASE_MODEL alike for bot and worker, and retrain."
        )
