"""What a big record costs: every query of the bot, the worker and the command line at a million answers.

    python -m bench.growth [--home <folder>] [--answers 1000000] [--cases 100000] [--trainings 0]

Starts a PostgreSQL of its own, fills it (a minute or two, 3 GB), and calls the functions behind the listeners on it.
Whatever they send is timed, and its plan read. With --home the record is kept, and the next measurement goes on from
there. The exit status is 1 when somebody in Slack has to wait for a query for more than 10 ms, when a query reads a long
table from one end to the other, or when a function that reads is asked nothing and no reason is given.

Beside that it counts what a run takes from the record when there were 19 before it, over the first (`growth_rounds`);
--trainings N trains that many in earnest, one case each, and compares the seconds of the last to those of the first.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import growth_record, growth_report
from bench.growth_calls import CALLS, Call, World, find
from bench.growth_covered import coverage
from bench.growth_record import Size
from bench.growth_report import Asked
from bench.growth_watch import Watch
from feedback import database
from feedback.database import Database
from local import postgres
from local.processes import Supervisor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder to keep; a temporary one otherwise")
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--only", default="", help="only what has this in its name")
    parser.add_argument("--out", type=Path, default=Path("bench/out/growth.json"), help="where the JSON goes")
    options = parser.parse_args()
    size = Size(options.answers, options.cases)
    if options.home is None:
        with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
            kept = measure(Path(folder), size, options.only, options.out)
    else:
        options.home.mkdir(parents=True, exist_ok=True)
        kept = measure(options.home.resolve(), size, options.only, options.out)
    raise SystemExit(0 if kept else 1)


def measure(home: Path, size: Size, only: str, out: Path) -> bool:
    """Fill, ask and report; whether everything is as it should be."""
    with record_of(home, size) as record:
        sizes = growth_record.rows(record)
        watch = Watch(record.engine, sizes)
        with record.begin() as session:
            world = find(session)
        asked = [ask(watch, call, world) for call in CALLS if only in call.name]
    return growth_report.report(asked, coverage(watch.seen), sizes, out)


def ask(watch: Watch, call: Call, world: World) -> Asked:
    """Do one call again and again, undone each time."""
    statements, whole = watch.call(lambda session: call.act(session, world), lambda session: call.before(session, world))
    found = Asked(call.kind, call.name, tuple(statements), whole)
    print(f"{call.kind}: {call.name}, {len(statements)} queries, slowest {found.slowest:.1f} ms, {whole:.0f} ms", flush=True)
    return found


@contextmanager
def record_of(home: Path, size: Size) -> Iterator[Database]:
    """A PostgreSQL with a record of this size, made now if it is not there."""
    cluster = postgres.prepare(home)
    supervisor = Supervisor(home / "run", print)
    try:
        supervisor.start(cluster.part())
        name = f"growth_{size.answers}_{size.cases}"
        cluster.create_database(name)
        url = cluster.url(name)
        database.upgrade(url)
        record = Database(url)
        if not any(growth_record.rows(record).get(table) for table in ("answers", "cases")):
            print(f"Filled with {size.answers} answers in {growth_record.fill(record, size):.0f} s.", flush=True)
        yield record
        record.engine.dispose()
    finally:
        supervisor.stop()


if __name__ == "__main__":
    main()
