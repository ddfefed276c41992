"""Thirty questions at once, and slash commands meanwhile: nothing lost, nothing doubled, acknowledged in time, and
Slack's limits kept.

    python -m bench.bot [--questions 30] [--pace 0.06] [--words 400] [--out bench/out/bot.json]

Starts PostgreSQL, the sandbox and the bot as the demo does, each as a process of its own, and in place of vLLM a
stand-in that says words at a steady pace (bench/paced_model.py): this measures the bot, not the model. The limits are
those that Slack gives for one workspace in any minute; the calls are counted from the sandbox's own log. The exit
status is 1 when a limit of the table is not kept.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from bench import paced_model
from cli import manifest
from feedback.persona import load_persona
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan, running
from sandbox.client import Message, Person, Workspace
from settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, CHANNELS = ("mia", "ada", "noor"), ("general", "help", "dm")
A_MINUTE = {"chat.startStream": 20, "chat.appendStream": 100, "chat.stopStream": 20, "chat.update": 50}
ACK_LIMIT = 1.0  # seconds
COMMAND_EVERY = 0.4
LONGEST = 240.0  # seconds for all answers


@dataclass(frozen=True)
class Asked:
    """One question, by whom and where; ``ts`` is its message."""

    person: Person
    channel: str
    text: str
    ts: str


@dataclass(frozen=True)
class Outcome:
    """What the people saw, and what the sandbox counted. Seconds."""

    whole: float
    lost: int
    doubled: int
    garbled: int
    first_words: Sequence[float]
    acks: Sequence[float]
    busiest: Mapping[str, int]
    rate_limited: int
    errors: Mapping[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--pace", type=float, default=0.06, help="seconds between two words of one answer")
    parser.add_argument("--words", type=int, default=400, help="words of one answer")
    parser.add_argument("--out", type=Path, default=Path("bench/out/bot.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        outcome = measure(Path(folder), options.questions, options.pace, options.words)
    if not report(outcome, options.questions, options.pace, options.words, options.out):
        sys.exit(1)


def measure(home: Path, questions: int, pace: float, words: int) -> Outcome:
    """Start everything, ask, and count."""
    with model_server(pace, words) as url:
        chosen = Chosen(valkey=False, vllm=False, small_model=False, worker=False)
        settings = Settings()
        serving = settings.serving.model_copy(update={"urls": [url], "device": "cuda"})
        settings = settings.model_copy(update={"serving": serving})
        page = ports.any_free()
        complete = embedded.with_addresses(settings, home, chosen, page_port=page, vllm_port=0)
        app = home / "app.yaml"
        persona = load_persona(settings.persona_dir / "persona.yaml")
        app.write_text(json.dumps(manifest.build(persona, settings.slack.command)))  # JSON is YAML
        with running(Plan(complete, chosen, manifest=app, page_port=page), print):
            return asyncio.run(ask_all(f"http://127.0.0.1:{page}", questions, words, settings.slack.command))


@contextmanager
def model_server(pace: float, words: int) -> Iterator[str]:
    """The stand-in, in a process of its own."""
    port = ports.any_free()
    command = [sys.executable, "-m", "bench.paced_model", "--port", str(port), "--pace", str(pace)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([*command, "--words", str(words)], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 30
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the stand-in for the model server did not start")
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


async def ask_all(url: str, questions: int, words: int, command: str) -> Outcome:
    """All questions at once; slash commands one after the other until the last answer is whole."""
    async with Workspace(url) as ws:
        await ws.wait_until_connected()
        mention = await ws.mention()
        began = time.monotonic()
        asked = await asyncio.gather(*(_ask(ws, mention, number) for number in range(questions)))
        acks: list[float] = []
        commanding = asyncio.create_task(_command_again_and_again(ws, command, acks))
        async with asyncio.timeout(LONGEST):
            whole = await asyncio.gather(*(_whole(one) for one in asked), return_exceptions=True)
        seconds = time.monotonic() - began
        commanding.cancel()
        await asyncio.gather(commanding, return_exceptions=True)
        await asyncio.sleep(3)  # a doubled answer would come now
        shown = [await _answers_to(one) for one in asked]
        calls = await ws.traffic(kind="api")
    texts = [[said(message) for message in messages] for messages in shown]
    right = [paced_model.answer(one.text, words) for one in asked]
    times = _times(calls)
    return Outcome(
        whole=seconds,
        lost=sum(isinstance(one, BaseException) for one in whole),
        doubled=sum(len(messages) > 1 for messages in shown),
        garbled=sum("".join(parts).strip() != wanted for parts, wanted in zip(texts, right, strict=True)),
        first_words=_first_words(asked, shown),
        acks=acks,
        busiest={method: most_in_a_minute(times.get(method, [])) for method in A_MINUTE},
        rate_limited=sum(call["error"] == "ratelimited" for call in calls),
        errors=_errors(calls),
    )


async def _ask(ws: Workspace, mention: str, number: int) -> Asked:
    person = ws.person(PEOPLE[number % len(PEOPLE)])
    channel = CHANNELS[(number // len(PEOPLE)) % len(CHANNELS)]
    text = f"question {number} of the bench"
    ts = await person.say(channel, text if channel == "dm" else f"{mention} {text}")
    return Asked(person, channel, text, ts)


async def _command_again_and_again(ws: Workspace, command: str, acks: list[float]) -> None:
    number = 0
    while True:
        began = time.monotonic()
        await ws.person(PEOPLE[number % len(PEOPLE)]).command("general", command, "status")  # returns at the ack
        acks.append(time.monotonic() - began)
        number += 1
        await asyncio.sleep(COMMAND_EVERY)


async def _whole(asked: Asked) -> Message:
    def whole(message: Message) -> bool:
        return any(block["type"] == "context_actions" for block in message.blocks)

    return await asked.person.wait_for(asked.channel, whole, thread_ts=asked.ts, timeout=LONGEST)


async def _answers_to(asked: Asked) -> list[Message]:
    found = await asked.person.messages(asked.channel, asked.ts)
    return [message for message in found if message.by_app and not message.ephemeral]


def said(message: Message) -> str:
    """The words of an answer: a stream's own text, or the block of a posted one, whose text is a short form of it."""
    return "".join(block["text"] for block in message.blocks if block["type"] == "markdown") or message.text


