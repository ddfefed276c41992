"""`mend demo`, started the way a new user starts it, in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from feedback.database import Database

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class RunningMend:
    """A demo that is up: its page, its record, and its processes."""

    page: str
    home: Path
    process: subprocess.Popen[str]

    @property
    def settings(self) -> dict[str, Any]:
        """The addresses that the demo has published."""
        found: dict[str, Any] = json.loads((self.home / "running.json").read_text())
        return found

    @contextmanager
    def record(self) -> Iterator[Database]:
        """The demo's record."""
        database = Database(self.settings["database"]["url"])
        try:
            yield database
        finally:
            database.engine.dispose()

    def part(self, words: str) -> psutil.Process:
        """The process of one part, by words of its command line."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if words in " ".join(child.cmdline()))


@contextmanager
def demo(home: Path) -> Iterator[RunningMend]:
    """Run `mend demo` until its link is printed; at the end press Ctrl-C and see it stop cleanly."""
    command = [sys.executable, "-m", "cli.main", "demo", "--no-open", "--port", "0", "--home", str(home)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEND_")}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := re.match(r"Ready: (http://127\.0\.0\.1:\d+)", line):
                yield RunningMend(found[1], home, process)
                break
        else:
            pytest.fail("the demo ended before it was ready:\n" + "".join(said))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, "".join(said) + rest
