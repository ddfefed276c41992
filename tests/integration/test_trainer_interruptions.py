"""A run that is interrupted: by a death, a cancel, a stop, or another worker; on a real PostgreSQL."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from feedback import adapters, runs
from feedback.naps import training_lock
from feedback.states import CaseStatus, RunStatus
from tests.integration.trainer_parts import STAGES, Killed, Workshop, done
from trainer import jobs
from trainer.context import Trip
from trainer.jobs import WorkerStopping, run_training
from trainer.lock import TrainingLock
from trainer.swift import Choose, Training


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("stage", range(len(STAGES)), ids=[str(stage) for stage in STAGES])
def test_a_worker_that_dies_in_any_stage_is_followed_by_one_that_goes_on(
    shop: Workshop, stage: int, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(shop)
    case_id = shop.approve()
    run_id = shop.start()
    story = list(jobs._STORY)
    status, work = story[stage]

    async def die(trip: Trip) -> None:
        if moment == "after":
            await work(trip)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_STORY", [*story[:stage], (status, die), *story[stage + 1 :]])
        with pytest.raises(Killed):
            run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is (RunStatus.LIVE if (stage, moment) == (4, "after") else status)
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert shop.case(case_id).status is CaseStatus.MENDED
    assert shop.way(run_id) == [RunStatus.QUEUED, *STAGES, RunStatus.LIVE]
    assert len(shop.swift.trained) == 2, "one training a run, whenever the worker died"
    with shop.database.begin() as session:
        assert len(adapters.listed(session, "pip")) == 2


async def _wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  (what is waited for is in another thread)
            await asyncio.sleep(0.02)


def slow_training(shop: Workshop, ended: threading.Event) -> Callable[..., Awaitable[Path]]:
    async def train(training: Training, on_steps: Callable[..., None], choose: Choose) -> Path:
        shop.swift.trained.append(training)
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError("nobody stopped the training")

    return train


async def test_a_cancelled_run_ends_with_its_training(shop: Workshop) -> None:
    ended = threading.Event()
    case_id, run_id = shop.approve(), shop.start()
    shop.context = replace(shop.context, train=slow_training(shop, ended))
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, shop.context))
    await _wait_until(lambda: bool(shop.swift.trained))
    with shop.database.begin() as session:
        assert runs.request_cancel(session, run_id, by="T1/UADA")
    await running
    assert ended.is_set()
    assert shop.run_of(run_id).status is RunStatus.CANCELLED
    assert shop.case(case_id).status is CaseStatus.APPROVED


async def test_a_worker_that_stops_leaves_the_run_to_the_next_one(shop: Workshop) -> None:
    ended = threading.Event()
    run_id = shop.start()
    stopping = replace(shop.context, train=slow_training(shop, ended))
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, stopping))
    await _wait_until(lambda: bool(shop.swift.trained))
    stopping.stopping.set()
    with pytest.raises(WorkerStopping):
        await running
    assert ended.is_set()
    assert shop.run_of(run_id).status is RunStatus.TRAINING
    await asyncio.to_thread(run_training, run_id, replace(shop.context, stopping=threading.Event()))
    assert shop.run_of(run_id).status is RunStatus.LIVE


def test_a_run_in_other_hands_is_left_alone(shop: Workshop) -> None:
    run_id = shop.start()
    with TrainingLock(shop.database, "pip") as lock:
        assert lock.take()
        run_training(run_id, shop.context)
        assert shop.run_of(run_id).status is RunStatus.QUEUED
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE


def test_a_run_that_is_over_or_unknown_is_nothing_to_do(shop: Workshop) -> None:
    run_id = done(shop)
    run_training(run_id, shop.context)
    run_training(4711, shop.context)
    assert len(shop.swift.trained) == 1


async def test_a_worker_that_was_overtaken_during_an_outage_lets_go(shop: Workshop) -> None:
    """PostgreSQL cuts every connection, and another worker has the lock before this one is back."""
    run_id, ended = shop.start(), threading.Event()
    other = shop.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def overtake() -> None:
        """Wait in the server for the lock, so as to be first, and have every other connection cut."""
        pid = other.scalar(text("SELECT pg_backend_pid()"))
        key = f"SELECT pg_advisory_lock(hashtext('{training_lock('pip')}'))"
        waiting = threading.Thread(target=lambda: other.execute(text(key)))
        waiting.start()
        with shop.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            is_waiting = text(f"SELECT count(*) FROM pg_locks WHERE pid = {pid} AND NOT granted")
            while not connection.scalar(is_waiting):
                time.sleep(0.02)
            others = f"datname = current_database() AND pid NOT IN (pg_backend_pid(), {pid})"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        waiting.join()

    async def overtaken(training: Training, on_steps: Callable[..., None], choose: Choose) -> Path:
        await asyncio.to_thread(overtake)
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError("two workers are at it")

    await asyncio.to_thread(run_training, run_id, replace(shop.context, train=overtaken))
    assert ended.is_set()
    assert shop.run_of(run_id).status is RunStatus.TRAINING
    other.close()
