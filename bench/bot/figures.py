"""From what was seen of one load to its figures. Pure.

A question's way has four moments, all on one machine's clock: the sandbox has sent the first envelope with it, the
model has received it, so many characters of its answer had left the model, and its first text has arrived at the
sandbox. What lies between the second and the third is the model's; the rest is what the app adds.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bot.load import Entry, Seen
from bench.bot.paced_model import Stamp, answer

FIRST_CALLS = ("chat.startStream", "chat.postMessage")  # both bring text with them, here
LIMITS = {"chat.startStream": 20, "chat.appendStream": 100, "chat.stopStream": 20, "chat.update": 50}
"""Calls that Slack takes from one app in any minute."""


@dataclass(frozen=True)
class Way:
    """One question's moments, in seconds of the clock. ``left`` and ``shown`` are None when that never was."""

    sent: float
    received: float
    left: float | None
    shown: float | None
    streamed: bool
    waited: bool = False  # for its turn, on purpose

    @property
    def before(self) -> float:
        """Milliseconds from the event to the model."""
        return (self.received - self.sent) * 1000

    @property
    def after(self) -> float | None:
        """Milliseconds from the model's characters to Slack; only of an answer that was streamed."""
        if self.left is None or self.shown is None or not self.streamed:
            return None
        return (self.shown - self.left) * 1000

    @property
    def added(self) -> float | None:
        """Milliseconds that the app has added; None where it held the question or the answer back on purpose."""
        return None if self.after is None or self.waited else self.before + self.after


def ways(
    questions: Sequence[str], entries: Sequence[Entry], stamps: Mapping[str, Stamp], *, first_text: int, slots: int
) -> list[Way]:
    """Each question's way, of those that reached the model; ``slots`` of them may run at once."""
    sent, threads = _sent(entries, questions)
    shown = _first_texts(entries)
    received = {one: stamps[one]["received"] for one in questions if one in stamps and one in sent}
    found = []
    for rank, question in enumerate(sorted(received, key=lambda one: received[one])):
        at, streamed = shown.get(threads[question], (None, False))
        left = left_at(stamps[question], first_text)
        found.append(Way(sent[question], received[question], left, at, streamed, waited=rank >= slots))
    return found


def left_at(stamp: Stamp, characters: int) -> float | None:
    """When so many characters had left the model."""
    return next((float(at) for so_far, at in stamp["left"] if so_far >= characters), None)


def _sent(entries: Sequence[Entry], questions: Sequence[str]) -> tuple[dict[str, float], dict[str, str]]:
    """When the first envelope with each question had been sent, and the question's thread."""
    wanted = set(questions)
    sent: dict[str, float] = {}
    threads: dict[str, str] = {}
    for entry in entries:
        event = entry.get("payload", {}).get("event", {}) if entry["kind"] == "event" else {}
        question = str(event.get("text", "")).rpartition("> ")[2]
        if question in wanted and question not in sent and "thread_ts" not in event:
            sent[question], threads[question] = float(entry["at"]), str(event["ts"])
    return sent, threads


def _first_texts(entries: Sequence[Entry]) -> dict[str, tuple[float, bool]]:
    """By thread: when the call with the first text of its answer arrived, and whether that began a stream."""
    first: dict[str, tuple[float, bool]] = {}
    for entry in entries:
        if entry["kind"] == "api" and entry["name"] in FIRST_CALLS and entry["ok"]:
            arrived = float(entry["at"]) - float(entry["ms"]) / 1000
            first.setdefault(str(entry["args"].get("thread_ts")), (arrived, entry["name"] == "chat.startStream"))
    return first


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed (nearest rank)."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def most_in_a_minute(times: Sequence[float]) -> int:
    """The most of these moments that lie within any sixty seconds."""
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def figures(seen: Seen, *, words: int, first_text: int, slots: int, command: str) -> dict[str, Any]:
    """All figures of one load; times in milliseconds, memory in MB."""
    questions = [one.text for one in seen.asked]
    found = ways(questions, seen.entries, seen.stamps, first_text=first_text, slots=slots)
    calls = [entry for entry in seen.entries if entry["kind"] == "api"]
    acks = [float(e["ms"]) for e in seen.entries if e["kind"] == "ack" and e["name"] == command and e["ms"] is not None]
    prompt = [way for way in found if not way.waited]
    right = {question: answer(question, words) for question in questions}
    return {
        "questions": len(questions),
        "added": _spread([way.added for way in found]),
        "before": _spread([way.before for way in prompt]),
        "after": _spread([way.after for way in prompt]),
        "waited": _spread([way.before for way in found if way.waited]),
        "posted_whole": sum(not way.streamed for way in found),
        "acks": _spread(acks),
        "unanswered_commands": seen.unanswered_commands,
        "memory": {name: round(value, 1) for name, value in vars(seen.memory).items()},
        "calls_per_answer": _per_answer(calls, len(questions)),
        "busiest": {m: most_in_a_minute([float(c["at"]) for c in calls if c["name"] == m]) for m in LIMITS},
        "refused": dict(Counter(f"{call['name']}: {call['error']}" for call in calls if not call["ok"])),
        "lost": sum(not seen.shown[question] for question in questions),
        "doubled": sum(len(seen.shown[question]) > 1 for question in questions),
        "changed": sum("".join(seen.shown[question]).strip() not in ("", right[question]) for question in questions),
        "asked_twice": sum(seen.stamps[question]["times"] > 1 for question in questions if question in seen.stamps),
        "seconds": round(seen.seconds, 1),
        "cpu_of_an_answer": round(seen.cpu * 1000 / len(questions), 1),
    }


def _per_answer(calls: Sequence[Entry], questions: int) -> dict[str, float]:
    counts = Counter(str(call["name"]) for call in calls)
    return {method: round(count / questions, 2) for method, count in sorted(counts.items())}


def _spread(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    if not known:
        return {"n": 0}
    p50, p99 = (round(percentile(known, share), 1) for share in (0.5, 0.99))
    return {"n": len(known), "p50": p50, "p99": p99, "most": round(max(known), 1), "all": [round(v, 1) for v in known]}
