"""From the sandbox's log and the model's stamps to what an app has added. No process is started here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.bot import paced_model
from bench.bot.figures import LIMITS, figures, left_at, most_in_a_minute, percentile, ways
from bench.bot.load import Asked, Memory, Seen
from bench.bot.measure import all_loads
from bench.bot.report import breaches
from sandbox.client import Workspace

PERSON = Workspace("http://127.0.0.1:9").person("mia")


def event(at: float, text: str, ts: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "event", "name": "message", "at": at, "payload": {"event": {"text": text, "ts": ts, **fields}}}


def call(at: float, name: str, thread: str | None = None, *, ms: float = 0.0, ok: bool = True) -> dict[str, Any]:
    error = None if ok else "ratelimited"
    return {"kind": "api", "name": name, "at": at, "ms": ms, "ok": ok, "error": error, "args": {"thread_ts": thread}}


def stamp(received: float, *left: tuple[int, float], times: int = 1) -> paced_model.Stamp:
    return {"received": received, "left": [list(one) for one in left], "ended": received + 9, "times": times}


def test_what_is_added_is_what_lies_before_and_after_the_model() -> None:
    entries = [
        event(10.000, "<@U1> a", "1.0"),
        event(10.005, "<@U1> a", "1.0"),  # of a mention there are two; the first counts
        call(10.9, "assistant.threads.setStatus", "1.0"),
        call(12.130, "chat.startStream", "1.0", ms=10),  # is logged when it is over, and arrived before
        call(12.5, "chat.appendStream"),
    ]
    (way,) = ways(["a"], entries, {"a": stamp(10.030, (30, 11.9), (44, 12.1))}, first_text=40, slots=1)
    assert way.before == pytest.approx(30) and way.after == pytest.approx(20) and way.added == pytest.approx(50)


def test_each_question_gets_its_own_stamps_though_one_begins_like_the_other() -> None:
    entries = [
        event(1.0, "question 1", "1.0"),
        event(2.0, "<@U1> question 11", "2.0"),
        call(4.0, "chat.startStream", "2.0"),
        call(5.0, "chat.startStream", "1.0"),
    ]
    stamps = {"question 11": stamp(2.5, (40, 3.9)), "question 1": stamp(1.1, (40, 4.5))}
    one, eleven = ways(["question 1", "question 11"], entries, stamps, first_text=40, slots=9)
    assert (one.sent, one.shown, eleven.sent, eleven.shown) == (1.0, 5.0, 2.0, 4.0)


def test_who_waits_for_a_turn_is_told_apart_by_the_order_at_the_model() -> None:
    entries = [event(1.0, text, f"{n}.0") for n, text in enumerate("abc")]
    entries += [call(9.0, "chat.startStream", f"{n}.0") for n in range(3)]
    stamps = {"a": stamp(1.3, (40, 8.0)), "b": stamp(1.1, (40, 8.0)), "c": stamp(7.0, (40, 8.0))}
    found = ways(["a", "b", "c"], entries, stamps, first_text=40, slots=2)
    assert [(way.received, way.waited) for way in found] == [(1.1, False), (1.3, False), (7.0, True)]
    assert found[2].added is None and found[2].before == pytest.approx(6000)


def test_what_is_posted_whole_counts_before_the_model_only() -> None:
    entries = [event(1.0, "a", "1.0"), call(9.0, "chat.postMessage", "1.0")]
    (way,) = ways(["a"], entries, {"a": stamp(1.5, (40, 2.0))}, first_text=40, slots=1)
    assert not way.streamed and way.added is None and way.before == pytest.approx(500)


def test_a_call_that_slack_refused_has_shown_nothing() -> None:
    entries = [
        event(1.0, "a", "1.0"),
        call(2.0, "chat.startStream", "1.0", ok=False),
        call(3.0, "chat.startStream", "1.0"),
    ]
    (way,) = ways(["a"], entries, {"a": stamp(1.5, (40, 1.9))}, first_text=40, slots=1)
    assert way.shown == 3.0


def test_what_never_reached_the_model_has_no_way() -> None:
    assert ways(["a"], [event(1.0, "a", "1.0")], {}, first_text=40, slots=1) == []


def test_characters_leave_with_the_word_that_has_them() -> None:
    assert left_at(stamp(0.0, (39, 1.0), (45, 2.0), (50, 3.0)), 40) == 2.0
    assert left_at(stamp(0.0, (39, 1.0)), 40) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))


def test_a_minute_is_any_sixty_seconds() -> None:
    assert most_in_a_minute([0, 59, 61, 121]) == 2
    assert most_in_a_minute([0, 1, 59.9, 60]) == 3
    assert most_in_a_minute([]) == 0


def seen(*shown: str, entries: Sequence[Mapping[str, Any]] = ()) -> Seen:
    """Two words of the model to one question, and what was seen of it."""
    return Seen([Asked(PERSON, "dm", "a", "1.0")], list(entries), {"a": stamp(1.0)}, {"a": shown}, Memory(1, 3, 2))


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        ([paced_model.answer("a", 2)], {}),
        ([], {"lost": 1}),
        ([paced_model.answer("a", 1)], {"changed": 1}),
        ([paced_model.answer("a", 2)] * 2, {"doubled": 1, "changed": 1}),
    ],
)
def test_lost_doubled_and_changed_answers_are_counted(shown: list[str], wrong: dict[str, int]) -> None:
    counted = figures(seen(*shown), words=2, first_text=40, slots=1, command="/mend")
    names = ("lost", "doubled", "changed")
    assert {name: counted[name] for name in names} == {**dict.fromkeys(names, 0), **wrong}


def test_a_limit_that_is_not_kept_is_named_where_it_is_not_lifted() -> None:
    starts = [call(float(n), "chat.startStream", "9.0") for n in range(LIMITS["chat.startStream"] + 1)]
    acked = {"kind": "ack", "name": "/mend", "at": 1.0, "ms": 1500.0}
    counted = figures(
        seen(paced_model.answer("a", 2), entries=[*starts, acked]), words=2, first_text=40, slots=1, command="/mend"
    )
    talk, burst, _ = all_loads(0.05, 150)
    assert [what.partition(":")[0] for what in breaches(burst, counted)] == [
        "slowest ack 1500 ms, without any 0",
        "chat.startStream",
    ]
    assert len(breaches(talk, counted)) == 1
