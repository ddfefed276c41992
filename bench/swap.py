"""Hot swaps under load: 16 streams that never pause, 20 adapters made live one after the other.

    python -m bench.swap --model <folder of the base model> [--swaps 20] [--streams 16] [--out bench/out/swap.json]
    python -m bench.swap --server http://127.0.0.1:8000 --base-model <folder> --adapters-dir <folder>

The first starts a vLLM of its own on this machine's CPU; the second asks one that runs (on a GPU, say), which has to
read its adapters from that folder. A stream is *failed* when it raises or ends without a reason, and *mixed* when a
word of its text is not what its adapter would say there (own_words.py). As a control, the same check is made with the
answers' names exchanged; it has to find nearly all of those. The adapters are random: each changes every answer in its
own way.
"""

import argparse
import asyncio
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.own_words import NEAR_TIE, Judge
from bench.random_adapter import write_random_adapter
from bench.report import Cell, Report, Table, hand_in
from bench.streams import MESSAGES, Swap, Traffic, drive, overlapping
from bench.vllm_server import VllmServer
from serving.adapter_files import publish
from serving.adapters import Replicas
from serving.base import BaseModel
from serving.chat import ChatClient, Sampling
from settings import ServingSettings

CONTROLS = 2  # answers of each adapter that are looked at under another's name
GOAL_MS = 150.0  # for the 99th percentile of the gaps while an adapter is loaded, on a GPU


@dataclass(frozen=True)
class Verdict:
    """How many answers are mixed, how far the farthest own token was from the likeliest, and what share of the answers
    under a wrong name the control found."""

    mixed: int
    farthest: float
    found: float


@dataclass(frozen=True)
class Found:
    """Everything of one measurement."""

    streams: int
    traffic: Traffic
    swaps: Sequence[Swap]
    verdict: Verdict


async def measure(settings: ServingSettings, names: Sequence[str], streams: int, tokens: int) -> Found:
    """Swap under load on the servers of these settings, then look at every answer."""
    async with ChatClient(settings) as client, Replicas(settings) as replicas:
        sampling = Sampling(temperature=0, max_tokens=tokens)
        traffic, swaps = await drive(client, replicas, names, streams, sampling)
        verdict = await judge(settings.urls[0], replicas, traffic, names)
    return Found(streams, traffic, swaps, verdict)


async def judge(url: str, replicas: Replicas, traffic: Traffic, names: Sequence[str]) -> Verdict:
    """Look at every answer, and at a few of each adapter again under another's name."""
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    said = {name: sorted({text for whose, text in traffic.answers if whose == name}) for name in names}
    own: dict[tuple[str, str], float] = {}
    foreign: list[float] = []
    async with httpx.AsyncClient() as http:
        own_words = Judge(http, url, MESSAGES)
        for name in names:
            await replicas.load(name)
            for text in said[name]:
                own[name, text] = await own_words.distance(name, text)
            others = [text for whose in names if following[whose] == name for text in said[whose][:CONTROLS]]
            foreign += [await own_words.distance(name, text) for text in others]
            await replicas.unload(name)
    mixed = sum(own[each] > NEAR_TIE for each in traffic.answers)
    found = sum(distance > NEAR_TIE for distance in foreign) / max(1, len(foreign))
    return Verdict(mixed, max(own.values(), default=0.0), found)


def adapters(folder: Path, settings: ServingSettings, base: BaseModel, count: int) -> list[str]:
    """Publish so many random adapters; their names."""
    names = []
    for seed in range(count):
        source = write_random_adapter(folder / f"source-{seed}", base, seed, scale=0.05)
        names.append(publish(source, settings, base, "bench", seed).name)
    return names


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that so many of all lie at or below; None: there is none."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else None


def gaps(found: Found) -> dict[str, list[float]]:
    """The gaps by what was going on, in milliseconds."""
    in_load, others = overlapping(found.traffic.gaps, [(swap.called, swap.loaded) for swap in found.swaps])
    in_check, others = overlapping(others, [(swap.loaded, swap.live) for swap in found.swaps])
    named = {"otherwise": others, "during a load": in_load, "during its check": in_check}
    return {name: [1000 * (end - begin) for begin, end in each] for name, each in named.items()}


def parts(found: Found) -> dict[str, list[float]]:
    """The parts of the swaps, in milliseconds."""
    return {
        "load": [1000 * (swap.loaded - swap.called) for swap in found.swaps],
        "check": [1000 * (swap.live - swap.loaded) for swap in found.swaps],
        "load to first answer": [1000 * (swap.first - swap.called) for swap in found.swaps],
    }


