"""What a big record costs: every query of the bot, the worker and the command line at a million answers.

    python -m bench.growth [--home <folder>] [--answers 1000000] [--cases 100000] [--trainings 0]

Starts a PostgreSQL of its own, fills it (a minute or two, 3 GB), and calls the functions behind the listeners on it.
Whatever they send is timed, and its plan read. With --home the record is kept, and the next measurement goes on from
there. The exit status is 1 when somebody in Slack has to wait for a query for more than 10 ms (the median of its
repeats), when a query of the bot reads a long table from one end to the other, or when a function that reads is asked
nothing and no reason is given.

Beside that it counts what a run takes when there were 19 before it, over the first (see rounds.py), and over the
second, since only the first asks the base model; rows and steps have a goal, probes and queries have none.
--trainings N trains that many in earnest, one case each, and compares the seconds of the last to those of the first.
"""

import argparse
import tempfile
from pathlib import Path

from bench.growth.measure import measure
from bench.growth.record import Size
from bench.growth.report import report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    raise SystemExit(0 if report(found, options.out) else 1)


if __name__ == "__main__":
    main()
