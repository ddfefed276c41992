"""How long a second `mend demo` takes over vLLM's own start on the same machine, and how much an idle bot holds.

    python -m bench.start [--home .mend/bench] [--rounds 3] [--out bench/out/start.json]

vLLM alone and the whole demo are started in turn, each in a process group of its own. The limits of the table are at
most 1.2 times vLLM's start, and at most 150 MB for the bot.
"""

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.report import Report, Table, hand_in
from bench.vllm_server import VllmServer
from local import model

ROOT = Path(__file__).resolve().parent.parent
SETTLE = 10.0  # seconds until the bot has done its first rounds
MB = 1e6


@dataclass(frozen=True)
class Start:
    """One start of the demo."""

    seconds: float
    bot_mb: float


async def alone(base: Path, folder: Path) -> float:
    """Seconds until vLLM answers when nothing else is started."""
    server = VllmServer(base, folder)
    try:
        return await server.start()
    finally:
        server.stop()


def whole(home: Path) -> Start:
    """Seconds until `mend demo` prints its link, and the bot's memory a little later."""
    began = time.monotonic()
    command = [sys.executable, "-m", "cli.main", "demo", "--no-open", "--port", "0", "--home", str(home)]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if line.startswith("Ready:"):
                break
        else:
            raise RuntimeError("the demo ended before it was ready")
        seconds = time.monotonic() - began
        time.sleep(SETTLE)
        return Start(seconds, _bot(demo.pid).memory_info().rss / MB)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate()


def _bot(demo: int) -> psutil.Process:
    children = psutil.Process(demo).children(recursive=True)
    return next(child for child in children if child.cmdline()[-1:] == ["bot"])


def measure(home: Path, rounds: int) -> dict[str, object]:
    """The first start makes everything; the later ones count."""
    base = model.ensure(home / "model")
    whole(home)
    by_itself, starts = [], []
    for _ in range(rounds):  # in turn, so that a busy minute weighs on both
        by_itself.append(asyncio.run(alone(base, home / "alone")))
        starts.append(whole(home))
    vllm, demo = statistics.median(by_itself), statistics.median(start.seconds for start in starts)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "rounds": rounds,
        "vllm_alone_s": round(vllm, 1),
        "demo_s": round(demo, 1),
        "demo_over_vllm": round(demo / vllm, 2),
        "bot_mb": round(max(start.bot_mb for start in starts)),
        "each_vllm_s": [round(seconds, 1) for seconds in by_itself],
        "each_demo_s": [round(start.seconds, 1) for start in starts],
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=ROOT / ".mend" / "bench", help="folder of a demo of its own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("bench/out/start.json"))
    options = parser.parse_args()
    figures = measure(options.home.resolve(), options.rounds)
    rows = [[name, value if isinstance(value, int | float) else str(value)] for name, value in figures.items()]
    hand_in(Report("start", [Table("Start and size", ["figure", "value"], rows)], figures), options.out)


if __name__ == "__main__":
    main()
