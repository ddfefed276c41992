"""Training through ms-swift: the only place that starts it.

A follow-up is a warm start (`--adapters`, a fresh schedule). True resume (`--resume_from_checkpoint`) counts epochs
over all rounds and ignores the learning rate, so on little data it trains nothing; here it is an option that counts
its own steps.

A follow-up saves a checkpoint at the end of each epoch. They are offered while the training goes on, oldest first, and
it ends with the first one that is found good enough; otherwise the last one is taken.
"""

import asyncio
import logging
import math
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving import cores
from trainer import batch, checkpoint, preference, process, training_log
from trainer.checkpoint import CheckpointError, Expected
from trainer.config import FlagValue, Method, Stage, StageName, TrainConfig
from trainer.general_sets import GeneralSet
from trainer.training_log import Step

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2  # between two looks at the training's log
OUTPUT_NAME, PID_NAME = "train.log", "train.pid"
# A name that would reach the network, and the settings of this program: the training needs no token of ours.
_NOT_INHERITED = ("MEND_", "SLACK_", "VLLM_", "WANDB_", "HF_TOKEN", "MODELSCOPE_API_TOKEN")


Choose = Callable[[Path], Awaitable[bool]]
"""Whether a checkpoint, which is not the last, is good enough to end the training with."""


class TrainingFailed(Exception):
    """Training did not give an adapter; the message says why, for people. `status` is the exit status."""

    def __init__(self, why: str, *, status: int | None = None, tail: str = "") -> None:
        super().__init__(why)
        self.status, self.tail = status, tail

    @property
    def out_of_memory(self) -> bool:
        """Whether the card was too small for it."""
        return _ran_out(self.tail)


@dataclass(frozen=True)
class Training:
    """One training: what goes in, and where it works."""

    config: TrainConfig
    base_model: str
    dataset: Path
    dataset_sha256: str
    rows: int
    seed: int
    folder: Path
    threads: int
    parent: Path | None = None
    """Folder of the adapter to start from; None: a first run."""
    resume_from: Path | None = None
    """Checkpoint folder for a true resume instead of a warm start."""
    general_sets: tuple[GeneralSet, ...] = ()
    """What is mixed in beside the dataset; its rows are counted in `rows`."""
    system_prompt: str = ""
    """For the rows of general sets; ours carry it themselves."""
    method: Method = "sft"
    """What the dataset's rows are for; a first run's is always sft."""
    longest: int = batch.MEASURED_TOKENS
    """About how many tokens are in one pass for the longest row."""

    @property
    def stage(self) -> StageName:
        return "first" if self.parent is None else "follow_up"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def saved_at(self, step: int) -> Path:
        """Where ms-swift saves the checkpoint of a step."""
        return self.output / f"checkpoint-{step}"

    @property
    def _schedule(self) -> Stage:
        return self.config.first if self.stage == "first" else self.config.follow_up

    @property
    def _steps_per_epoch(self) -> int:
        return math.ceil(self.rows / self._schedule.rows_per_update)

    @property
    def new_steps(self) -> int:
        """How many update steps this training makes if it goes on to its end."""
        return self._steps_per_epoch * self._schedule.num_train_epochs

    @property
    def offered_steps(self) -> tuple[int, ...]:
        """The steps but the last at which a checkpoint is offered; none on a true resume: its epochs end elsewhere."""
        if self.stage == "first" or self.resume_from is not None:
            return ()
        epochs = range(self.config.first_candidate_epoch, self._schedule.num_train_epochs)
        return tuple(epoch * self._steps_per_epoch for epoch in epochs)


def build_command(training: Training, resumed_step: int = 0) -> list[str]:
    """The arguments of one training. `resumed_step` is the step that a true resume goes on from."""
    flags: dict[str, FlagValue] = {
        **training.config.flags(training.stage),
        "model": training.base_model,
        "output_dir": str(training.output),
        "add_version": False,  # otherwise the folder gets a date
        "strict": True,  # a row that is too long stops the training instead of being dropped
        "seed": training.seed,
        "data_seed": training.seed,
        "load_args": False,  # a checkpoint's args.json may name files to import
    }
    if training.resume_from is not None:
        flags |= {
            "resume_from_checkpoint": str(training.resume_from),
            "max_steps": resumed_step + training.new_steps,
            "ignore_data_skip": True,  # otherwise some rows are seen less often than others
            "lr_scheduler_type": "constant",  # a cosine over all rounds has come down already
        }
        del flags["num_train_epochs"]
    elif training.parent is not None:
        flags["adapters"] = str(training.parent)
    flags |= preference.flags(training.config, training.method, training.parent)
    if training.general_sets:
        flags["system"] = training.system_prompt  # otherwise those rows get the template's own
    if training.offered_steps:
        flags |= {"save_strategy": "epoch", "save_total_limit": training.config.follow_up.num_train_epochs}
    # Not the `swift` command: a signal to that wrapper leaves the training running.
    module = "swift.cli.sft" if training.method == "sft" else "swift.cli.rlhf"
    command = [sys.executable, "-m", module, *_arguments(flags)]
    return [*command, "--dataset", str(training.dataset), *(one.argument for one in training.general_sets)]


