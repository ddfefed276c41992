"""Every arm and seed as a process of its own, so many of them at once."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

from bench.learning.results import Pair
from bench.learning.servers import Server
from bench.report import ROOT


def teach(pairs: Sequence[Pair], servers: Sequence[Server], options: argparse.Namespace) -> None:
    """Every pair as a process, so many at once; each server has as many of them as any other, or one less."""
    seats: Queue[Server] = Queue()
    for seat in range(options.jobs):
        seats.put(servers[seat % len(servers)])
    running: set[subprocess.Popen[str]] = set()

    def one(pair: Pair) -> None:
        server = seats.get()
        try:
            status = _classroom(pair, server, options, running)
        finally:
            seats.put(server)
        print(f"[{pair}] {'done' if status == 0 else f'FAILED with status {status}'}", flush=True)

    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            for done in [pool.submit(one, pair) for pair in pairs]:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in list(running):
                child.terminate()
            raise


def _classroom(pair: Pair, server: Server, options: argparse.Namespace, running: set[subprocess.Popen[str]]) -> int:
    """Run one; what it says is shown with its name before each line, and is in its log with all else."""
    log = options.out / "logs" / f"{pair}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8", buffering=1) as written,
        subprocess.Popen(
            command(pair, server, options),
            cwd=ROOT,
            env=environment(server, options.jobs, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        ) as child,
    ):
        running.add(child)
        assert child.stdout is not None
        for line in child.stdout:
            written.write(line)
            print(f"[{pair}] {line}", end="", flush=True)
        status = child.wait()
        running.discard(child)
        return status


def command(pair: Pair, server: Server, options: argparse.Namespace) -> list[str]:
    """The classroom's arguments."""
    given = {
        "arm": pair.arm,
        "seed": pair.seed,
        "server": server.url,
        "rounds": options.rounds,
        "facts": options.facts,
        "out": options.out.absolute(),
        "base-model": options.base_model,
        "adapters": options.adapters,
        "config": options.config.absolute(),
        "probes": options.probes.absolute(),
        "device": options.device,
        "own-answers": options.own_answers.absolute(),
    }
    named = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return [sys.executable, "-m", "bench.learning.classroom", *named]


def environment(server: Server, jobs: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """The classroom's variables: the card of its server, and a fair share of the cores to train with."""
    cores = max(1, (len(os.sched_getaffinity(0)) - 1) // jobs)
    card = {} if server.card is None else {"CUDA_VISIBLE_DEVICES": server.card}
    return {"MEND_TRAINING__THREADS": str(cores)} | dict(inherited) | card