def _first_words(asked: Sequence[Asked], shown: Sequence[Sequence[Message]]) -> list[float]:
    """From a question's own timestamp to that of the message that brought its first words."""
    return [float(messages[0].ts) - float(one.ts) for one, messages in zip(asked, shown, strict=True) if messages]


def _times(calls: Sequence[Mapping[str, object]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        times[str(call["name"])].append(float(str(call["at"])))
    return times


def _errors(calls: Sequence[Mapping[str, object]]) -> dict[str, int]:
    errors: dict[str, int] = defaultdict(int)
    for call in calls:
        if not call["ok"]:
            errors[f"{call['name']}: {call['error']}"] += 1
    return dict(errors)


def most_in_a_minute(times: Sequence[float]) -> int:
    """The most of these moments that lie within any sixty seconds."""
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def report(outcome: Outcome, questions: int, pace: float, words: int, out: Path) -> bool:
    """Print the table and write the JSON; whether every limit is kept."""
    rows: list[tuple[str, str, str, bool]] = [
        ("answers lost", str(outcome.lost), "0", outcome.lost == 0),
        ("answers doubled", str(outcome.doubled), "0", outcome.doubled == 0),
        ("answers not as the model said them", str(outcome.garbled), "0", outcome.garbled == 0),
        (f"slowest of {len(outcome.acks)} acks, s", f"{max(outcome.acks):.3f}", f"{ACK_LIMIT}", max(outcome.acks) < 1),
        ("calls that Slack would have to slow down", str(outcome.rate_limited), "0", outcome.rate_limited == 0),
    ]
    for method, limit in A_MINUTE.items():
        busiest = outcome.busiest[method]
        rows.append((f"{method}, most in a minute", str(busiest), str(limit), busiest <= limit))
    table = Table("figure", "measured", "limit", "", title=f"{questions} questions at once, {words} words each")
    for figure, measured, limit, kept in rows:
        table.add_row(figure, measured, limit, "✓" if kept else "✗")
    table.add_row("first words, median and slowest, s", f"{_middle(outcome.first_words)}", "", "")
    table.add_row("acks, median, s", f"{statistics.median(outcome.acks):.3f}", "", "")
    table.add_row("all answers whole after, s", f"{outcome.whole:.1f}", "", "")
    Console().print(table)
    figures = {
        "machine": platform.machine(), "cores": len(os.sched_getaffinity(0)), "questions": questions,
        "pace_s": pace, "words": words, "model": "paced stand-in", **vars(outcome),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return all(kept for *_, kept in rows)


def _middle(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f}, {max(seconds):.1f}" if seconds else "-"


if __name__ == "__main__":
    main()