def tables(found: Found) -> list[Table]:
    """What people read."""
    verdict, traffic = found.verdict, found.traffic
    counted: list[list[Cell]] = [
        ["answers", len(traffic.answers)],
        ["failed", len(traffic.failures)],
        ["swaps that failed", len(traffic.undone)],
        ["mixed", verdict.mixed],
        ["mixed, found in the control", f"{verdict.found:.0%}"],
        ["farthest own token, nats", round(verdict.farthest, 2)],
    ]
    measured = {f"gap {name}": each for name, each in gaps(found).items()} | parts(found)
    rows: list[list[Cell]] = [
        [name, len(each), *(percentile(each, share) for share in (0.5, 0.99, 1.0))] for name, each in measured.items()
    ]
    p99 = percentile(gaps(found)["during a load"], 0.99)
    problems = [*traffic.failures, *traffic.undone]
    kept = not problems and not verdict.mixed and p99 is not None and p99 <= GOAL_MS
    goal = f"Goal (on a GPU): none failed or mixed, p99 during a load at most {GOAL_MS:.0f} ms: "
    head = f"{len(found.swaps)} swaps under {found.streams} streams"
    return [
        Table(head, ["", "count"], counted, notes=problems[:3]),
        Table(f"{head}, milliseconds", ["", "n", "p50", "p99", "max"], rows, [goal + ("kept." if kept else "missed.")]),
    ]


def draw(found: Found, path: Path) -> None:
    """How long gaps are, by what was going on; and the parts of each swap."""
    import matplotlib as mpl  # here, so that a machine without it can still measure

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for name, each in gaps(found).items():
        if each:
            ordered = sorted(each)
            left.step(ordered, [1 - place / len(ordered) for place in range(len(ordered))], where="post", label=name)
    left.axvline(GOAL_MS, color="grey", linestyle=":", linewidth=1)
    left.set(xscale="log", yscale="log", xlabel="gap between two pieces, ms", ylabel="share of gaps that are longer")
    left.legend(fontsize="small")
    numbers = range(1, len(found.swaps) + 1)
    bottoms = [0.0] * len(found.swaps)
    steps = {
        "load": [swap.loaded - swap.called for swap in found.swaps],
        "check": [swap.live - swap.loaded for swap in found.swaps],
        "until the first answer": [swap.first - swap.live for swap in found.swaps],
    }
    for name, lengths in steps.items():
        right.bar(numbers, lengths, bottom=bottoms, label=name)
        bottoms = [bottom + length for bottom, length in zip(bottoms, lengths, strict=True)]
    right.set(xlabel="swap", ylabel="seconds")
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def report(found: Found, out: Path, bench: str = "swap") -> None:
    """Table, picture and JSON."""
    picture = out.with_suffix(".png")
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(found, picture)
    figures: dict[str, Any] = {
        "streams": found.streams,
        "verdict": asdict(found.verdict),
        "failures": found.traffic.failures[:20],
        "undone": found.traffic.undone,
        "swaps": [asdict(swap) for swap in found.swaps],
        "gap_ms": {
            name: {str(share): percentile(each, share) for share in (0.5, 0.9, 0.99, 0.999, 1.0)}
            for name, each in gaps(found).items()
        },
    }
    hand_in(Report(bench, tables(found), figures, picture), out)


async def on_own_server(model: Path, device: str, swaps: int, streams: int, tokens: int) -> Found:
    """Start a vLLM for the length of the measurement; the adapters are made while it starts."""
    base = BaseModel.read(model)
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as temporary:
        server = VllmServer(model, Path(temporary), device=device)
        try:
            making = asyncio.to_thread(adapters, Path(temporary), server.settings, base, swaps + 1)
            names, _ = await asyncio.gather(making, server.start())
            return await measure(server.settings, names, streams, tokens)
        finally:
            server.stop()


async def on_running_server(url: str, model: Path, folder: Path, swaps: int, streams: int, tokens: int) -> Found:
    """Measure a vLLM that somebody else has started."""
    base = BaseModel.read(model)
    given = {"urls": [url], "base_model": model, "adapters_dir": folder, "api_key": os.environ.get("VLLM_API_KEY", "")}
    settings = ServingSettings.model_validate(given)
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as temporary:
        names = await asyncio.to_thread(adapters, Path(temporary), settings, base, swaps + 1)
    return await measure(settings, names, streams, tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", "--base-model", dest="model", type=Path, required=True, help="the base model")
    parser.add_argument(
        "--device", choices=["cpu", "cuda", "auto"], default="cpu", help="of the server that is started"
    )
    parser.add_argument("--server", help="URL of a vLLM that runs already")
    parser.add_argument("--adapters-dir", type=Path, help="where that one reads its adapters")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=12, help="of each answer at most")
    parser.add_argument("--out", type=Path, default=Path("bench/out/swap.json"))
    options = parser.parse_args()
    sizes = options.swaps, options.streams, options.tokens
    if options.server:
        if options.adapters_dir is None:
            parser.error("--server needs --adapters-dir")
        found = asyncio.run(on_running_server(options.server, options.model, options.adapters_dir, *sizes))
    else:
        found = asyncio.run(on_own_server(options.model, options.device, *sizes))
    report(found, options.out)


if __name__ == "__main__":
    main()
