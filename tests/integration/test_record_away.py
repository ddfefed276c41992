"""A PostgreSQL that is there and does not answer, or has no connection to spare, counts as away."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from feedback import cases
from feedback.database import AsyncDatabase, Database, DatabaseUnavailable


def backend(session: Session) -> int:
    """The process that serves this connection."""
    return int(session.scalar(text("SELECT pg_backend_pid()")) or 0)


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """Stop a process without ending it."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.timeout(60)
async def test_a_server_that_does_not_answer_is_away_and_comes_back(database_url: str) -> None:
    record = AsyncDatabase(database_url, pool_size=1)
    try:
        server = await record.run(backend)
        with frozen(server), pytest.MonkeyPatch.context() as patch, pytest.raises(DatabaseUnavailable):
            patch.setattr(record, "_patience_s", 1.0)
            await record.run(cases.counts, "pip")
        assert not await record.run(cases.counts, "pip")
    finally:
        await record.close()


@pytest.mark.timeout(60)
async def test_an_errand_is_not_begun_by_a_server_that_does_not_answer_or_without_a_free_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = AsyncDatabase(database_url, pool_size=1)
    try:
        with frozen(await record.run(backend)), monkeypatch.context() as patch, pytest.raises(DatabaseUnavailable):
            patch.setattr(record, "_patience_s", 1.0)
            async with record.alone("errand"):
                pass
        monkeypatch.setattr(record.engine.pool, "_timeout", 0.1)
        async with record.alone("errand") as mine:
            assert mine
            with pytest.raises(DatabaseUnavailable):
                async with record.alone("another"):
                    pass
    finally:
        await record.close()


def test_a_pool_without_a_free_connection_is_away(database_url: str) -> None:
    record = Database(database_url)
    record.engine.pool._timeout = 0.1  # type: ignore[attr-defined]  # QueuePool's; the default is 30 s
    held = [record.engine.connect() for _ in range(15)]
    try:
        with pytest.raises(DatabaseUnavailable), record.begin() as session:
            session.execute(text("SELECT 1"))
    finally:
        for connection in held:
            connection.close()
        record.engine.dispose()


async def test_a_statement_has_a_time_limit(database_url: str, db: Database) -> None:
    record = AsyncDatabase(database_url)
    limit = await record.run(lambda session: session.scalar(text("SHOW statement_timeout")))
    await record.close()
    with db.begin() as session:
        assert session.scalar(text("SHOW statement_timeout")) == limit == "30s"


async def test_a_cancelled_call_leaves_nothing_open(database_url: str) -> None:
    record = AsyncDatabase(database_url, pool_size=1)
    call = asyncio.create_task(record.run(lambda session: session.execute(text("SELECT pg_sleep(20)"))))
    await asyncio.sleep(0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(10):
        assert await record.run(backend)
    await record.close()


def end_locks(db: Database) -> None:
    """The server ends every connection that holds a lock for an errand."""
    with db.begin() as session:
        ended = session.scalars(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
        assert any(ended)


@pytest.mark.parametrize("said", [asyncio.CancelledError, ValueError])
async def test_an_errand_whose_lock_is_lost_ends_with_its_own_error(
    database_url: str, db: Database, said: type[BaseException]
) -> None:
    record = AsyncDatabase(database_url)
    try:
        with pytest.raises(said):
            async with record.alone("errand") as mine:
                assert mine
                end_locks(db)
                raise said
        async with record.alone("errand") as mine:
            assert mine
    finally:
        await record.close()


async def test_an_errand_is_for_one_at_a_time(database_url: str) -> None:
    record = AsyncDatabase(database_url)
    try:
        async with record.alone("errand") as mine, record.alone("errand") as too, record.alone("another") as other:
            assert (mine, too, other) == (True, False, True)
        async with record.alone("errand") as mine:
            assert mine
    finally:
        await record.close()
