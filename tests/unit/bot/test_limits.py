"""Slack's limits, fair turns, what fits the window, and what is kept in files."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.correcting import LOOK, SAVE
from bot.fair_queue import FairQueue
from bot.limits import Budget, Pace, Spacing
from bot.memory import QuestionTooLong, Turn, fit
from bot.unsaved import Entry, Unsaved, save_all
from feedback.models import Json


@given(st.lists(st.floats(0, 30, allow_nan=False), max_size=200))
def test_no_minute_sees_more_streams_than_the_budget(gaps: list[float]) -> None:
    now, taken = 0.0, []
    budget = Budget(20, clock=lambda: now)
    for gap in gaps:
        now += gap
        if budget.take():
            taken.append(now)
    assert all(len([at for at in taken if start <= at and at - start < 60]) <= 20 for start in taken)
    assert bool(taken) is bool(gaps)


def test_a_burst_gets_twenty_and_the_next_when_a_minute_is_over() -> None:
    now = 0.0
    budget = Budget(20, clock=lambda: now)
    assert sum(budget.take() for _ in range(30)) == 20
    now = 59.9
    assert not budget.take()
    now = 60.0
    assert budget.take()


def test_the_more_answers_are_live_the_slower_each_goes() -> None:
    pace = Pace()
    assert (pace.append_interval, pace.edit_interval) == (0.7, 1.5)
    pace.live = 30
    assert 30 * 60 / pace.append_interval <= 100 and 30 * 60 / pace.edit_interval <= 50


def test_posts_to_one_channel_take_turns() -> None:
    now = 0.0
    spacing = Spacing(1.0, clock=lambda: now)
    assert [spacing.reserve("C1") for _ in range(3)] == [0.0, 1.0, 2.0]
    assert spacing.reserve("C2") == 0.0
    now = 10.0
    assert spacing.reserve("C1") == 0.0


async def test_turns_go_round_between_people() -> None:
    queue, served = FairQueue(1), []

    async def ask(asker: str, number: int) -> None:
        async with queue.turn(asker):
            served.append(f"{asker}{number}")
            await asyncio.sleep(0)

    await asyncio.gather(*(ask("mia", n) for n in range(4)), *(ask("ada", n) for n in range(2)))
    assert served == ["mia0", "mia1", "ada0", "mia2", "ada1", "mia3"]
    assert queue.free == 1 and queue.waiting == 0


async def test_whoever_leaves_the_line_keeps_no_place() -> None:
    queue = FairQueue(1)
    entered = asyncio.Event()

    async def hold() -> None:
        async with queue.turn("mia"):
            entered.set()
            await asyncio.sleep(60)

    first, second = asyncio.create_task(hold()), asyncio.create_task(hold())
    await entered.wait()
    await asyncio.sleep(0)
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    async with asyncio.timeout(1), queue.turn("ada"):
        assert queue.free == 0
    assert queue.free == 1


async def count_words(messages: list[Json]) -> int:
    return sum(len(str(message["content"]).split()) for message in messages)


@given(st.lists(st.integers(1, 60), max_size=12), st.integers(1, 30), st.integers(40, 200))
def test_the_newest_turns_that_fit_are_sent_and_the_prompt_always(
    lengths: list[int], question: int, budget: int
) -> None:
    turns = [Turn("w " * length, f"answer{number}") for number, length in enumerate(lengths)]

    async def go() -> list[Json]:
        return await fit("be kind", turns, "q " * question, budget=budget, count_tokens=count_words)

    sent = asyncio.run(go())
    assert sent[0] == {"role": "system", "content": "be kind"} and sent[-1]["content"] == "q " * question
    kept = [message["content"] for message in sent if message["role"] == "assistant"]
    assert kept == [turn.answer for turn in turns][len(turns) - len(kept) :]
    assert asyncio.run(count_words(sent)) <= budget
    if len(kept) < len(turns):
        longer = [*kept, *turns[len(turns) - len(kept) - 1].question.split(), "answer"]
        assert asyncio.run(count_words(sent)) + len(longer) - len(kept) > budget


async def test_what_fits_for_certain_is_not_counted() -> None:
    async def never(messages: list[Json]) -> int:
        raise AssertionError("asked the server")

    assert len(await fit("p", [Turn("a", "b")], "q", budget=200, count_tokens=never)) == 4


async def test_a_question_that_alone_is_too_long() -> None:
    with pytest.raises(QuestionTooLong):
        await fit("p", [], "q " * 100, budget=50, count_tokens=count_words)


def test_what_is_kept_outlives_the_process_and_the_last_of_a_kind_counts(tmp_path: Path) -> None:
    kept = Unsaved(tmp_path / "unsaved")
    assert kept.entries() == []
    assert kept.keep("vote", "C1:1:UMIA", {"value": "up"})
    assert not kept.keep("vote", "C1:1:UMIA", {"value": "down"})
    kept.keep("question", "C1:2", {"text": "hi"})
    again = Unsaved(tmp_path / "unsaved")
    assert [(entry.kind, entry.data) for entry in again.entries()] == [
        ("vote", {"value": "down"}),
        ("question", {"text": "hi"}),
    ]
    vote, _ = again.entries()
    again.drop(vote)
    again.drop(vote)
    assert [entry.kind for entry in kept.entries()] == ["question"]


def test_what_was_kept_anew_since_it_was_read_is_not_dropped(tmp_path: Path) -> None:
    kept = Unsaved(tmp_path)
    kept.keep("vote", "C1:1:UMIA", {"delivery": "first"})
    (read,) = kept.entries()
    kept.keep("vote", "C1:1:UMIA", {"delivery": "second"})
    kept.drop(read)
    assert [entry.data for entry in kept.entries()] == [{"delivery": "second"}]


async def test_one_thing_that_cannot_be_saved_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    kept = Unsaved(tmp_path)
    for kind, key in (("vote", "bad"), ("unheard-of", "x"), ("vote", "later"), ("vote", "good")):
        kept.keep(kind, key, {})

    async def take(entry: Entry) -> bool:
        if entry.key == "bad":
            raise ValueError("a bug")
        return entry.key == "good"

    with pytest.raises(ExceptionGroup) as failed:
        await save_all(kept, {"vote": take})
    assert len(failed.value.exceptions) == 2
    assert [entry.key for entry in kept.entries()] == ["bad", "x", "later"]


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    kept = Unsaved(tmp_path)
    (tmp_path / "vote-x.json").write_text("{half")
    assert kept.entries() == [] and list(tmp_path.glob("*.broken"))


def test_what_a_window_waits_for_leaves_some_of_the_three_seconds_that_slack_gives() -> None:
    assert LOOK < SAVE < 3
