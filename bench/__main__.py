"""`make bench`: every table, one bench after the other, so that they do not share the cores.

    python -m bench [--only NAME ...]

One that fails, or misses what it must not miss, is named at the end, and the exit status is 1 then; the others run all
the same, and bench/RESULTS.md is made of whatever they have left. Not among them are `bench.learning`, which takes
hours (`make bench-learning`), `bench.gpu` and `bench.recipes`, which need a card and a model, and `bench.wordings`,
which leaves no table.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence

BENCHES: dict[str, tuple[str, ...]] = {
    "bot": (),
    "loop": ("--trainer", "both"),
    "start": (),
    "dtype": (),
    "swap": (),
    "ab_simulation": (),
    "growth": (),
}
"""Each with its arguments, in the order in which they run."""
Call = Callable[[Sequence[str]], int]


def main(argv: Sequence[str] | None = None, call: Call = subprocess.call) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(BENCHES), default=list(BENCHES), help="run these")
    failed = run(parser.parse_args(argv).only, call)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


def run(names: Sequence[str], call: Call) -> list[str]:
    """Each in a process of its own, then the results; those that failed, and how."""
    failed = []
    for name, arguments in [*((name, BENCHES[name]) for name in names), ("results", ())]:
        print(f"== {' '.join((f'bench.{name}', *arguments))}", flush=True)
        if status := call([sys.executable, "-m", f"bench.{name}", *arguments]):
            failed.append(f"{name} (status {status})")
    return failed


if __name__ == "__main__":
    main()
