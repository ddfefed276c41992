"""One GPU for serving and training, as if it had 24, 48 or 80 GB: what fits, and what that costs somebody who chats.

    python -m bench.gpu.sharing --model <folder of a 7B model> --out <folder> [--budget 360] [--quantised]
    python -m bench.gpu --only sharing,sharing-quantised --model <folder of a 7B model>

Needs a checkout, an installed vLLM, transformers and peft, and a card of 80 GB; random weights do. One vLLM is started,
with the memory that it would have on the smallest card and behind Mend's guard; a training is held to what the rest of
each card would be (torch's own limit for a process). Of what a person waits while the server sleeps, measured are the
time to fall asleep, to wake up, and to the first word; the steps of the recipe (50 rows, ten epochs) are reckoned from
the median of some alone on the card, made with plain peft: through ms-swift each takes longer (bench.gpu's `loop`).
Before that come the running answers, which get some time to end, and a trainer that has to be started and to load the
model first.

With `--quantised` (needs bitsandbytes, too) it is the 24 GB card alone: vLLM serves 8-bit weights (`--quantization
fp8`) and the training is QLoRA on 4-bit ones, beside each other.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.report import ROOT, Cell, Report, Table, hand_in
from bench.swap.random_adapter import write_random_adapter
from serving.base import BaseModel

PORT, KEY = 8124, "bench"
URL, HEADERS = f"http://127.0.0.1:{PORT}", {"Authorization": f"Bearer {KEY}"}
CARDS = {24: 0.85, 48: 0.5, 80: 0.5}  # GB, and vLLM's share of them
QUANTISED = {24: 0.5}
ASLEEP = 1.8e9  # of a server, before it is measured
RECIPES = ((1, True), (4, False), (16, False))  # rows at a time, gradient checkpointing
ROWS, EPOCHS = 50, 10  # of the recipe
CHATTERS, TOKENS = 4, 64
WINDOW = 10.0  # seconds of steps beside people
BUDGET = 360.0  # seconds for all of it
APART = "steps and turning alone, s"


class ServerEnded(Exception):
    """vLLM has ended while it was starting."""


class TrainerEnded(Exception):
    """The process that makes steps has ended."""


@dataclass
class Chat:
    """What people who chat saw: seconds to the first token, and between two of them."""

    first: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    failed: int = 0

    def figures(self) -> dict[str, float]:
        """In milliseconds."""
        found = {"failed": float(self.failed), "answers": float(len(self.first))}
        for name, values in (("ttft", self.first), ("gap", self.gaps)):
            ranked = sorted(values) or [float("nan")]
            found |= {
                f"{name}_p50": 1e3 * statistics.median(ranked),
                f"{name}_p99": 1e3 * ranked[-1 - len(ranked) // 100],
            }
        return found


@dataclass(frozen=True)
class Row:
    """One card, mode and recipe."""

    card: int
    mode: str
    rows: int
    checkpointing: bool
    training: dict[str, Any]
    chat: dict[str, float] | None = None
    apart: float | None = None
    """Seconds for the steps alone, the turns before and after, and the first word."""


def server(model: Path, lora: Path, share: float, *, fp8: bool) -> tuple[list[str], dict[str, str]]:
    """vLLM as `mend serve` starts one that may have to sleep."""
    argv = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    argv += ["--served-model-name", "base", "--host", "127.0.0.1", "--port", str(PORT), "--max-model-len", "2048"]
    argv += ["--enable-lora", "--max-loras", "4", "--max-lora-rank", "8", "--lora-modules", f"lora={lora}"]
    argv += ["--gpu-memory-utilization", f"{share:.3f}", "--enable-sleep-mode", "--middleware", "serving.guard.Guard"]
    argv += ["--quantization", "fp8"] if fp8 else []
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    mine = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_API_KEY": KEY, "VLLM_PLUGINS": "", "HF_HUB_OFFLINE": "1"}
    mine |= {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_USE_FLASHINFER_SAMPLER": "0"}
    return argv, {**os.environ, "PYTHONPATH": path, **mine}


@asynccontextmanager
async def started(argv: Sequence[str], environment: dict[str, str], log: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """The server, once it is well; ended at the end of the block."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *argv, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    async with aiohttp.ClientSession(URL, headers=HEADERS, timeout=aiohttp.ClientTimeout(total=300)) as http:
        try:
            while True:
                if process.returncode is not None:
                    raise ServerEnded(f"vLLM ended while it was starting; see {log}")
                try:
                    if (await http.get("/health")).status == 200:
                        break
                except aiohttp.ClientError:
                    pass  # not listening yet
                await asyncio.sleep(0.5)
            yield http
        finally:
            with contextlib.suppress(ProcessLookupError):  # its engine is a process of its own, and has the memory
                os.killpg(process.pid, signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 10)
                os.killpg(process.pid, signal.SIGKILL)


