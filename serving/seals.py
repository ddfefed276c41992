"""Where the hashes come from that an adapter's files are compared with before any server loads them."""

import asyncio
from collections.abc import Awaitable, Callable

from feedback import adapters
from feedback.adapters import Seal
from feedback.database import AsyncDatabase, Database

Seals = Callable[[str], Awaitable[Seal | None]]
"""The seal of an adapter's name; None: the record does not know it, as the zero adapter."""


async def no_record(name: str) -> None:
    """For who works without a record: files are compared only with what is written beside them."""


def of_record(database: Database | AsyncDatabase) -> Seals:
    """The seals in the record. Raises DatabaseUnavailable while it is away."""
    if isinstance(database, AsyncDatabase):
        return lambda name: database.run(adapters.seal, name)

    def read(name: str) -> Seal | None:
        with database.begin() as session:
            return adapters.seal(session, name)

    return lambda name: asyncio.to_thread(read, name)
