"""A training that shares its GPU with the model server: beside it, or while it sleeps, at once or at night.

While the server sleeps nobody can be asked anything. So the base model and the live adapter answer their probes before,
and the checkpoints are judged after waking, in the same order and by the same rules (``choice``).

Whatever happens to the training, the server is woken. Where the worker itself dies, the nap in the record tells the
next one (``wake_forgotten``), and in the end the bot, that it has to be done.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from feedback import adapters, naps
from feedback.automatic import Rules
from feedback.naps import Nap
from feedback.persona import PersonaError, load_persona
from serving import device, sharing, sleeping
from serving.adapters import Replicas
from serving.errors import AdapterLoadError, ServingError, ServingUnavailable
from serving.seals import of_record
from serving.sharing import Choice, Memory, Mode
from settings import Settings
from trainer import checkpoint, process
from trainer.batch import needed
from trainer.config import StageName, TrainConfig
from trainer.context import Context, Trip
from trainer.lock import TrainingLock
from trainer.patience import patiently
from trainer.swift import PID_NAME, Choose, Training

log = logging.getLogger(__name__)

WINDOW_LOOK = 20.0  # seconds between two looks whether the night's window is open
GIB = 2**30
WAKING_AT_AN_END = 10.0  # seconds to try it when the run was broken off: the worker may have to end itself


Asked = Callable[[], Awaitable[object]]
"""What has to be asked of the server before it sleeps."""


Fitted = Callable[[Training, int | None], Training]
"""A training whose batch is decided by the bytes of the GPU that it may take; None: not known."""


async def train(trip: Trip, training: Training, fitted: Fitted, choose: Choose, before: Asked | None = None) -> Path:
    """The checkpoint of a training, made now unless it was before: the first that is good enough, or the last."""
    if checkpoint.ready(training.folder, training.output, training.dataset_sha256) is not None:
        await awake(trip)  # whoever trained may have died before it woke them
    else:
        how = await decide(trip, training)
        if how.sleeps and before is not None:
            await before()
        if how.mode is Mode.WINDOW and await _waited_for_it(trip):
            how = await decide(trip, training)  # what was free hours ago says nothing
        training = await asyncio.to_thread(fitted, training, await room(trip, how))
        trip.reporter.mark("training_begun")
        extra = {"action": "sharing_chosen", "run_id": trip.run_id, "mode": how.mode}
        log.info("Run %s trains: %s, since %s.", trip.run_id, how.mode, how.reason, extra=extra)
        if not how.sleeps:
            return await trip.context.train(training, trip.reporter.training, choose)
        async with _asleep(trip, how.reason):
            await trip.context.train(training, trip.reporter.training, _not_now)
    found = await trip.context.train(training, trip.reporter.training, choose)  # done before: it only gives the folder
    with trip.database.begin() as session:
        slept = naps.had(session, trip.run_id)
    return await _first_good(training, choose) or found if slept else found


async def _not_now(saved: Path) -> bool:
    return False


async def _first_good(training: Training, choose: Choose) -> Path | None:
    """The earliest checkpoint but the last that is good enough; those that were passed over are not asked again."""
    for step in training.offered_steps:
        folder = training.saved_at(step)
        if checkpoint.saved_step(folder) == step and await choose(folder):
            return folder
    return None


async def decide(trip: Trip, training: Training) -> Choice:
    """How this training shares the GPU; with all replicas awake, so that what is free then is really free."""
    settings = trip.settings
    await awake(trip)
    ours = await trip.context.standby.free_bytes() if device.resolve(settings.serving) == "cuda" else None

    def memory() -> Memory | None:
        found = trip.context.memory()
        # What a warm trainer has already is free for the training that it will make.
        return replace(found, free=max(found.free, ours / GIB)) if found and ours else found

    config, base = training.config, Path(trip.base.path)
    return await asyncio.to_thread(lambda: chosen(settings, config, base, training.stage, training.longest, memory))


async def awake(trip: Trip) -> None:
    """Have all replicas on a GPU there and awake: before, its memory looks free, and they are about to take it.

    Raises:
        ServingUnavailable: one is not, for so long.
    """
    context, serving = trip.context, trip.settings.serving
    if device.resolve(serving) == "cpu":
        return
    with trip.database.begin() as session:
        nap = naps.current(session, trip.persona.slug)
    if nap is not None and sharing.may_sleep(serving):
        await _wake(context, trip.replicas, trip.persona.slug, nap.run_id, context.patience)
    try:
        await _all_awake(trip.replicas)
    except ServingUnavailable:
        await context.standby.give_back()  # it may be just what a server that starts lacks
        trip.reporter.mention("waits until the model server is there and awake")
        await patiently(lambda: _all_awake(trip.replicas), context.patience)
        trip.reporter.mention("")


async def room(trip: Trip, how: Choice) -> int | None:
    """The bytes of the GPU that a training may take; None: not known."""
    return await trip.context.standby.free_bytes() if how.room is None else int(how.room * GIB)


def chosen(
    settings: Settings,
    config: TrainConfig,
    base: Path,
    stage: StageName,
    longest: int,
    memory: Callable[[], Memory | None],
) -> Choice:
    """The mode by the settings, or for ``auto`` by what is free now and what rows of up to ``longest`` tokens take."""
    serving = settings.serving
    if device.resolve(serving) == "cpu":
        return sharing.ON_CPU
    if serving.sharing != "auto":
        return sharing.as_told(serving.sharing, memory(), serving.gpu_memory_utilization)
    # One that is open is the careful one here: what is more than it needs makes it faster.
    needs = needed(config.batch_of(stage), sharing.weights(base) * 1e9, longest) / GIB
    return sharing.choose(memory(), serving.gpu_memory_utilization, needs, window=bool(settings.training.nightly))


async def _all_awake(replicas: Replicas) -> None:
    await replicas.each_one(lambda replica: replica.models())
    if await sleeping.asleep(replicas):
        raise ServingUnavailable("The model server sleeps, and not for a run of this persona; wake it with /wake_up.")


async def _waited_for_it(trip: Trip) -> bool:
    """Whether the night's window was still to come; it is open now."""
    window = Rules.of(trip.settings.training).window
    if window is None or window.opened(trip.context.clock()):
        return False
    night = f"{trip.settings.training.nightly} {trip.settings.training.time_zone}"
    trip.reporter.mention(f"waits for {night}, since nobody is answered while it trains")
    log.info("Run %s waits for %s.", trip.run_id, night, extra={"action": "window_awaited", "run_id": trip.run_id})
    while window.opened(trip.context.clock()) is None:  # noqa: ASYNC110  (a time of day tells nobody that it has come)
        await asyncio.sleep(WINDOW_LOOK)
    trip.reporter.begin_again()
    return True


