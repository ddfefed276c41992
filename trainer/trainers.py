"""The two ways to train: in a process for each run (cold), or in one that stays (warm); and which one a run takes.

Warm saves the imports and the loading of the base model, and does them while a run's first stages go on. It costs the
memory of the base model between runs, until it has been idle for a while. Both give the same bytes.

Always cold are a true resume, which rests on the state of a process that begins, KTO and DPO, which load a reference
beside the model, and general sets from a hub, for which the training needs the network that a warm trainer does not
have.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from serving.base import BaseModel
from serving.device import NVIDIA
from settings import Settings
from trainer import checkpoint, memory, swift
from trainer.config import TrainConfig, weight_bytes
from trainer.context import Trip
from trainer.general_sets import GeneralSet
from trainer.holding import NOTHING, Held
from trainer.reporter import Reporter
from trainer.swift import Choose, Start, Training
from trainer.training_log import Step
from trainer.warm import Base, TrainerDied, Warm

log = logging.getLogger(__name__)

# What has to be free: so many times the base model, and so many bytes. See decide().
CPU_FACTOR, CPU_BASIS = 2.0, 2.0e9
GPU_FACTOR, GPU_BASIS = 1.12, 1.0e9


@dataclass(frozen=True)
class Way:
    """How a run trains, and why so, in words for people."""

    warm: bool
    why: str

    def __str__(self) -> str:
        return f"{'warm' if self.warm else 'cold'}: {self.why}"


def decide(wanted: Literal["auto", "warm", "cold"], hindrance: str, needed: float, free: int | None) -> Way:
    """Warm or cold. `hindrance` says why it can only be cold; `needed` and `free` are bytes.

    On a CPU twice the base model and 2 GB have to be free. Measured with SmolLM2-135M in float32 (0.54 GB) on
    2026-11-28, a warm trainer holds 0.6 GB when it is ready and 1.6 GB in and after trainings on short rows, and no
    more after six; long rows take more, so there is room. On a GPU it is what the smallest training takes
    (trainer/batch.py).
    """
    if hindrance:
        return Way(False, hindrance)
    if wanted != "auto":
        return Way(wanted == "warm", f"MEND_TRAINING__TRAINER is {wanted}")
    if free is None:
        return Way(False, "how much memory is free is not known")
    said = f"{free / 1e9:.1f} GB are free, and {needed / 1e9:.1f} GB are wanted"
    return Way(free >= needed, said)


def way_here(settings: Settings, config: TrainConfig, base: BaseModel, held: Held = NOTHING) -> Way:
    """What `decide` says on this machine now. `held` is what our own warm trainer has already."""
    size = weight_bytes(base, config)
    if on_gpu(config):
        needed, free, ours = GPU_FACTOR * size + GPU_BASIS, memory.free_on_gpu(), held.gpu
    else:
        needed, free, ours = CPU_FACTOR * size + CPU_BASIS, memory.free_bytes(), held.ram
    total = None if free is None else free + ours
    return decide(settings.training.trainer, hindrance(settings, config), needed, total)


def hindrance(settings: Settings, config: TrainConfig) -> str:
    """Why runs can only be cold; empty when they need not be."""
    if config.method != "sft":
        return f"{config.method} trains beside a reference, in a process of its own"
    if settings.training.resume == "true":
        return "a true resume needs a process of its own"
    named = (*config.first_replay.general_sets, *config.replay.general_sets)
    if any(not GeneralSet.parse(one).is_file for one in named):
        return "a general set from a hub needs the network"
    return ""


def on_gpu(config: TrainConfig) -> bool:
    """Whether a training of this config runs on a GPU of this machine."""
    return not config.swift.get("use_cpu") and any(path.exists() for path in NVIDIA)


class Trainers:
    """What a worker trains with, for all of its life."""

    def __init__(self, settings: Settings, warm: Warm, cold: Start = swift.start_process) -> None:
        self._settings, self._warm, self._cold = settings, warm, cold
        self._way = Way(False, "no run has begun")
        self._base: Base | None = None
        self._on_gpu = False
        self._reporter: Reporter | None = None

    async def ready(self, trip: Trip) -> None:
        """Decide how the run trains. A warm trainer gets ready meanwhile; one that is not wanted is ended."""
        base = self._wanted(trip)
        self._way = await asyncio.to_thread(way_here, self._settings, trip.config, trip.base, self._warm.held)
        self._base, self._reporter, self._on_gpu = base, trip.reporter, on_gpu(trip.config)
        if self._way.warm:
            try:
                await self._warm.prepare(base)
            except OSError as error:
                self._way = Way(False, f"a warm trainer cannot be started ({error})")
        else:
            await self._warm.end()
        trip.reporter.trains(str(self._way))
        log.info("Run %s trains %s.", trip.run_id, self._way, extra={"action": "way_chosen", "run_id": trip.run_id})

    async def train(self, training: Training, on_steps: Callable[[Sequence[Step]], None], choose: Choose) -> Path:
        """Train the way that was decided on; see `swift.train`. Once more, and cold, when the warm trainer dies."""
        finished = checkpoint.ready(training.folder, training.output, training.dataset_sha256)
        if self._way.warm and self._base and not finished and training.resume_from is None:
            try:
                await self._warm.prepare(self._base)  # it may have been idle for too long
                return await swift.train(training, self._telling(on_steps), choose, self._warm.start)
            except TrainerDied as died:
                log.warning("%s It begins anew, cold.", died, extra={"action": "trainer_died"})
                await self._warm.end()
        return await swift.train(training, on_steps, choose, self._cold)

    async def free_bytes(self) -> int | None:
        """What a training may take of the GPU's memory, with what the warm trainer has of it already; None: not known,
        or there is no GPU."""
        if not self._on_gpu:
            return None
        if self._warm.alive:
            await self._warm.is_prepared()
        free = await asyncio.to_thread(memory.free_on_gpu)
        return None if free is None else free + self._warm.held.gpu

    async def give_back(self) -> None:
        """End the warm trainer: its memory is wanted elsewhere. The next run gets a new one."""
        await self._warm.end()

    def _wanted(self, trip: Trip) -> Base:
        folder = self._warm.folder / "base"
        return Base(
            argv=tuple(swift.loading_arguments(trip.config, trip.base.path, folder)),
            fingerprint=trip.base.fingerprint,
            environment=swift.process_environment(
                os.environ, swift.thread_count(self._settings.training.threads), self._warm.cache
            ),
        )

    def _telling(self, on_steps: Callable[[Sequence[Step]], None]) -> Callable[[Sequence[Step]], None]:
        """With the first steps, it is known when the trainer was ready."""

        def tell(steps: Sequence[Step]) -> None:
            if self._reporter and self._warm.prepared:
                self._reporter.mark("trainer_ready", self._warm.prepared["at"])
            on_steps(steps)

        return tell


def warm_folder(settings: Settings) -> Path:
    """Where the warm trainer of a worker has its files: workers of other queues may share the folder of runs."""
    queue = re.sub(r"[^\w.-]", "_", settings.redis.queue)
    return settings.training.runs_dir.expanduser().absolute() / f"warm-{queue}"