def loading_arguments(config: TrainConfig, base_model: str, folder: Path) -> list[str]:
    """Flags with which ms-swift loads the base model as every training of this config does, whatever its schedule; the
    rest that it asks for names nothing that is there, and `folder` is one that it may make."""
    of_each_run = {*Stage.model_fields, "gradient_checkpointing"}
    flags = {name: value for name, value in config.flags("first").items() if name not in of_each_run}
    flags |= {"model": base_model, "output_dir": str(folder), "add_version": False, "load_args": False}
    return [*_arguments(flags), "--dataset", str(folder / "none.jsonl")]


def _arguments(flags: Mapping[str, FlagValue]) -> list[str]:
    arguments: list[str] = []
    for name, value in flags.items():
        arguments += [f"--{name}", str(value).lower() if isinstance(value, bool) else str(value)]
    return arguments


def environment(training: Training, inherited: Mapping[str, str]) -> dict[str, str]:
    """The training's environment: no secrets of ours, no more threads than it may have, and no network but for a
    general set from a hub, which is kept where the hub's client keeps all."""
    online = any(not one.is_file for one in training.general_sets)
    return process_environment(inherited, training.threads, None if online else training.folder / "cache")


def process_environment(inherited: Mapping[str, str], threads: int, cache: Path | None) -> dict[str, str]:
    """The variables of a process that trains; with a folder for caches it is offline."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(_NOT_INHERITED)}
    ours = {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if cache is None:
        return kept | ours
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return kept | ours | offline | {"HF_DATASETS_CACHE": str(cache), "MODELSCOPE_CACHE": str(cache)}


def thread_count(wanted: int) -> int:
    """The number of training threads: as set, or one for each core that serving leaves to it."""
    return wanted or cores.of_training(cores.available())


class Job(Protocol):
    """A training under way."""

    @property
    def returncode(self) -> int | None:
        """Its exit status, once it has ended."""

    async def wait(self) -> int:
        """Its exit status."""

    async def stop(self) -> None:
        """End it if it still goes on; afterwards nothing of it is left but a process that stays."""


Start = Callable[[Training, Sequence[str]], Awaitable[Job]]


class OwnProcess:
    """A training that is a process of its own."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    @property
    def returncode(self) -> int | None:
        return self._child.returncode

    async def wait(self) -> int:
        return await self._child.wait()

    async def stop(self) -> None:
        # Also after a good end: data loaders that outlive their parent would keep the memory.
        await process.stop(self._child)


async def start_process(training: Training, command: Sequence[str]) -> Job:
    """The cold way: a process that does its imports, loads the base model, trains, and ends."""
    child = await process.start(
        command,
        environment=environment(training, os.environ),
        pid_file=training.folder / PID_NAME,
        output=training.folder / OUTPUT_NAME,
    )
    return OwnProcess(child)


async def train(
    training: Training,
    on_steps: Callable[[Sequence[Step]], None],
    choose: Choose,
    start: Start = start_process,
) -> Path:
    """Train, and return the checkpoint folder. A training that was finished before is not done again.

    `on_steps` gets all steps so far whenever there are new ones; `choose` is asked about one checkpoint after another.
    Cancelling ends the training first.

    Raises:
        TrainingFailed: it did not work; the live adapter is as it was.
    """
    if done := checkpoint.ready(training.folder, training.output, training.dataset_sha256):
        return done
    if await process.stop_orphan(training.folder / PID_NAME):
        log.warning(
            "A training without a worker was ended.",
            extra={"action": "orphan_stopped", "folder": training.folder.name},
        )
    resumed_step = _resumed_step(training)
    shutil.rmtree(training.output, ignore_errors=True)
    (training.folder / OUTPUT_NAME).unlink(missing_ok=True)
    job = await start(training, build_command(training, resumed_step))
    chosen, status = await _run(training, job, on_steps, choose)
    found = _checked(training, chosen, status, resumed_step)
    checkpoint.mark_ready(training.folder, found, training.dataset_sha256)
    return found


