"""Where a Python process is, ten times a second, and what that comes to: for times that no log explains.

    python -m bench.gpu.stacks <file of samples> [--since <moment>] [--until <moment>] [--least 0.5]

A thread of the process itself looks at the main thread's stack. It needs no package and no hook that slows calls down.
Where native code holds the interpreter's lock the look comes late, so each sample counts for the time since the one
before it: the seconds are right, and the line is the one that has just come back.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

INTERVAL = 0.1  # seconds
LEAST = 0.5  # seconds of a line in the tree
CHAIN = 0.9  # a caller is left out whose one callee has so much of its time


class Sampler(threading.Thread):
    """Appends one line a look to a file until the process ends."""

    def __init__(self, path: Path, interval: float = INTERVAL) -> None:
        super().__init__(name="stack-sampler", daemon=True)
        self._path, self._interval = path, interval
        self._main = threading.main_thread().ident
        self._over = threading.Event()

    def run(self) -> None:
        with self._path.open("w", encoding="utf-8") as file:
            while not self._over.wait(self._interval):
                frame = sys._current_frames().get(self._main or 0)
                file.write(json.dumps({"at": time.time(), "stack": _names(frame)}) + "\n")
                file.flush()

    def stop(self) -> None:
        """No more looks."""
        self._over.set()
        self.join()


@dataclass
class Node:
    """A function in the tree of calls, and the seconds that it was in, with all that it called."""

    name: str
    seconds: float = 0.0
    callees: dict[str, "Node"] = field(default_factory=dict)


def read(path: Path, since: float = 0.0, until: float = float("inf")) -> Iterator[tuple[float, list[str]]]:
    """Seconds and stack (outermost first) of each sample between two moments; half a last line is left out."""
    before: float | None = None
    for line in path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines():
        sample = json.loads(line)
        if before is not None and since < sample["at"] <= until:
            yield sample["at"] - max(before, since), sample["stack"]
        before = sample["at"]


def tree(samples: Iterable[tuple[float, Sequence[str]]]) -> Node:
    """All samples as one tree of calls."""
    root = Node("all")
    for seconds, stack in samples:
        node = root
        node.seconds += seconds
        for name in stack:
            node = node.callees.setdefault(name, Node(name))
            node.seconds += seconds
    return root


def lines(node: Node, least: float = LEAST, depth: int = 0) -> Iterator[tuple[str, float]]:
    """The tree as indented lines, longest first, without what is short or only hands on."""
    only = max(node.callees.values(), key=lambda one: one.seconds, default=None)
    if only is not None and only.seconds >= CHAIN * node.seconds and depth:
        yield from lines(only, least, depth)
        return
    yield "  " * max(0, depth - 1) + node.name, round(node.seconds, 1)
    for callee in sorted(node.callees.values(), key=lambda one: -one.seconds):
        if callee.seconds >= least:
            yield from lines(callee, least, depth + 1)


def innermost(samples: Iterable[tuple[float, Sequence[str]]], most: int = 15) -> list[tuple[str, float]]:
    """The functions that were at the end of the stack for longest."""
    found: dict[str, float] = {}
    for seconds, stack in samples:
        name = stack[-1] if stack else "(none)"
        found[name] = found.get(name, 0.0) + seconds
    return [(name, round(found[name], 1)) for name in sorted(found, key=lambda name: -found[name])[:most]]


def _names(frame: FrameType | None) -> list[str]:
    names: list[str] = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith("<frozen"):  # the import system, between any two modules
            names.append(f"{_short(code.co_filename)}:{code.co_name}")
        frame = frame.f_back
    return names[::-1]


def _short(filename: str) -> str:
    """The last parts of a path: enough to find a module, nothing of the machine."""
    return "/".join(Path(filename).parts[-3:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--since", type=float, default=0.0)
    parser.add_argument("--until", type=float, default=float("inf"))
    parser.add_argument("--least", type=float, default=LEAST, help="seconds")
    options = parser.parse_args()
    samples = list(read(options.samples, options.since, options.until))
    for name, seconds in lines(tree(samples), options.least):
        print(f"{seconds:8.1f}  {name}")
    print("\nInnermost:")
    for name, seconds in innermost(samples):
        print(f"{seconds:8.1f}  {name}")


if __name__ == "__main__":
    main()
