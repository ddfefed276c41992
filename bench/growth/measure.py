"""A record that is filled and asked everything, and an empty one on which rounds are counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.growth.calls import CALLS, Call
from bench.growth.covered import Coverage, coverage
from bench.growth.record import Size, fill, is_filled, rows
from bench.growth.report import Asked, Found
from bench.growth.rounds import Round, rounds, trainings
from bench.growth.watch import Watch, profiled
from bench.growth.world import World, find
from feedback import database
from feedback.database import Database
from local import postgres
from local.processes import Supervisor


def measure(home: Path, scratch: Path, size: Size, only: str, count: int) -> Found:
    """Fill a record and ask it everything, then count rounds on an empty one."""
    counted: list[Round] = []
    with record_server(home) as server:
        record = filled(server, size)
        sizes = rows(record)
        watch = Watch(record.engine, sizes)
        with record.begin() as session:
            world = find(session)
        asked = [ask(watch, call, world) for call in CALLS if only in call.name]
        record.engine.dispose()
    if not only:
        with record_server(scratch) as server, profiled(watch.seen):
            server.create_database()
            database.upgrade(server.url())
            counted = rounds(scratch / "rounds", Database(server.url()))
    seconds = trainings(scratch / "trainings", count) if count else []
    covered = Coverage() if only else coverage(watch.seen)
    return Found(asked, covered, sizes, counted, seconds)


def ask(watch: Watch, call: Call, world: World) -> Asked:
    """Do one call again and again, undone each time."""
    statements, whole = watch.call(
        lambda session: call.act(session, world), lambda session: call.before(session, world)
    )
    found = Asked(call.kind, call.name, tuple(statements), whole)
    print(f"{call.kind}: {call.name}: {len(statements)} queries, slowest {found.slowest:.1f} ms", flush=True)
    return found


@contextmanager
def record_server(home: Path) -> Iterator[postgres.Cluster]:
    """A PostgreSQL of its own."""
    cluster = postgres.prepare(home)
    supervisor = Supervisor(home / "run", print)
    try:
        supervisor.start(cluster.part())
        yield cluster
    finally:
        supervisor.stop()


def filled(server: postgres.Cluster, size: Size) -> Database:
    """A record of this size, made now if it is not there."""
    name = f"growth_{size.answers}_{size.cases}"
    server.create_database(name)
    database.upgrade(server.url(name))
    record = Database(server.url(name))
    if not is_filled(record):
        print(f"Filled with {size.answers} answers in {fill(record, size):.0f} s.", flush=True)
    return record