async def answer(http: aiohttp.ClientSession, name: str, seen: Chat, seed: int) -> None:
    """One answer to a prompt of 200 tokens of its own."""
    prompt = [1000 + (seed * 7919 + place * 104_729) % 90_000 for place in range(200)]
    body = {"model": name, "prompt": prompt, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": True}
    began = last = time.monotonic()
    pieces = 0
    with contextlib.suppress(aiohttp.ClientError):  # it counts as failed then
        async with http.post("/v1/completions", json=body) as reply:
            async for line in reply.content:
                if line.startswith(b"data: {") and b'"error"' not in line:
                    now = time.monotonic()
                    (seen.gaps if pieces else seen.first).append(now - (last if pieces else began))
                    last, pieces = now, pieces + 1
    seen.failed += pieces < TOKENS // 2  # vLLM may send several tokens at once


async def chat_while(http: aiohttp.ClientSession, work: asyncio.Future[Any] | asyncio.Task[Any]) -> Chat:
    """People who ask again as soon as they are answered, until the work is done."""
    seen = Chat()

    async def person(number: int) -> None:
        turn = 0
        while not work.done():
            turn += 1
            await answer(http, ("base", "lora")[number % 2], seen, seed=number * 1000 + turn)

    await asyncio.gather(*map(person, range(CHATTERS)))
    return seen


class Trainer:
    """The process that makes steps."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, model: Path, log: Path, *, four_bits: bool) -> "Trainer":
        """Started, with the model on the card."""
        pipe = asyncio.subprocess.PIPE
        with log.open("wb") as file:
            argv = [sys.executable, "-m", "bench.gpu.lora_steps", str(model), *(["4bit"] if four_bits else [])]
            process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=file)
        trainer = cls(process)
        await trainer._heard()
        return trainer

    async def steps(self, rows: int, checkpointing: bool, cap: float, seconds: float) -> dict[str, Any]:
        """Steps for so long, within so much memory."""
        assert self._process.stdin is not None
        asked = {"rows": rows, "checkpointing": checkpointing, "cap": cap, "seconds": seconds}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        return await self._heard()

    async def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.startswith(b"{"):  # libraries print, too
                found: dict[str, Any] = json.loads(line)
                return found
        raise TrainerEnded("the training process has ended; see trainer.log")

    async def stop(self) -> None:
        """End it."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def used() -> float:
    """Bytes in use on the card, by the driver."""
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return float(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]) * 2**20


async def turned(http: aiohttp.ClientSession, path: str) -> float:
    """The seconds that falling asleep or waking up takes."""
    began = time.monotonic()
    async with http.post(path) as reply:
        assert reply.status == 200, await reply.text()
    return time.monotonic() - began


async def guarded(http: aiohttp.ClientSession) -> dict[str, int]:
    """What the guard says to what nobody may do, and to sleeping without the key."""
    async with http.post("/collective_rpc", json={"method": "x"}) as reply:
        found = {"/collective_rpc": reply.status}
    async with aiohttp.ClientSession(URL) as stranger, stranger.post("/sleep?level=1") as reply:
        return found | {"/sleep without the key": reply.status}


async def beside(
    http: aiohttp.ClientSession, trainer: Trainer, cards: Mapping[int, float], report: dict[str, Any]
) -> None:
    """Every recipe beside people, on each card that has room for it; the same steps stand for every card they fit."""
    for size, checkpointing in RECIPES:
        measured: tuple[dict[str, Any], dict[str, float] | None] | None = None
        for card, share in sorted(cards.items(), reverse=True):
            cap = card * 1e9 * (1 - share)
            if measured is None or measured[0].get("peak", cap + 1) > cap:
                work = asyncio.ensure_future(trainer.steps(size, checkpointing, cap, WINDOW))
                seen = await chat_while(http, work)
                done = await work
                measured = (done, seen.figures() if done["fits"] else None)
            report["rows"].append(asdict(Row(card, "beside", size, checkpointing, *measured)))


async def asleep(
    http: aiohttp.ClientSession, trainer: Trainer, cards: Mapping[int, float], report: dict[str, Any]
) -> None:
    """Every recipe while the server sleeps, and what that takes with the turns before and after."""
    report["gpu_before"] = used()
    first = await turned(http, "/sleep?level=1")
    report["gpu_asleep_with_trainer"] = used()
    done: list[tuple[int, int, bool, dict[str, Any]]] = []
    for size, checkpointing in RECIPES:
        measured: dict[str, Any] | None = None
        for card in sorted(cards, reverse=True):
            cap = card * 1e9 - ASLEEP
            if measured is None or measured.get("peak", cap + 1) > cap:
                measured = await trainer.steps(size, checkpointing, cap, WINDOW / 3)
            done.append((card, size, checkpointing, measured))
    woken = await turned(http, "/wake_up")
    word = await _first_word(http)
    again = await turned(http, "/sleep?level=1")
    woken_again = await turned(http, "/wake_up")
    report |= {"sleep_first": first, "sleep_again": again, "wake": [woken, woken_again], "first_word": word}

    def apart(size: int, training: dict[str, Any]) -> float | None:
        passes = EPOCHS * math.ceil(ROWS / size)
        return again + passes * training["step"] + woken + word if training["fits"] else None

    rows = (Row(card, "sleep", size, kept, found, apart=apart(size, found)) for card, size, kept, found in done)
    report["rows"] += map(asdict, rows)


