"""The worker on a real Valkey and PostgreSQL: what it does, what it refuses, and what it finds again."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from feedback.database import Database
from feedback.models import OwnAnswer
from feedback.queue import RUN_TRAINING, connect, enqueue_run
from feedback.states import RunStatus
from local import valkey
from local.processes import Supervisor as Parts
from serving.errors import ServingUnavailable
from tests.integration.trainer_parts import FIRST_RUN_WITHOUT, Workshop, configure, make_workshop
from trainer import worker
from trainer.lock import TrainingLock
from trainer.sweep import sweep
from trainer.worker import SWEEP_SECONDS, Supervisor

QUEUE = "mend-training"


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("valkey")
    parts = Parts(home / "run", lambda line: None)
    parts.start(valkey.part(home))
    yield valkey.url(home)
    parts.stop()


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    client = connect(valkey_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def shop(db: Database, tmp_path: Path, valkey_url: str, redis: Redis) -> Workshop:
    made = make_workshop(tmp_path, db)
    settings = made.context.settings
    settings = settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": valkey_url})})
    return replace(made, context=replace(made.context, settings=settings))


def work_until(shop: Workshop, true: Callable[[], bool], *, seconds: float = 20) -> None:
    """Run the worker in this thread, as `main` does, until something is so."""
    supervisor = Supervisor(shop.context)

    def watch() -> None:
        give_up = time.monotonic() + seconds
        try:
            while not seen() and time.monotonic() < give_up:
                time.sleep(0.02)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def seen() -> bool:
        try:
            return true()
        except DBAPIError:  # a test that cuts every connection may cut this one, too
            return False

    before = signal.signal(signal.SIGTERM, supervisor.stop)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        supervisor.run()
    finally:
        watcher.join()
        signal.signal(signal.SIGTERM, before)
    assert true()


def queued(redis: Redis) -> list[str]:
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer).get_job_ids()


def is_live(shop: Workshop, run_id: int) -> Callable[[], bool]:
    return lambda: shop.run_of(run_id).status is RunStatus.LIVE


def test_a_run_that_is_queued_is_done(shop: Workshop, valkey_url: str) -> None:
    run_id = shop.start()
    enqueue_run(valkey_url, QUEUE, run_id)
    enqueue_run(valkey_url, QUEUE, run_id)
    work_until(shop, is_live(shop, run_id))
    assert len(shop.swift.trained) == 1


def test_a_stop_that_comes_before_the_wait_for_a_job_is_heard_at_once(
    shop: Workshop, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor(shop.context)
    monkeypatch.setattr(worker.canary, "round", lambda context: supervisor.stop(signal.SIGTERM, None))
    monkeypatch.setattr(worker.TrainingWorker, "work", lambda *args, **options: pytest.fail("it waits for a job"))
    supervisor.run()
    assert shop.context.stopping.is_set()


def test_a_look_at_the_canary_that_fails_does_not_end_the_worker(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(context: object) -> None:
        raise KeyError("something that nobody has thought of")

    monkeypatch.setattr(worker.canary, "round", fail)
    run_id = shop.start()
    work_until(shop, is_live(shop, run_id))
    assert any(getattr(line, "action", "") == "canary_look_failed" for line in caplog.records)


def own_answers(shop: Workshop) -> list[str]:
    """The prompts to which the base model's own answers are kept."""
    with shop.database.begin() as session:
        return list(session.scalars(select(OwnAnswer.prompt)))


def started_when(shop: Workshop, event: threading.Event) -> Callable[[], bool]:
    """Start a run once something has happened; whether it is live."""
    started: list[int] = []

    def is_done() -> bool:
        if event.is_set() and not started:
            started.append(shop.start())
            enqueue_run(shop.context.settings.redis.url, QUEUE, started[0])
        return bool(started) and is_live(shop, started[0])()

    return is_done


def test_own_answers_are_made_while_nothing_else_is_to_be_done(shop: Workshop) -> None:
    work_until(shop, lambda: len(own_answers(shop)) == 2)
    assert sorted(prompt for _, prompt in shop.server.asked) == ["How is tea made?", "Why do ships float?"]


def test_a_job_does_not_wait_for_an_own_answer(shop: Workshop) -> None:
    asked = threading.Event()

    async def never_answered(prompt: str) -> None:
        if prompt in ("How is tea made?", "Why do ships float?"):
            asked.set()
            await asyncio.Event().wait()

    configure(shop, *FIRST_RUN_WITHOUT)
    shop.server.thinks = never_answered
    work_until(shop, started_when(shop, asked))
    assert own_answers(shop) == []


