"""One run, from approved cases to a decision: the whole story is ``_STORY``, top to bottom.

Every stage reads what it needs from the record and can be done again: a worker that dies at any point is followed by
one that goes on from the last stage that was written. Whatever goes wrong, the run is closed with a reason for people,
its cases wait for the next run, and the live adapter stays. Where people try a new adapter first, the run is not over
at the end of the story: ``canary`` ends it.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from sqlalchemy.exc import NoResultFound

from feedback import adapters, runs
from feedback.database import DatabaseUnavailable
from feedback.runs import RunCancelled
from feedback.states import ACTIVE_RUNS, AdapterStatus, RunStatus
from serving.errors import ServingUnavailable
from trainer import stages
from trainer.context import Context, Trip, set_out
from trainer.lock import TrainingLock
from trainer.swift import TrainingFailed

log = logging.getLogger(__name__)

_STORY: tuple[tuple[RunStatus, Callable[[Trip], Awaitable[None]]], ...] = (
    (RunStatus.PARAPHRASING, stages.paraphrase_cases),
    (RunStatus.BUILDING, stages.build_dataset),
    (RunStatus.TRAINING, stages.train_adapter),
    (RunStatus.PROBING, stages.probe_and_decide),
    (RunStatus.DEPLOYING, stages.promote),
)
_ORDER = [stage for stage, _ in _STORY]
# It is going live, or ``canary`` ends it, in one transaction with its experiment.
_DECIDED = frozenset({RunStatus.DEPLOYING, RunStatus.CANARY})


class WorkerStopping(Exception):
    """The worker was asked to stop; the next one goes on."""


class LockLost(Exception):
    """PostgreSQL was away, and another worker has taken over."""


def run_training(run_id: int, context: Context) -> None:
    """Bring a run to its end, from wherever it stands. Does nothing for one that is over, or in other hands.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be reached; the run goes on when it is back.
        WorkerStopping: the worker was asked to stop.
    """
    try:
        with context.database.begin() as session:
            run = runs.get(session, run_id)
    except NoResultFound:
        log.error("There is no run %s.", run_id, extra={"action": "run_unknown", "run_id": run_id})
        return
    if run.status not in ACTIVE_RUNS or run.status is RunStatus.CANARY:
        return  # a canary waits for people's votes: see trainer.canary
    with TrainingLock(context.database, run.persona) as lock:
        if lock.take():
            asyncio.run(_closed_whatever_happens(run_id, context, lock))
        else:
            log.info("Another worker has run %s.", run_id, extra={"action": "run_skipped", "run_id": run_id})


async def _closed_whatever_happens(run_id: int, context: Context, lock: TrainingLock) -> None:
    try:
        await _unless_interrupted(_tell(run_id, context), run_id, context, lock)
    except RunCancelled as cancelled:
        _close(context, run_id, RunStatus.CANCELLED, why=str(cancelled))
    except LockLost:
        log.warning("Another worker has taken over run %s.", run_id, extra={"action": "run_lost", "run_id": run_id})
    except (WorkerStopping, DatabaseUnavailable):
        raise
    except Exception as error:
        # Broad, since a run that stays active, whatever it was, would block every further one.
        log.exception("Run %s failed.", run_id, extra={"action": "run_failed", "run_id": run_id})
        _close(context, run_id, RunStatus.FAILED, error=reason(error))
        if isinstance(error, ServingUnavailable):
            await context.standby.give_back()  # a server that does not come back may lack just that memory


async def _tell(run_id: int, context: Context) -> None:
    async with set_out(context, run_id) as trip, stages.ahead(trip):
        for stage, work in _STORY:
            if _enter(trip, stage):
                log.info("Run %s is %s.", run_id, stage, extra={"action": "stage_entered", "run_id": run_id})
                await work(trip)


def _enter(trip: Trip, stage: RunStatus) -> bool:
    """Move the run on to a stage, or stay in it after a restart; False when it is past it, or over."""
    with trip.database.begin() as session:
        run = runs.get(session, trip.run_id)
        if run.status not in ACTIVE_RUNS:
            return False
        if run.status in _ORDER and _ORDER.index(run.status) > _ORDER.index(stage):
            return False
        if run.status is RunStatus.QUEUED:
            runs.set_config(session, trip.run_id, trip.config.model_dump(mode="json"))
        if run.status is not stage:
            runs.advance(session, trip.run_id, stage)
    trip.reporter.enter(stage)
    return True


async def _unless_interrupted(
    story: Coroutine[Any, Any, None], run_id: int, context: Context, lock: TrainingLock
) -> None:
    """Await the story. It is cancelled, and what it started has ended, before an interruption is raised."""
    told = asyncio.create_task(story)
    interrupted = asyncio.create_task(_interruption(run_id, context, lock))
    try:
        await asyncio.wait({told, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not told.done():
            told.cancel()
        interrupted.cancel()
        await asyncio.wait({told, interrupted})
    if told.cancelled():
        raise interrupted.result()
    told.result()


async def _interruption(run_id: int, context: Context, lock: TrainingLock) -> Exception:
    """Wait for a reason to stop."""
    while True:
        for _ in range(5):
            if context.stopping.is_set():
                return WorkerStopping(f"the worker stops; run {run_id} goes on with the next one")
            await asyncio.sleep(0.2)
        try:
            if not await asyncio.to_thread(lock.still_held):
                return LockLost()
            if cancelled := await asyncio.to_thread(_cancelled, run_id, context):
                return cancelled
        except DatabaseUnavailable:
            log.warning(
                "PostgreSQL is away; run %s goes on meanwhile.",
                run_id,
                extra={"action": "database_awaited", "run_id": run_id},
            )
            await asyncio.sleep(5)


def _cancelled(run_id: int, context: Context) -> RunCancelled | None:
    with context.database.begin() as session:
        run = runs.get(session, run_id)
    if run.cancel_requested_by is None or run.status in _DECIDED or run.status not in ACTIVE_RUNS:
        return None
    return RunCancelled(f"cancelled by {run.cancel_requested_by}")


def _close(context: Context, run_id: int, to: RunStatus, *, error: str | None = None, why: str = "") -> None:
    """End a run without a verdict; its candidate, if it has one, will not be served."""
    with context.database.begin() as session:
        status = runs.get(session, run_id).status
        if status not in ACTIVE_RUNS or status is RunStatus.CANARY:
            return
        candidate = adapters.of_run(session, run_id)
        if candidate and candidate.status is AdapterStatus.CANDIDATE:
            adapters.reject(session, candidate, why=f"run {run_id} {to}")
        runs.close(session, run_id, to, error=error, why=why)
    log.info("Run %s is %s.", run_id, to, extra={"action": f"run_{to}", "run_id": run_id})


def reason(error: Exception) -> str:
    """What a person is told about an error, and can act on."""
    if isinstance(error, TrainingFailed) and error.tail:
        return f"{error}\n\n{error.tail}"
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC:
            return "The disk is full: free some space in the folders of runs and adapters, and retrain."
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    if type(error).__module__.partition(".")[0] in {"feedback", "serving", "trainer"} and str(error):
        return str(error)
    return f"Unexpected error, see the worker's log: {type(error).__name__}: {error}"
