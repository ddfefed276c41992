"""Whether learning holds: rounds of teaching, and after each one what is known, kept and lost.

    python -m bench.learning [--seeds 11 12 13] [--arms mend no-replay ...] [--rounds 5] [--facts 3]

Every round brings new team facts as approved cases (bench/team_facts.py; a seed is a set), starts a run as `/mend
retrain` does, and asks the live adapter the facts in wordings that nothing was trained on, who it is, and what the base
model can. The parts are the demo's: PostgreSQL, Valkey, the worker with ms-swift, vLLM. A case that a run leaves
unmended is approved again for the next one, as an admin would. The arm `mend` also measures what the corrections do
through the prompt before their run (bench/learning_patch.py).

Each arm and seed is a process of its own (bench/learning_classroom.py) that writes <out>/<arm>-<seed>.json after every
round. One that is finished is not measured again, so the bench can be stopped and gone on with; give --out another
folder to start anew. One that fails leaves the others alone; what is missing is said, and the exit status is 1.
On two cores a round takes about 3 minutes.

All of it in one go on a machine with four GPUs, with a vLLM on each one and three classrooms beside it:

    python -m bench.learning --device cuda --cards 0 1 2 3 --jobs 12

or beside servers that run already; after @ is the card that their classrooms train on:

    python -m bench.learning --device cuda --base-model <folder> --jobs 4 --server http://127.0.0.1:8000@0 \\
        --server http://127.0.0.1:8001@1

A server that is given has to read the folder of --adapters, and needs room for many adapters at once
(MEND_SERVING__MAX_LORAS=16, MEND_SERVING__MAX_CPU_LORAS=128). Seconds of classrooms that share cores and cards are
longer and vary more; rows and steps do not.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from bench import learning_report, learning_servers
from bench.learning_arms import ARMS
from bench.learning_classroom import PROBES
from bench.learning_results import Pair, is_finished
from bench.learning_servers import Server
from local import embedded, model
from serving.base import served_path

ROOT = Path(__file__).resolve().parent.parent
OUT = Path("bench/out/learning")
SEEDS = (11, 12, 13)  # 1 is the one that the settings were tuned on


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started is stopped first
    options = _options()
    wanted = [Pair(arm, seed) for seed in options.seeds for arm in options.arms]
    options.out.mkdir(parents=True, exist_ok=True)
    todo = [pair for pair in wanted if not is_finished(options.out, pair, options.rounds)]
    if todo:
        with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder, _servers(options, Path(folder)) as servers:
            teach(todo, servers, options)
    learning_report.report(options.out)
    if missing := [str(pair) for pair in wanted if not is_finished(options.out, pair, options.rounds)]:
        raise SystemExit(f"Not finished: {', '.join(missing)}; see {options.out / 'logs'}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="one set of facts each")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), help="what to compare")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--facts", type=int, default=3, help="new facts in a round")
    parser.add_argument("--jobs", type=int, default=1, help="classrooms side by side")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the results")
    parser.add_argument(
        "--server",
        type=Server.parse,
        action="append",
        default=[],
        help="URL[@card] of a vLLM with LoRA that serves --base-model; may be given several times",
    )
    parser.add_argument("--cards", nargs="+", default=[], help="GPUs to start a vLLM on, with --device cuda")
    parser.add_argument("--base-model", type=Path, help="the base model's folder; made from its package otherwise")
    parser.add_argument("--adapters", type=Path, help="folder for adapters, which the servers read; a temporary one")
    parser.add_argument("--config", type=Path, default=embedded.SMALL_CONFIG, help="training configuration")
    parser.add_argument("--probes", type=Path, default=PROBES, help="what is asked beside the facts")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what training and serving run on")
    options = parser.parse_args()
    if options.server and options.base_model is None:
        parser.error("--server needs --base-model")
    if options.device == "cuda" and bool(options.server) == bool(options.cards):
        parser.error("--device cuda needs either --cards or --server")
    if options.device == "cpu" and options.cards:
        parser.error("--cards is for --device cuda")
    if options.device == "cuda" and any(server.card is None for server in options.server):
        parser.error("--server needs its @card with --device cuda: a training that sees several uses them all")
    return options


@contextmanager
def _servers(options: argparse.Namespace, folder: Path) -> Iterator[list[Server]]:
    options.base_model = served_path(options.base_model or model.ensure(folder / "model"))
    options.adapters = (options.adapters or folder / "adapters").absolute()
    options.adapters.mkdir(parents=True, exist_ok=True)
    if options.server:
        with learning_servers.given(options.server, options.base_model, options.adapters, options.device) as servers:
            yield servers
        return
    print("Starting vLLM on this machine: about a minute, or some with a GPU.", flush=True)
    logs = options.out.absolute() / "logs"
    with learning_servers.started(options.base_model, logs, options.adapters, options.cards) as servers:
        yield servers


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
    }
    named = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return [sys.executable, "-m", "bench.learning_classroom", *named]


def environment(server: Server, jobs: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """The classroom's variables: the card of its server, and a fair share of the cores to train with."""
    cores = max(1, (len(os.sched_getaffinity(0)) - 1) // jobs)
    card = {} if server.card is None else {"CUDA_VISIBLE_DEVICES": server.card}
    return {"MEND_TRAINING__THREADS": str(cores)} | dict(inherited) | card


if __name__ == "__main__":
    main()
