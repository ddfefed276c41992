"""Thumbs and corrections, as those who give them see them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, select

from bot import spot, voting
from feedback import answers
from feedback.cases import REASONS
from feedback.models import Answer, AnswerMessage, Event
from feedback.states import CaseStatus, VoteValue
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import (
    cases_of,
    filled,
    note_to,
    thumb_down,
    until_recorded,
    until_statuses,
    until_voted,
    votes,
)


async def test_a_thumbs_up_is_counted_and_confirmed_to_its_giver_alone(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.noor.click("general", answer.ts, "mend_feedback", "positive")
    note = await note_to(scene.noor, voting.GOOD)
    assert note.thread_ts == answer.thread_ts
    assert not [m for m in await scene.mia.messages("general") if m.ephemeral]
    assert list(votes(scene).values()) == [VoteValue.UP]
    assert cases_of(scene) == []


async def test_a_thumbs_down_opens_the_window_and_a_correction_waits_for_an_admin(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    view = await thumb_down(scene.mia, answer)
    assert "who are you?" in view.plain and "You asked: who are you?" in view.plain
    assert all(label in str(view.blocks) for label in REASONS.values())
    assert await scene.mia.submit(view, filled("I am Pip.", "identity")) is None
    await note_to(scene.mia, "Thank you!")
    assert len([m for m in await scene.mia.messages("general") if m.ephemeral]) == 1  # nothing asks for it any more
    (case,) = cases_of(scene)
    assert (case.status, case.correction, case.reason) == (CaseStatus.CORRECTED, "I am Pip.", "identity")
    assert case.bad_answer == "You asked: who are you?"
    assert case.flagged_by == case.corrected_by


async def test_a_wrong_entry_is_shown_at_its_field(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    view = await thumb_down(scene.mia, answer)
    for entry, error in {
        " ... ": "Please write what I should have said",
        "x" * 3000: "3000 characters; I can learn at most 2000. Please shorten it.",
        "you ASKED: who are you?": "That is what I said already",
    }.items():
        errors = await scene.mia.submit(view, filled(entry))
        assert errors is not None and error in errors["text"]
    assert await scene.mia.submit(view, filled("I am Pip.")) is None


async def test_a_window_that_is_closed_unsent_leaves_the_flag_and_a_button_for_later(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.close(await thumb_down(scene.mia, answer))
    note = await note_to(scene.mia, voting.BAD)
    assert note.thread_ts == answer.thread_ts
    await until_statuses(scene, CaseStatus.FLAGGED)
    await scene.mia.click("general", note.ts, "mend_correct")
    await scene.mia.close(await scene.mia.wait_for_view())  # changed one's mind: the note is still there
    await scene.mia.click("general", note.ts, "mend_withdraw_vote")
    await note_to(scene.mia, voting.TAKEN_BACK)
    assert [(m.ts, m.plain) for m in await scene.mia.messages("general") if m.ephemeral] == [
        (note.ts, voting.TAKEN_BACK)
    ]


@pytest.mark.parametrize("reaction", ["-1", "thumbsdown", "-1::skin-tone-3"])
async def test_a_reaction_is_a_vote_and_a_private_button_opens_the_window(scene: Scene, reaction: str) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.react("general", answer.ts, reaction)
    note = await note_to(scene.mia, voting.BAD)
    assert list(votes(scene).values()) == [VoteValue.DOWN]
    await scene.mia.click("general", note.ts, "mend_correct")
    view = await scene.mia.wait_for_view()
    assert "who are you?" in view.plain
    assert await scene.mia.submit(view, filled("I am Pip.")) is None
    thanks = await note_to(scene.mia, "Thank you!")
    assert (thanks.ts, thanks.thread_ts) == (note.ts, note.thread_ts)  # the note that asked says it now
    assert thanks.element("mend_correct") is None
    assert [case.status for case in cases_of(scene)] == [CaseStatus.CORRECTED]


async def test_a_vote_can_be_changed_and_taken_back(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.react("general", answer.ts, "thumbsup")
    await note_to(scene.mia, voting.GOOD)
    await scene.mia.react("general", answer.ts, "thumbsdown")
    await note_to(scene.mia, "Changed.")
    assert list(votes(scene).values()) == [VoteValue.DOWN]
    await scene.mia.unreact("general", answer.ts, "thumbsdown")
    await note_to(scene.mia, voting.TAKEN_BACK)
    assert votes(scene) == {}
    assert [case.status for case in cases_of(scene)] == [CaseStatus.WITHDRAWN]


async def test_the_private_note_can_take_the_vote_back(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.click("general", answer.ts, "mend_feedback", "positive")
    note = await note_to(scene.mia, voting.GOOD)
    await scene.mia.click("general", note.ts, "mend_withdraw_vote")
    await note_to(scene.mia, voting.TAKEN_BACK)
    assert votes(scene) == {}


async def test_a_note_that_was_dismissed_meanwhile_is_followed_by_a_new_one(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.react("general", answer.ts, "-1")
    note = await note_to(scene.mia, voting.BAD)
    await scene.mia.click("general", note.ts, "mend_correct")
    view = await scene.mia.wait_for_view()
    await scene.mia.delete("general", note.ts)
    assert await scene.mia.submit(view, filled("I am Pip.")) is None
    thanks = await note_to(scene.mia, "Thank you!")
    assert thanks.ts > note.ts and thanks.thread_ts == answer.thread_ts


async def test_where_native_buttons_are_refused_plain_ones_do_the_same(scene: Scene) -> None:
    await scene.ws.fault("refuse_feedback")
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.click("general", answer.ts, "mend_feedback_down")
    view = await scene.mia.wait_for_view()
    assert await scene.mia.submit(view, filled("I am Pip.")) is None
    await note_to(scene.mia, "Thank you!")


async def test_votes_on_what_is_no_answer_are_ignored(scene: Scene) -> None:
    ts = await scene.mia.say("general", f"{await scene.ws.mention()}")
    invitation = await scene.mia.wait_for("general", lambda m: m.by_app, thread_ts=ts)
    await scene.mia.react("general", invitation.ts, "-1")
    await scene.mia.react("general", ts, "-1")
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.react("general", answer.ts, "tada")
    await scene.mia.react("general", answer.ts, "+1")
    await note_to(scene.mia, voting.GOOD)
    assert list(votes(scene).values()) == [VoteValue.UP]
    assert cases_of(scene) == []


@pytest.mark.parametrize("name", ["gus", "xan"])
async def test_guests_and_outsiders_are_told_politely_that_nothing_is_kept(scene: Scene, name: str) -> None:
    person = scene.ws.person(name)
    channel = next(c["name"] for c in await person.channels() if c["kind"] == "channel")
    answer = await scene.ask(scene.mia, "who are you?", channel)
    await person.click(channel, answer.ts, "mend_feedback", "negative")
    await note_to(person, "I may only learn from members", channel)
    await person.react(channel, answer.ts, "-1")
    await asyncio.sleep(0.5)
    assert await person.views() == []
    assert votes(scene) == {} and cases_of(scene) == []


async def test_two_who_flag_one_answer_share_a_case(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    first = await thumb_down(scene.mia, answer)
    assert await scene.mia.submit(first, filled("I am Pip.")) is None
    second = await thumb_down(scene.noor, answer)
    assert "I am Pip." in str(second.blocks)  # what is written already is there to be bettered
    assert await scene.noor.submit(second, filled("I am Pip, made by the Harbor team.")) is None
    await note_to(scene.noor, "Thank you!")
    (case,) = cases_of(scene)
    assert case.correction == "I am Pip, made by the Harbor team."
    assert case.flagged_by != case.corrected_by
    assert len(votes(scene)) == 2


async def test_a_flagged_answer_is_left_out_of_its_threads_memory(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.react("general", answer.ts, "-1")
    await note_to(scene.mia, voting.BAD)
    asked = await scene.mia.say("general", f"{await scene.ws.mention()} once more", thread_ts=answer.thread_ts)
    await scene.mia.wait_for("general", lambda m: m.by_app and m.ts > asked and not m.ephemeral and not m.streaming)
    assert len(scene.model.asked[-1]["messages"]) == 2


async def test_a_redelivered_reaction_does_not_undo_what_came_after_it(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.ws.fault("duplicate", times=2)
    await scene.mia.react("general", answer.ts, "-1")
    await note_to(scene.mia, voting.BAD)
    await scene.mia.unreact("general", answer.ts, "-1")
    await note_to(scene.mia, voting.TAKEN_BACK)
    await asyncio.sleep(1)
    assert votes(scene) == {}
    with scene.db.begin() as session:
        said = list(session.scalars(select(Event.why).where(Event.subject == Answer.__tablename__)))
    assert said == ["vote", "vote withdrawn"]


async def test_a_member_may_send_so_many_corrections_a_day(one_a_day: Scene) -> None:
    scene = one_a_day
    first = await thumb_down(scene.mia, await scene.ask(scene.mia, "question 1"))
    assert await scene.mia.submit(first, filled("correction 1")) is None
    second = await thumb_down(scene.mia, await scene.ask(scene.mia, "question 2"))
    errors = await scene.mia.submit(second, filled("correction 2"))
    assert errors is not None and "at most 1 correction a day" in errors["text"]
    await until_statuses(scene, CaseStatus.CORRECTED, CaseStatus.FLAGGED)


async def test_an_answer_flagged_while_it_is_written_is_shown_whole_to_its_reviewer(scene: Scene) -> None:
    scene.model.pace, scene.model.say = 0.4, lambda messages: " ".join(f"w{n}" for n in range(30))
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} go")
    begun = await scene.mia.wait_for("general", lambda m: m.by_app and m.streaming, thread_ts=ts)
    await scene.noor.react("general", begun.ts, "-1")
    await note_to(scene.noor, voting.BAD)
    assert [case.bad_answer for case in cases_of(scene)] == [None]
    scene.model.pace = 0.0  # the rest at once
    await scene.answer_to(scene.mia, "general", ts)
    await until_recorded(scene)
    await scene.ada.command("general", "/mend", "review")
    await scene.ada.wait_for_view(lambda view: "What I said" in view.plain and "w29" in view.plain)


async def test_a_thumb_counts_though_the_record_learns_of_the_answer_at_that_very_moment(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    find, looked = answers.find, []

    def late(*where: Any) -> Answer | None:
        looked.append(where)
        return find(*where) if len(looked) > 1 else None

    monkeypatch.setattr(answers, "find", late)
    await scene.noor.react("general", answer.ts, "-1")
    await note_to(scene.noor, voting.BAD)
    assert list(votes(scene).values()) == [VoteValue.DOWN]


async def test_a_thumb_on_an_answer_that_is_not_known_any_more_gets_a_word(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    monkeypatch.setattr(spot, "FRESH", 0.0)  # or it is waited for, as one that is only just posted
    with scene.db.begin() as session:
        session.execute(delete(AnswerMessage))
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    first = await note_to(scene.mia, voting.NOT_AN_ANSWER)
    await scene.mia.click("general", answer.ts, "mend_feedback", "positive")
    await scene.mia.wait_for("general", lambda m: m.plain == first.plain and m.ts != first.ts)
    assert await scene.mia.views() == [] and votes(scene) == {}


async def test_when_slack_is_slow_there_is_still_a_way_in(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.ws.fault("method_error", method="views.open", error="expired_trigger_id", times=2)
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    note = await note_to(scene.mia, "That took me too long to open")
    assert note.element("mend_correct") is not None
    await scene.ada.command("general", "/mend", "review")
    await note_to(scene.ada, "Please try once more")


async def test_a_question_too_long_to_teach_is_said_in_the_window(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "please say " + "words and more " * 110)
    view = await thumb_down(scene.mia, answer)
    assert "I can learn from at most 1500" in view.plain and "Your thumbs-down counts" in view.plain
    assert "plain_text_input" not in str(view.blocks)
    await scene.mia.close(view)
    await until_voted(scene)
    assert list(votes(scene).values()) == [VoteValue.DOWN]


async def test_the_last_thumb_counts_even_when_it_is_heard_of_first(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.ws.fault("delay", method="views.open", ms=2000, times=1)  # the vote is stored when the window is open
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    await scene.mia.click("general", answer.ts, "mend_feedback", "positive")
    await note_to(scene.mia, voting.GOOD)
    await scene.mia.wait_for_view()
    await asyncio.sleep(0.3)  # what is not to be counted leaves no sign
    assert list(votes(scene).values()) == [VoteValue.UP] and cases_of(scene) == []
