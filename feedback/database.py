"""Connections to PostgreSQL, one for the worker's plain code and one for the bot's event loop, and the migrations."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

P = ParamSpec("P")
T = TypeVar("T")

CONNECT = {"connect_timeout": 5}  # seconds; psycopg's default is to wait for ever


class Database:
    """Sessions for plain code. Everything in one ``with database.begin()`` is one transaction."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, pool_pre_ping=True, connect_args=CONNECT)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a transaction; it is committed at the end of the block and rolled back on an error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session


class AsyncDatabase:
    """The same functions from an event loop: ``await database.run(cases.flag, answer_id, by=...)``."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = create_async_engine(url, pool_pre_ping=True, pool_size=pool_size, connect_args=CONNECT)

    async def run(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one function of this package in one transaction of its own."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            return await session.run_sync(lambda plain: function(plain, *args, **kwargs))

    @asynccontextmanager
    async def alone(self, errand: str) -> AsyncIterator[bool]:
        """Whether this process, of all that share the database, may do an errand until the block ends.

        The lock belongs to a transaction, so a process that dies gives it back.
        """
        async with AsyncSession(self.engine) as session, session.begin():
            lock = func.pg_try_advisory_xact_lock(func.hashtext(errand))
            yield bool(await session.scalar(select(lock)))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


DatabaseUnavailable = OperationalError
"""What a call raises while PostgreSQL cannot be reached."""


def migrations(url: str) -> Config:
    """Alembic's configuration; the migrations lie beside this file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the schema to the newest version; safe to run at every start."""
    command.upgrade(migrations(url), "head")
