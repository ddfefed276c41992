"""What a big record costs: every query of the bot, the worker and the command line at a million answers.

    python -m bench.growth [--home <folder>] [--answers 1000000] [--cases 100000] [--trainings 0]

Starts a PostgreSQL of its own, fills it (a minute or two, 3 GB), and calls the functions behind the listeners on it.
Whatever they send is timed, and its plan read. With --home the record is kept, and the next measurement goes on from
there. The exit status is 1 when somebody in Slack has to wait for a query for more than 10 ms, when a query of the bot
reads a long table from one end to the other, or when a function that reads is asked nothing and no reason is given.

Beside that it counts what a run takes when there were 19 before it, over the first (see growth_rounds.py);
--trainings N trains that many in earnest, one case each, and compares the seconds of the last to those of the first.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import growth_record, growth_report
from bench.growth_calls import CALLS, Call
from bench.growth_covered import Coverage, coverage
from bench.growth_record import Size
from bench.growth_report import Asked, Found
from bench.growth_rounds import Round, rounds, trainings
from bench.growth_watch import Watch, profiled
from bench.growth_world import World, find
from feedback import database
from feedback.database import Database
from local import postgres
from local.processes import Supervisor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder to keep; a temporary one otherwise")
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--only", default="", help="only calls with this in their name, and no rounds")
    parser.add_argument("--trainings", type=int, default=0, help="so many runs on the embedded stack; minutes each")
    parser.add_argument("--out", type=Path, default=Path("bench/out/growth.json"), help="where the JSON goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another account when root starts it
        home = (options.home or Path(folder)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        size = Size(options.answers, options.cases)
        found = measure(home, Path(folder), size, options.only, options.trainings)
    raise SystemExit(0 if growth_report.report(found, options.out) else 1)


def measure(home: Path, scratch: Path, size: Size, only: str, count: int) -> Found:
    """Fill a record and ask it everything, then count rounds on an empty one."""
    counted: list[Round] = []
    with record_server(home) as server:
        record = filled(server, size)
        sizes = growth_record.rows(record)
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
    if not growth_record.is_filled(record):
        print(f"Filled with {size.answers} answers in {growth_record.fill(record, size):.0f} s.", flush=True)
    return record


if __name__ == "__main__":
    main()
