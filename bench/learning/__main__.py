"""Whether learning holds: rounds of teaching, and after each one what is known, kept and lost.

    python -m bench.learning [--seeds 31 32 33] [--arms mend no-replay ...] [--rounds 5] [--facts 3]

Every round brings new team facts as approved cases (team_facts.py; a seed is a set), starts a run as `/mend retrain`
does, and asks the live adapter the facts in wordings that nothing was trained on, who it is, and what the base model
can. The parts are the demo's: PostgreSQL, Valkey, the worker with ms-swift, vLLM. A case that a run leaves unmended is
approved again for the next one, as an admin would. The arm `mend` also measures what the corrections do through the
prompt before their run (patch.py).

Each arm and seed is a process of its own (classroom.py) that writes <out>/<arm>-<seed>.json after every round. One that
is finished is not measured again, so the bench can be stopped and gone on with; give --out another folder to start
anew. One that fails leaves the others alone; what is missing is said, and the exit status is 1. On two cores a round
takes 12 to 16 minutes for Mend, longer where it is refused first.

All of it in one go on a machine with four GPUs, with a vLLM on each one and some classrooms beside it, whose trainings
take turns on the card:

    python -m bench.learning --device cuda --cards 0 1 2 3 --jobs 12

or beside servers that run already; after @ is the card that their classrooms train on:

    python -m bench.learning --device cuda --base-model <folder> --jobs 4 --server http://127.0.0.1:8000@0 \\
        --server http://127.0.0.1:8001@1

A server that is given has to read the folder of --adapters, and needs room for many adapters at once
(MEND_SERVING__MAX_LORAS=16, MEND_SERVING__MAX_CPU_LORAS=128). Seconds of classrooms that share cores and cards are
longer and vary more; rows and steps do not.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.learning import own_answers, servers
from bench.learning.arms import ARMS
from bench.learning.classroom import PROBES, reaching
from bench.learning.report import report
from bench.learning.results import Pair, is_finished
from bench.learning.servers import Server
from bench.learning.teaching import teach
from local import embedded, model
from serving.base import served_path

OUT = Path("bench/out/learning")
SEEDS = (31, 32, 33)  # recipes are tuned on 1 to 3, and the tables of 11 to 13 and 21 to 23 have led to changes


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started is stopped first
    options = _options()
    wanted = [Pair(arm, seed) for seed in options.seeds for arm in options.arms]
    options.out.mkdir(parents=True, exist_ok=True)
    todo = [pair for pair in wanted if not is_finished(options.out, pair, options.rounds)]
    if todo:
        with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder, _servers(options, Path(folder)) as serving:
            options.own_answers = options.out / "own" / "answers.json"
            _make_own_answers(serving[0], options, Path(folder))
            teach(todo, serving, options)
    report(options.out)
    if missing := [str(pair) for pair in wanted if not is_finished(options.out, pair, options.rounds)]:
        raise SystemExit(f"Not finished: {', '.join(missing)}; see {options.out / 'logs'}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.learning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="one set of facts each")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), help="what to compare")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--facts", type=int, default=3, help="new facts in a round")
    parser.add_argument("--jobs", type=int, default=1, help="classrooms side by side")
    parser.add_argument(
        "--out", type=Path, default=OUT, help="folder for the results; their tables are beside it, in <out>.json"
    )
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
        with servers.given(options.server, options.base_model, options.adapters, options.device) as serving:
            yield serving
        return
    print("Starting vLLM on this machine: about a minute, or some with a GPU.", flush=True)
    logs = options.out.absolute() / "logs"
    with servers.started(options.base_model, logs, options.adapters, options.cards) as serving:
        yield serving


def _make_own_answers(server: Server, options: argparse.Namespace, folder: Path) -> None:
    """Unless they are there from an earlier start."""
    settings = reaching(server.url, options.base_model, options.adapters, options.device)
    training = settings.training.model_copy(update={"config": options.config.absolute()})
    own_answers.make(settings.model_copy(update={"training": training}), folder / "first", options.own_answers)


if __name__ == "__main__":
    main()