@asynccontextmanager
async def _asleep(trip: Trip, why: str) -> AsyncIterator[None]:
    """The server sleeps until the end of the block, and answers again after it."""
    await patiently(lambda: sleeping.check(trip.replicas), trip.context.patience)
    with trip.database.begin() as session:
        naps.begin(session, trip.run_id, why)
    trip.reporter.mention("the model sleeps meanwhile, and questions wait")
    slug = trip.persona.slug
    try:
        await sleeping.fall_asleep(trip.replicas, trip.context.drained)
        yield
    except BaseException:
        # Shielded, so that a second cancellation does not leave people without answers.
        await asyncio.shield(_wake_if_possible(trip.context, trip.replicas, slug, trip.run_id))
        raise
    waking = asyncio.create_task(_wake(trip.context, trip.replicas, slug, trip.run_id, trip.context.patience))
    try:
        await asyncio.shield(waking)
    except asyncio.CancelledError:
        await asyncio.wait({waking})  # what it asks with would be closed meanwhile
        raise
    trip.reporter.mention("")


async def _wake_if_possible(context: Context, replicas: Replicas, persona: str, run_id: int) -> None:
    try:
        await _wake(context, replicas, persona, run_id, WAKING_AT_AN_END)
    except Exception as error:
        # Broad, since what ended the training is what is to be told; the nap in the record makes others try again.
        log.error("The model server was not woken: %s", error, extra={"action": "not_woken", "run_id": run_id})


async def _wake(context: Context, replicas: Replicas, persona: str, run_id: int, patience: float) -> None:
    """Have every replica answer again, and write that.

    Raises:
        ServingUnavailable: one does not, for so long.
    """
    folder = context.settings.training.runs_dir.expanduser().absolute() / f"run-{run_id}"
    await context.standby.give_back()
    if await process.stop_orphan(folder / PID_NAME):  # it has the memory that the server is to get back
        log.warning("A training was left behind.", extra={"action": "orphan_stopped", "folder": folder.name})
    with context.database.begin() as session:
        names, live = adapters.to_serve(session, persona)
    why = "it answers again"
    try:
        await patiently(lambda: sleeping.wake_up(replicas, names, live), patience)
    except AdapterLoadError as error:
        # It is awake; the bot falls back to an older adapter, which is better than to wait.
        why = f"awake, but {error}"
        log.error("After waking: %s", error, extra={"action": "adapter_lost_asleep", "run_id": run_id})
    with context.database.begin() as session:
        naps.end(session, run_id, why)


def wake_forgotten(context: Context) -> None:
    """Wake a server that a worker has put to sleep which is no more; nothing while one is at work.

    Raises:
        DatabaseUnavailable: to be tried again later.
    """
    if not sharing.may_sleep(context.settings.serving):
        return
    try:
        persona = load_persona(context.settings.persona_dir / "persona.yaml").slug
    except PersonaError:
        return  # the sweep says so
    with context.database.begin() as session:
        nap = naps.current(session, persona)
    if nap is None:
        return
    with TrainingLock(context.database, persona) as lock:
        if lock.take():
            log.warning("The model server was left asleep.", extra={"action": "nap_found", "run_id": nap.run_id})
            asyncio.run(_wake_after(context, persona, nap))


async def _wake_after(context: Context, persona: str, nap: Nap) -> None:
    replicas = context.replicas(context.settings.serving, of_record(context.database))
    try:
        await _wake(context, replicas, persona, nap.run_id, 0.0)
    except ServingError as error:
        log.warning("%s The next look tries again.", error, extra={"action": "not_woken", "run_id": nap.run_id})
    finally:
        await replicas.close()
