"""Questions that their askers edit."""

import asyncio

from sqlalchemy import update

from bot.answering import AWAY
from bot.intake import EMPTY
from feedback.models import Answer
from feedback.rewording import EDITABLE
from feedback.states import AnswerStatus
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import (
    only_answer,
    until_recorded,
    words,
)


async def test_an_edited_question_is_answered_again_in_place(scene: Scene) -> None:
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} wat is a bot?")
    first = await scene.answer_to(scene.mia, "general", ts)
    await until_recorded(scene)
    await scene.mia.edit("general", ts, f"{await scene.ws.mention()} what is a boat?")
    second = await scene.mia.wait_for("general", lambda m: "what is a boat?" in m.plain and m.by_app, thread_ts=ts)
    assert second.ts == first.ts
    assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1


async def test_a_question_edited_while_it_is_answered_is_answered_as_it_reads_then(scene: Scene) -> None:
    scene.model.pace = 0.03
    scene.model.say = lambda messages: f"Asked {messages[-1]['content']} {words(300)}"
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} where is the kye?")
    half = await scene.mia.wait_for("general", lambda m: m.by_app and m.streaming, thread_ts=ts)
    await scene.mia.edit("general", ts, f"{await scene.ws.mention()} where is the key?")
    whole = await scene.answer_to(scene.mia, "general", ts)
    assert whole.ts == half.ts and "Asked where is the key?" in whole.plain and "kye" not in whole.plain
    assert whole.plain.count("end") == 1
    await until_recorded(scene)
    row = only_answer(scene)
    assert (row.question, row.status) == ("where is the key?", AnswerStatus.ANSWERED)
    assert str(row.text).startswith("Asked where is the key?")
    assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1


async def test_a_question_edited_while_the_model_is_away_is_answered_as_it_reads_then(scene: Scene) -> None:
    scene.model.away = True
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} where is the kye?")
    await scene.mia.wait_for("general", lambda m: m.plain == AWAY, thread_ts=ts)
    await scene.mia.edit("general", ts, f"{await scene.ws.mention()} where is the key?")
    for _ in range(600):
        if only_answer(scene).question == "where is the key?":
            break
        await asyncio.sleep(0.05)
    scene.model.away = False
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert "You asked: where is the key?" in answer.plain
    assert [request["messages"][-1]["content"] for request in scene.model.asked] == ["where is the key?"]


async def test_an_edit_can_make_a_message_a_question(scene: Scene) -> None:
    mention = await scene.ws.mention()
    await scene.ws.fault("duplicate", times=6)
    bare = await scene.mia.say("general", mention)
    await scene.mia.wait_for("general", lambda m: m.plain == EMPTY, thread_ts=bare)
    talk = await scene.mia.say("general", "where is the key?")
    for ts in (bare, talk):
        await scene.mia.edit("general", ts, f"{mention} where is the key?")
        assert "You asked: where is the key?" in (await scene.answer_to(scene.mia, "general", ts)).plain
        await scene.mia.edit("general", ts, f"{mention} where is the safe?")
        await scene.mia.wait_for("general", lambda m: "You asked: where is the safe?" in m.plain, thread_ts=ts)
    assert [len([m for m in await scene.mia.messages("general", ts) if m.by_app]) for ts in (bare, talk)] == [2, 1]
    assert len(scene.model.asked) == 4


async def test_an_edited_question_whose_answer_was_judged_stays(scene: Scene) -> None:
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} wat is a bot?")
    first = await scene.answer_to(scene.mia, "general", ts)
    await until_recorded(scene)
    await scene.noor.react("general", first.ts, "+1")
    await scene.noor.wait_for("general", lambda m: m.ephemeral)
    await scene.mia.edit("general", ts, f"{await scene.ws.mention()} what is a boat?")
    await scene.ask(scene.mia, "something else")
    assert "wat is a bot?" in (await scene.mia.message("general", first.ts)).plain


async def test_a_question_edited_after_more_than_a_minute_keeps_its_answer(scene: Scene) -> None:
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} wat is a bot?")
    first = await scene.answer_to(scene.mia, "general", ts)
    await until_recorded(scene)
    with scene.db.begin() as session:
        session.execute(update(Answer).values(created_at=Answer.created_at - EDITABLE))
    await scene.mia.edit("general", ts, f"{await scene.ws.mention()} what is a boat?")
    await scene.ask(scene.mia, "something else")
    assert "wat is a bot?" in (await scene.mia.message("general", first.ts)).plain
