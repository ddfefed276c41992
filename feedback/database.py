"""Connections to PostgreSQL, one for the worker's plain code and one for the bot's event loop, and the migrations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, func, make_url, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

P = ParamSpec("P")
T = TypeVar("T")

CONNECT: Mapping[str, str | int] = {
    "connect_timeout": 5,  # seconds; psycopg's default is to wait for ever
    # A server that is gone without a word is noticed when nothing has been acknowledged for so long ...
    "tcp_user_timeout": 15_000,  # milliseconds
    "keepalives_idle": 10,  # seconds, as the next one
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # ... and one that is there but stuck ends the statement itself. Migrations connect without this.
    "options": "-c statement_timeout=30000",
}

POOL_TIMEOUT_S = 10.0
ROLLBACK_S = 2.0  # for a transaction whose caller is cancelled
CLOSE_S = 5.0  # for what is under way at the end
PATIENCE_S = 40.0  # longer than the server's own limit for one statement


def connecting(url: str) -> dict[str, str | int]:
    """How a connection to this address is made; what the address says itself (`?connect_timeout=30`) counts."""
    return {name: value for name, value in CONNECT.items() if name not in make_url(url).query}


class Database:
    """Sessions for plain code. Everything in one ``with database.begin()`` is one transaction."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, pool_pre_ping=True, connect_args=connecting(url))

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a transaction; it is committed at the end of the block and rolled back on an error."""
        with _full_pool_is_away(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session


class AsyncDatabase:
    """The same functions from an event loop: ``await database.run(cases.flag, answer_id, by=...)``."""

    def __init__(self, url: str, *, pool_size: int = 10, patience_s: float = PATIENCE_S) -> None:
        self.engine = create_async_engine(
            url,
            pool_pre_ping=True,
            pool_size=pool_size,
            # One event loop keeps no more of them busy; in a rush each further one would be opened for one use.
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            connect_args=connecting(url),
        )
        self._patience_s = patience_s
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one function of this package in one transaction of its own."""
        with _full_pool_is_away():
            return await self._answered(self._run(function, *args, **kwargs))

    async def _run(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            return await session.run_sync(lambda plain: function(plain, *args, **kwargs))

    async def _answered(self, transaction: Coroutine[Any, Any, T]) -> T:
        """Give up on a server that takes what it is sent and does not answer.

        The task is left behind, not awaited: psycopg lets itself be cancelled only once the server speaks again.
        """
        task = asyncio.create_task(transaction)
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=ROLLBACK_S)
            raise
        if not done:
            task.cancel()
            raise _silent(self._patience_s)
        return task.result()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not warn of one that nobody waits for any more

    @asynccontextmanager
    async def alone(self, errand: str) -> AsyncIterator[bool]:
        """Whether this process, of all that share the database, may do an errand until the block ends.

        The lock belongs to a transaction, so a process that dies gives it back.
        """
        async with AsyncSession(self.engine) as session:
            lock = select(func.pg_try_advisory_xact_lock(func.hashtext(errand)))
            try:
                with _full_pool_is_away():
                    async with _silence_is_away(self._patience_s):
                        mine = bool(await session.scalar(lock))
                yield mine
            finally:
                # A connection that broke has let go of the lock; of the errand's own end, such as a cancellation, this
                # must not make another one.
                with suppress(DatabaseUnavailable):
                    await session.rollback()

    async def close(self) -> None:
        """Close every connection, each once its transaction has ended; a silent server's are left after a while."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSE_S)
        await self.engine.dispose()


DatabaseUnavailable = OperationalError
"""What a call raises while PostgreSQL cannot be reached, or does not answer."""


def _silent(seconds: float) -> DatabaseUnavailable:
    return DatabaseUnavailable("(transaction)", None, TimeoutError(f"no answer within {seconds:g} s"))


@asynccontextmanager
async def _silence_is_away(seconds: float) -> AsyncIterator[None]:
    """A server that takes what it is sent and does not answer in time is away."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise _silent(seconds) from error


@contextmanager
def _full_pool_is_away() -> Iterator[None]:
    """No free connection within the time limit: to the caller the database is away, like when it cannot be reached."""
    try:
        yield
    except PoolExhausted as exhausted:
        raise DatabaseUnavailable("(connect)", None, exhausted) from exhausted


def migrations(url: str) -> Config:
    """Alembic's configuration; the migrations lie beside this file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the schema to the newest version; safe to run at every start."""
    command.upgrade(migrations(url), "head")