@pytest.mark.parametrize("trouble", [ServingUnavailable("vLLM is away"), KeyError("something nobody has thought of")])
def test_own_answers_that_cannot_be_made_disturb_no_run(
    shop: Workshop, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    looked = threading.Event()

    def away() -> bool:
        looked.set()
        raise trouble

    shop.server.at_rest = away
    work_until(shop, started_when(shop, looked))
    actions = [getattr(line, "action", "") for line in caplog.records if line.levelno >= logging.WARNING]
    assert actions == ([] if isinstance(trouble, ServingUnavailable) else ["spare_time_failed"])


def put(redis: Redis, name: str, *args: Any, **options: Any) -> None:
    """Put any job on the queue, as somebody could who has got at it."""
    Queue(QUEUE, connection=redis, serializer=JSONSerializer).enqueue(name, *args, **options)


def test_no_other_job_is_done_and_nothing_that_it_names_is_imported(
    shop: Workshop, redis: Redis, tmp_path: Path, valkey_url: str
) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()\ndef call(*args): open({str(mark)!r}, 'w')\n")
    put(redis, "os.system", f"touch {mark}")
    put(redis, "evil.call", on_success=Callback("evil.call"), on_failure=Callback("evil.call"))
    put(redis, "trainer.jobs.reason", 1)
    put(redis, RUN_TRAINING, "1", on_failure=Callback("evil.call"), job_timeout=1)
    run_id = shop.start()
    put(redis, RUN_TRAINING, run_id, on_success=Callback("evil.call"), job_id=f"run-{run_id}")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(tmp_path))
        work_until(shop, lambda: is_live(shop, run_id)() and not queued(redis))
    assert not mark.exists()


def test_a_job_that_is_no_json_does_not_stop_the_worker(shop: Workshop, redis: Redis, valkey_url: str) -> None:
    redis.hset("rq:job:broken", mapping={"data": b"\x80\x04cos\nsystem\n.", "origin": QUEUE, "status": "queued"})
    redis.rpush(f"rq:queue:{QUEUE}", "broken")
    run_id = shop.start()
    enqueue_run(valkey_url, QUEUE, run_id)
    work_until(shop, is_live(shop, run_id))


def test_a_run_that_the_queue_has_lost_is_found(shop: Workshop) -> None:
    run_id = shop.start()
    work_until(shop, is_live(shop, run_id))


def test_a_sweep_leaves_queued_runs_and_those_in_other_hands_alone(
    shop: Workshop, redis: Redis, valkey_url: str
) -> None:
    def swept() -> int | None:
        return sweep(shop.context.settings, shop.database, redis)

    assert swept() is None
    run_id = shop.start()
    with TrainingLock(shop.database, "pip") as lock:
        assert lock.take()
        assert swept() is None
    assert swept() == run_id
    assert queued(redis) == [f"run-{run_id}"]
    assert swept() is None


def test_a_job_that_looks_started_by_a_dead_worker_is_queued_again(
    shop: Workshop, redis: Redis, valkey_url: str
) -> None:
    run_id = shop.start()
    enqueue_run(valkey_url, QUEUE, run_id)
    redis.lpop(f"rq:queue:{QUEUE}")
    redis.hset(f"rq:job:run-{run_id}", "status", "started")
    assert sweep(shop.context.settings, shop.database, redis) == run_id
    work_until(shop, is_live(shop, run_id))


def test_a_stop_ends_the_wait_at_once(shop: Workshop) -> None:
    began = time.monotonic()
    work_until(shop, lambda: time.monotonic() - began > 1)
    assert time.monotonic() - began < SWEEP_SECONDS - 3, "it did not wait for the next sweep"


def test_a_queue_that_is_away_is_waited_for(shop: Workshop, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "late"
    settings = shop.context.settings
    redis = settings.redis.model_copy(update={"url": valkey.url(home)})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"redis": redis}))
    parts = Parts(home / "run", lambda line: None)
    run_id = shop.start()
    later = threading.Timer(1.5, lambda: parts.start(valkey.part(home)))
    later.start()
    try:
        work_until(shop, is_live(shop, run_id))
    finally:
        later.join()
        parts.stop()
    assert "The queue cannot be reached" in caplog.text


def test_a_database_that_goes_away_during_a_run_is_waited_for(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    """Every connection is cut while the training goes on, as a restart of PostgreSQL does."""
    from sqlalchemy import text

    def cut(training: object) -> None:
        with shop.database.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    run_id = shop.start()
    shop.swift.before = cut
    work_until(shop, is_live(shop, run_id))
    assert len(shop.swift.trained) == 1
