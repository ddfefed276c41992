"""Questions as people put them to an app in the sandbox, and everything that was seen and counted meanwhile."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from bench.bot import paced_model
from sandbox.client import Message, Person, SandboxError, Workspace

PEOPLE, CHANNELS = ("mia", "ada", "noor"), ("general", "help", "dm")
COMMAND_EVERY = 0.4
LONGEST = 240.0  # seconds for all answers
MB = 1e6
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Load:
    """So many questions: all at once, or one every ``gap`` seconds. ``free``: see ``apps.started``."""

    name: str
    title: str
    questions: int
    gap: float
    free: bool


@dataclass(frozen=True)
class Asked:
    """One question, by whom and where; ``ts`` is its message."""

    person: Person
    channel: str
    text: str
    ts: str


@dataclass
class Memory:
    """What the app's process held, in MB."""

    before: float = 0.0
    peak: float = 0.0
    after: float = 0.0


@dataclass
class Seen:
    """Everything of one load: the sandbox's log, the model's stamps, and what people saw of each answer."""

    asked: Sequence[Asked] = ()
    entries: list[Entry] = field(default_factory=list)
    stamps: Mapping[str, paced_model.Stamp] = field(default_factory=dict)
    shown: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by question: each message of ours under it
    memory: Memory = field(default_factory=Memory)
    unanswered_commands: int = 0
    cpu: float = 0.0  # seconds of the app's process
    seconds: float = 0.0


async def put(load: Load, tag: str, page: str, model: str, pid: int, command: str) -> Seen:
    """Ask everything, with slash commands meanwhile, until the last answer is whole. ``tag`` is in every question."""
    seen = Seen()
    process = psutil.Process(pid)
    async with Workspace(page) as ws, httpx.AsyncClient(base_url=model, trust_env=False) as stamps:
        last = max((entry["id"] for entry in await ws.traffic()), default=0)
        mention = await ws.mention()
        already = (await stamps.get("/ended")).json()
        seen.memory.before = process.memory_info().rss / MB
        beside = [
            asyncio.create_task(_follow(ws, last, seen.entries)),
            asyncio.create_task(_watch(process, seen.memory)),
            asyncio.create_task(_command(ws, command, seen)),
        ]
        began, busy = time.monotonic(), sum(process.cpu_times()[:2])
        ask = (_ask(ws, mention, tag, number, load.gap) for number in range(load.questions))
        seen.asked = await asyncio.gather(*ask)
        await _until_said(stamps, already + load.questions)
        seen.shown = await _until_whole(ws, seen.asked)
        seen.seconds, seen.cpu = time.monotonic() - began, sum(process.cpu_times()[:2]) - busy
        await asyncio.sleep(3)  # a doubled answer would come now, and the log is read to its end
        seen.shown = await _all_shown(ws, seen.asked)
        seen.memory.after = process.memory_info().rss / MB
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        seen.stamps = (await stamps.get("/stamps")).json()
    return seen


async def _ask(ws: Workspace, mention: str, tag: str, number: int, gap: float) -> Asked:
    person = ws.person(PEOPLE[number % len(PEOPLE)])
    channel = CHANNELS[(number // len(PEOPLE)) % len(CHANNELS)]
    text = f"question {number} of {tag}"
    await asyncio.sleep(number * gap)
    ts = await person.say(channel, text if channel == "dm" else f"{mention} {text}")
    return Asked(person, channel, text, ts)


async def _follow(ws: Workspace, last: int, entries: list[Entry]) -> None:
    """Read the sandbox's log as it grows: it keeps the newest entries only."""
    while True:
        entries.extend(await ws.traffic(since=last))
        last = max((entry["id"] for entry in entries), default=last)
        await asyncio.sleep(1)


async def _watch(process: psutil.Process, memory: Memory) -> None:
    while True:
        memory.peak = max(memory.peak, process.memory_info().rss / MB)
        await asyncio.sleep(0.2)


async def _command(ws: Workspace, command: str, seen: Seen) -> None:
    number = 0
    while True:
        try:
            await ws.person(PEOPLE[number % len(PEOPLE)]).command("general", command, "status")
        except SandboxError:  # no acknowledgement in three seconds
            seen.unanswered_commands += 1
        number += 1
        await asyncio.sleep(COMMAND_EVERY)


async def _until_said(model: httpx.AsyncClient, questions: int) -> None:
    """Until the model has said everything; reading what people see before that would only keep the sandbox busy."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        if (await model.get("/ended")).json() >= questions:
            return
        await asyncio.sleep(0.5)


async def _until_whole(ws: Workspace, asked: Sequence[Asked]) -> Mapping[str, Sequence[str]]:
    until = time.monotonic() + LONGEST
    while True:
        shown = await _all_shown(ws, asked)
        if all(any(text.endswith("end.") for text in texts) for texts in shown.values()) or time.monotonic() > until:
            return shown
        await asyncio.sleep(1)


async def _all_shown(ws: Workspace, asked: Sequence[Asked]) -> dict[str, list[str]]:
    threads: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, channel in sorted({(one.person.name, one.channel) for one in asked}):
        by_thread = threads.setdefault((name, channel), {})
        for message in await ws.person(name).messages(channel):
            if message.by_app and not message.ephemeral and message.thread_ts:
                by_thread.setdefault(message.thread_ts, []).append(said(message))
    return {one.text: threads[one.person.name, one.channel].get(one.ts, []) for one in asked}


def said(message: Message) -> str:
    """The words of an answer: a stream's own text, or the block of a posted one, whose text is a short form of it."""
    return "".join(block["text"] for block in message.blocks if block["type"] == "markdown") or message.text