async def _run(
    training: Training, job: Job, on_steps: Callable[[Sequence[Step]], None], choose: Choose
) -> tuple[int | None, int]:
    """The step whose checkpoint was chosen, if one was, and the exit status (then of no meaning)."""
    ended, offers = asyncio.create_task(job.wait()), asyncio.create_task(_first_good(training, job, choose))
    try:
        seen = 0
        while not ended.done() and not _found(offers):
            await asyncio.wait({ended} if offers.done() else {ended, offers}, timeout=LOOK_SECONDS)
            steps = training_log.read_steps(training.output / "logging.jsonl")
            if len(steps) > seen:
                seen = len(steps)
                on_steps(steps)
            if steps and not math.isfinite(steps[-1].loss):
                raise TrainingFailed(f"The loss was {steps[-1].loss} at step {steps[-1].step}; training was stopped.")
        chosen = None if ended.done() and ended.result() != 0 else await offers
    finally:
        offers.cancel()
        # Shielded, so that a second cancellation does not leave the training going on.
        await asyncio.shield(job.stop())
        await asyncio.wait({offers, ended})
        unless_chosen = ended.exception()
        (training.folder / PID_NAME).unlink(missing_ok=True)
        shutil.rmtree(training.folder / "cache", ignore_errors=True)
    return chosen, 0 if unless_chosen else ended.result()


def _found(offers: asyncio.Task[int | None]) -> bool:
    """Whether a checkpoint has been chosen; raises what the choosing has raised."""
    return offers.done() and offers.result() is not None


async def _first_good(training: Training, job: Job, choose: Choose) -> int | None:
    """The step of the earliest checkpoint but the last that is good enough, as soon as it is there."""
    for step in training.offered_steps:
        folder = training.saved_at(step)
        while checkpoint.saved_step(folder) != step:
            if job.returncode is not None and checkpoint.saved_step(folder) != step:
                return None
            await asyncio.sleep(LOOK_SECONDS)
        if await choose(folder):
            return step
    return None


def _resumed_step(training: Training) -> int:
    if training.resume_from is None:
        return 0
    step = checkpoint.saved_step(training.resume_from)
    if step is None:
        raise TrainingFailed(
            f"A true resume needs the whole checkpoint of the live adapter's run, and {training.resume_from} is not "
            "there or not whole; set MEND_TRAINING__RESUME=warm."
        )
    return step


def _checked(training: Training, chosen: int | None, status: int, resumed_step: int) -> Path:
    output = training.folder / OUTPUT_NAME
    tail = training_log.tail(output)
    if chosen is None and status != 0:
        if name := training_log.not_fetched(output):
            raise TrainingFailed(
                f"The general data set {name} could not be fetched. The trainer needs the network for it; without, "
                "download it elsewhere and name the file in general_sets, as in path/to/rows.jsonl#500.",
                status=status,
                tail=tail,
            )
        raise TrainingFailed(explain(status, tail), status=status, tail=tail)
    logging_file = training.output / "logging.jsonl"
    expected = Expected(training.rows, chosen or resumed_step + training.new_steps, training.parent)
    try:
        if chosen:
            found = training.saved_at(chosen)
        else:
            found = checkpoint.last(training.output, training_log.read_summary(logging_file), expected)
        checkpoint.check(found, training_log.read_steps(logging_file), training_log.rows_used(output), expected)
    except CheckpointError as error:
        raise TrainingFailed(f"Training ended without an adapter: {error}.", status=status, tail=tail) from error
    return found


def _ran_out(tail: str) -> bool:
    return "out of memory" in tail.lower()


def explain(status: int, tail: str) -> str:
    """Why a training ended badly, in words for people, from its exit status and the end of its output."""
    last = tail.splitlines()[-1] if tail else "it wrote nothing"
    if "No space left on device" in tail:
        return "The disk is full: free some space in the folder of runs, and retrain."
    if _ran_out(tail):  # with a batch of auto this is after the careful one
        return f"There was not enough memory: lower max_length or the batch size in the training config. ({last})"
    if "is larger than the max_length" in tail:
        return f"A row of the persona's files or of general_sets is longer than the config's max_length. ({last})"
    if status in (-9, 137):
        return "Training was killed (status -9), most likely for want of memory."
    if status < 0:
        return f"Training was ended from outside by signal {-status}."
    if "remaining_argv" in tail:
        return f"ms-swift does not know a flag of the training config: {last}"
    return f"Training failed with status {status}: {last}"
