"""Hot swaps under load: 8 streams that never pause, 20 adapters made live one after the other.

    python -m bench.swap --model <folder of the base model> [--swaps 20] [--streams 8] [--out bench/out/swap.json]

Starts a vLLM of its own on this machine's CPU. A stream is *failed* when it raises or ends without a reason, and
*mixed* when a word of its text is not what its adapter would say there (own_words.py). As a control, the same check is
made with the answers' names exchanged; it has to find nearly all of those.
"""

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from bench.own_words import NEAR_TIE, Judge
from bench.random_adapter import write_random_adapter
from bench.vllm_server import VllmServer
from serving.adapter_files import publish
from serving.adapters import Replicas, reconcile
from serving.base import BaseModel
from serving.chat import ChatClient, Sampling
from serving.errors import ServingError

MESSAGES = [
    {"role": "system", "content": "You answer in one short sentence."},
    {"role": "user", "content": "Tell me a story about a ship."},
]
GREEDY = Sampling(temperature=0, max_tokens=24)
REST = 1.0  # seconds between two swaps, for the gaps before


@dataclass
class Traffic:
    """What the streams saw. ``gaps`` are (seconds, whether a swap was going on)."""

    live: str
    swapping: bool = False
    over: bool = False
    running: dict[str, int] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    gaps: list[tuple[float, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class Swap:
    """The parts of one swap, in seconds. ``live`` is the whole: from the first call to the name being used."""

    load: float
    verify: float

    @property
    def live(self) -> float:
        return self.load + self.verify


async def keep_asking(client: ChatClient, traffic: Traffic) -> None:
    """One stream after the other, each under the name that is live when it begins."""
    while not traffic.over:
        name = traffic.live
        traffic.running[name] = traffic.running.get(name, 0) + 1
        try:
            await read_answer(client, traffic, name)
        except ServingError as error:
            traffic.failures.append(str(error))
        finally:
            traffic.running[name] -= 1


async def read_answer(client: ChatClient, traffic: Traffic, name: str) -> None:
    """Read one answer, noting the time between its pieces."""
    async with client.stream(MESSAGES, name, GREEDY) as stream:
        last, swapping = None, traffic.swapping
        async for _ in stream:
            now = time.monotonic()
            if last is not None:
                traffic.gaps.append((now - last, swapping or traffic.swapping))
            last, swapping = now, traffic.swapping
    if stream.completion.finish_reason in {"stop", "length"}:
        traffic.answers.append((name, stream.text))
    else:
        traffic.failures.append(f"{name} ended with {stream.completion.finish_reason}")


async def swap(client: ChatClient, replicas: Replicas, traffic: Traffic, name: str) -> Swap:
    """Load, verify, make live; then unload what nobody uses any more."""
    traffic.swapping = True
    start = time.monotonic()
    await replicas.load(name)
    loaded = time.monotonic()
    await replicas.verify(name, client)
    traffic.live = name
    live = time.monotonic()
    traffic.swapping = False

    async def in_use(other: str) -> bool:
        return traffic.running.get(other, 0) > 0

    await reconcile(replicas, [name], in_use)
    return Swap(load=loaded - start, verify=live - loaded)


async def drive(server: VllmServer, names: list[str], streams: int) -> tuple[Traffic, list[Swap]]:
    """Run the traffic and the swaps."""
    async with ChatClient(server.settings) as client, Replicas(server.settings) as replicas:
        await replicas.deploy(names[0])
        traffic = Traffic(live=names[0])
        swaps: list[Swap] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(streams):
                group.create_task(keep_asking(client, traffic))
            for name in names[1:]:
                await asyncio.sleep(REST)
                swaps.append(await swap(client, replicas, traffic, name))
            await asyncio.sleep(REST)
            traffic.over = True
    return traffic, swaps


@dataclass(frozen=True)
class Verdict:
    """How many answers are mixed, how far the farthest own token was from the likeliest, and what the control found."""

    mixed: int
    farthest: float
    found: float


async def judge(server: VllmServer, traffic: Traffic, names: list[str]) -> Verdict:
    """Look at every answer, and at each distinct one again under another adapter's name."""
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    async with httpx.AsyncClient() as http:
        own_words = Judge(http, server.url, MESSAGES)
        own = [await own_words.distance(name, text) for name, text in traffic.answers]
        foreign = [not await own_words.is_own(following[name], text) for name, text in set(traffic.answers)]
    mixed = sum(distance > NEAR_TIE for distance in own)
    return Verdict(mixed, max(own, default=0.0), sum(foreign) / max(1, len(foreign)))


def spread(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum, in milliseconds."""
    ordered = sorted(values)
    return {
        "p50": round(1000 * statistics.median(ordered), 1),
        "p95": round(1000 * ordered[int(0.95 * (len(ordered) - 1))], 1),
        "max": round(1000 * ordered[-1], 1),
    }


def summary(traffic: Traffic, swaps: list[Swap], verdict: Verdict, streams: int) -> dict[str, object]:
    """The figures, as they go into the file."""
    return {
        "machine": f"{platform.processor() or platform.machine()}, python {platform.python_version()}",
        "streams": streams,
        "swaps": len(swaps),
        "answers": len(traffic.answers),
        "failed": len(traffic.failures),
        "mixed": verdict.mixed,
        "farthest_own_token_nats": f"{verdict.farthest:.2f}",
        "control_found": f"{verdict.found:.0%}",
        "load_ms": spread([each.load for each in swaps]),
        "verify_ms": spread([each.verify for each in swaps]),
        "load_to_live_ms": spread([each.live for each in swaps]),
        "token_gap_before_ms": spread([gap for gap, swapping in traffic.gaps if not swapping]),
        "token_gap_during_ms": spread([gap for gap, swapping in traffic.gaps if swapping]),
        "failures": traffic.failures[:5],
        "each_swap": [asdict(each) for each in swaps],
    }


def show(figures: dict[str, object]) -> None:
    """Print the figures as a table."""
    table = Table("figure", "p50", "p95", "max", title="hot swap under load")
    for name, value in figures.items():
        if isinstance(value, dict):
            table.add_row(name, *(f"{value[part]:g}" for part in ("p50", "p95", "max")))
        elif isinstance(value, int | str):
            table.add_row(name, str(value))
    Console().print(table)


async def main() -> None:
    """Start the server, publish the adapters, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("bench/out/swap.json"))
    options = parser.parse_args()
    base = BaseModel.read(options.model)
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as temporary:
        folder = Path(temporary)
        server = VllmServer(options.model, folder)
        names = [
            publish(
                write_random_adapter(folder / f"source-{seed}", base, seed, scale=0.05),
                server.settings,
                base,
                "bench",
                seed,
            ).name
            for seed in range(options.swaps + 1)
        ]
        try:
            await server.start()
            traffic, swaps = await drive(server, names, options.streams)
            figures = summary(traffic, swaps, await judge(server, traffic, names), options.streams)
        finally:
            server.stop()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    show(figures)


if __name__ == "__main__":
    asyncio.run(main())
