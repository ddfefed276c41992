"""Running all parts in a terminal until Ctrl-C."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from local import stack
from local.stack import Plan

Home = Annotated[Path | None, typer.Option("--home", help="Folder that keeps everything [MEND_HOME, or .mend].")]


@contextmanager
def until_stopped(plan: Plan) -> Iterator[threading.Event]:
    """Start a plan; the event is set by Ctrl-C or SIGTERM. A second Ctrl-C changes nothing: stopping is under way."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with stack.running(plan, _report, stop):
        yield stop
        print("\nStopping; usually 1 to 10 s ...", flush=True)
    print("Stopped.", flush=True)


def _report(line: str) -> None:
    sys.stdout.write(f"  {line}\n")  # one write: parts report from threads of their own
    sys.stdout.flush()
