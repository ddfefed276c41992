"""PostgreSQL and the queue."""

from collections.abc import Iterator

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cli.checks.finding import Finding, fail, ok, warn
from feedback import queue
from feedback.database import Database, migrations
from settings import Settings

OLDEST_POSTGRES = 14


def check(settings: Settings) -> Iterator[Finding]:
    """Whether both can be used, and whether a worker listens."""
    yield from database(settings.database.url)
    yield from broker(settings)


def database(url: str) -> Iterator[Finding]:
    """Version and migrations."""
    record = Database(url)
    try:
        with record.engine.connect() as connection:
            version = str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        yield fail("PostgreSQL", reason, "Start PostgreSQL, or set MEND_DATABASE__URL.")
        return
    finally:
        record.engine.dispose()
    newest = ScriptDirectory.from_config(migrations(url)).get_current_head()
    if int(version.split(".")[0]) < OLDEST_POSTGRES:
        yield fail("PostgreSQL", f"version {version}", f"Use PostgreSQL {OLDEST_POSTGRES} or newer.")
    elif current != newest:
        yield warn(
            "PostgreSQL",
            f"{version}, tables at {current or 'nothing'}, Mend's are {newest}",
            "Start `mend bot` or `mend worker`: both bring the tables up to date.",
        )
    else:
        yield ok("PostgreSQL", f"{version}, tables at {current}")


def broker(settings: Settings) -> Iterator[Finding]:
    """Version, durability, and who listens."""
    try:
        with queue.connect(settings.redis.url) as redis:
            info = redis.info()
            listening = Worker.count(connection=redis, queue=None)
    except (RedisError, OSError) as error:
        yield fail("queue", str(error), "Start Redis or Valkey, or set MEND_REDIS__URL.")
        return
    kind, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
    yield ok("queue", f"{kind} {version}, {info['used_memory_human']} used")
    if listening:
        yield ok("worker", f"{listening} listening on {settings.redis.queue}")
    else:
        yield warn("worker", "none is listening, so runs wait", "Start one with: mend worker")