async def _first_word(http: aiohttp.ClientSession) -> float:
    seen = Chat()
    await answer(http, "lora", seen, seed=1)
    assert not seen.failed, "nothing is said after waking"
    return seen.first[0]


async def measure(model: Path, work: Path, report: dict[str, Any]) -> None:
    """Everything, written into the report as it is known."""
    lora = await asyncio.to_thread(write_random_adapter, work / "lora", BaseModel.read(model), 0)
    quantised: bool = report["quantised"]
    cards = QUANTISED if quantised else CARDS
    smallest = min(cards)
    argv, environment = server(model, lora, smallest * 1e9 * cards[smallest] / _total(), fp8=quantised)
    report |= {"cards": cards, "tokens": TOKENS}
    began = time.monotonic()
    async with started(argv, environment, work / "vllm.log") as http:
        report |= {"start": time.monotonic() - began, "gpu_serving": used(), "guard": await guarded(http)}
        trainer = await Trainer.start(model, work / "trainer.log", four_bits=quantised)
        try:
            await chat_while(http, asyncio.ensure_future(asyncio.sleep(2)))  # warm
            report["alone"] = (await chat_while(http, asyncio.ensure_future(asyncio.sleep(WINDOW)))).figures()
            await beside(http, trainer, cards, report)
            await asleep(http, trainer, cards, report)
        finally:
            await trainer.stop()
            report["seconds"] = time.monotonic() - began


def _total() -> float:
    """Bytes of the card."""
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    return float(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]) * 2**20


def tables(found: Mapping[str, Any]) -> list[Table]:
    """The rows, and below them the server alone and its turns, as far as they were measured."""
    notes = [
        f"`{APART}`: to fall asleep, make the steps of the recipe, wake up, and say a first word. People wait for "
        "more: running answers get some time to end (DRAINED in serving/sleeping.py), and the trainer has to start."
    ]
    if alone := found.get("alone"):
        notes.append(
            f"Without a training: first word p50 {alone['ttft_p50']:.0f} ms, gap p50 {alone['gap_p50']:.1f} ms, p99 "
            f"{alone['gap_p99']:.0f} ms."
        )
    if wake := found.get("wake"):
        notes.append(
            f"First sleep {found['sleep_first']:.1f} s, later {found['sleep_again']:.2f} s; waking {max(wake):.2f} s."
        )
    else:
        notes.append("It was broken off before all was measured.")
    columns = (
        "card, GB", "mode", "rows at a time", "checkpointing", "fits", "peak, GB", "step, ms", "first word p50, ms",
        "first word p99, ms", "gap p50, ms", "gap p99, ms", APART,
    )  # fmt: skip
    return [Table("A training and people on one card", columns, [_line(row) for row in found["rows"]], notes)]


def _line(row: Mapping[str, Any]) -> list[Cell]:
    done, chat = row["training"], row["chat"] or {}
    what = [row["card"], row["mode"], row["rows"], "yes" if row["checkpointing"] else "no"]
    figures = [done["peak"] / 1e9, 1e3 * done["step"]] if done["fits"] else [None, None]
    seen = [chat.get(name) for name in ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99")]
    return [*what, "yes" if done["fits"] else "no", *figures, *seen, row["apart"]]


def take(model: Path, work: Path, out: Path, budget: float, *, quantised: bool) -> None:
    """Measure for at most so many seconds; what there is by then is handed in, also where it is broken off.

    Raises:
        ServerEnded, TrainerEnded: see their logs in ``work``.
        TimeoutError: there was not time enough for all.
    """
    name = "sharing-quantised" if quantised else "sharing"
    work.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"quantised": quantised, "rows": []}

    try:
        asyncio.run(asyncio.wait_for(measure(model.absolute(), work.absolute(), found), budget))
    finally:
        if found["rows"]:  # an empty table would take the place of an earlier one in RESULTS.md
            hand_in(Report(f"gpu/{name}", tables(found), found), out / f"{name}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds")
    parser.add_argument("--quantised", action="store_true", help="8-bit serving and 4-bit training on 24 GB")
    given = parser.parse_args()
    take(given.model, given.out, given.out, given.budget, quantised=given.quantised)


if __name__ == "__main__":
    main()
