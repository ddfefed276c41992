"""PostgreSQL away, processes that die, two processes at once: nothing is lost, and nothing comes twice."""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from bot import correcting, intake, voting
from bot.answering import AWAY, GIVEN_UP
from feedback.models import Answer, AnswerMessage, Case, Vote
from feedback.states import AnswerStatus, CaseStatus, VoteValue
from sandbox.client import Message
from settings import Settings
from tests.integration.bot.conftest import QUICK, Scene, StartBot, finished_answer, with_slack
from tests.integration.bot.cuttable import CuttableLine
from tests.integration.bot.steps import votes
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def note_to_mia(scene: Scene, text: str) -> Message:
    return await scene.mia.wait_for("general", lambda m: m.ephemeral and text in m.plain)


async def test_without_the_database_a_question_is_kept_and_answered_later(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        await scene.ask(scene.mia, "warm up")
        await line.cut()
        ts = await scene.mia.say("general", f"{await scene.ws.mention()} are you there?")
        await scene.mia.wait_for("general", lambda m: m.plain == intake.FORGETFUL, thread_ts=ts)
        await scene.mia.edit("general", ts, f"{await scene.ws.mention()} are you back?")
        await asyncio.sleep(1)
        await line.mend()
        await scene.mia.wait_for("general", lambda m: "are you back?" in m.plain and m.by_app, thread_ts=ts)
        said = [m.plain for m in await scene.mia.messages("general", ts) if m.by_app]
        assert said.count(intake.FORGETFUL) == 1 and len(said) == 2


async def test_a_kept_question_outlives_the_process(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        await line.cut()
        ts = await scene.mia.say("general", f"{await scene.ws.mention()} are you there?")
        await scene.mia.wait_for("general", lambda m: m.plain == intake.FORGETFUL, thread_ts=ts)
    await line.mend()
    async with start_bot(settings_over_line):
        await scene.answer_to(scene.mia, "general", ts)


async def test_without_the_database_votes_are_kept_and_counted_later(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        answer = await scene.ask(scene.mia, "who are you?")
        await asyncio.sleep(0.5)
        await line.cut()
        await scene.mia.react("general", answer.ts, "+1")
        await note_to_mia(scene, voting.KEPT)
        await scene.mia.react("general", answer.ts, "-1")  # the last vote counts
        await scene.mia.wait_for("general", lambda m: m.ephemeral and m.plain == voting.KEPT)
        await asyncio.sleep(1)
        await line.mend()
        await note_to_mia(scene, voting.BAD)
        with scene.db.begin() as session:
            assert list(session.scalars(select(Vote.value))) == [VoteValue.DOWN]
            assert list(session.scalars(select(Case.status))) == [CaseStatus.FLAGGED]


async def test_without_the_database_a_correction_stays_in_its_window(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        answer = await scene.ask(scene.mia, "who are you?")
        await asyncio.sleep(0.5)
        await line.cut()
        await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
        view = await scene.mia.wait_for_view()
        assert "You asked: who are you?" in view.plain  # from the message itself
        errors = await scene.mia.submit(view, {"text": {"text": "I am Pip."}})
        assert errors == {"text": correcting.FORGETFUL}
        await line.mend()
        assert await scene.mia.submit(view, {"text": {"text": "I am Pip."}}) is None
        await note_to_mia(scene, "Your correction is case")


async def test_without_the_database_a_command_says_so(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        await line.cut()
        await scene.ada.command("general", "/mend", "status")
        await scene.ada.wait_for("general", lambda m: m.ephemeral and "I can't reach my memory" in m.plain)
        await scene.ada.command("general", "/mend", "review")
        assert "I can't reach my memory" in (await scene.ada.wait_for_view()).plain


async def until_noted(scene: Scene, ts: str) -> None:
    """A message is shown a moment before the record knows of it."""
    async with asyncio.timeout(30):
        while True:
            with scene.db.begin() as session:
                if session.scalars(select(AnswerMessage).where(AnswerMessage.ts == ts)).first():
                    return
            await asyncio.sleep(0.02)


def long_ago(scene: Scene) -> None:
    """Everything was asked two hours before."""
    with scene.db.begin() as session:
        session.execute(update(Answer).values(created_at=Answer.created_at - timedelta(hours=2)))


async def test_after_too_long_without_the_model_the_asker_is_told(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    scene.model.away = True
    async with start_bot(settings):
        ts = await scene.mia.say("general", f"{await scene.ws.mention()} are you there?")
        await scene.mia.wait_for("general", lambda m: m.plain == AWAY, thread_ts=ts)
        await asyncio.to_thread(long_ago, scene)
        await scene.mia.wait_for("general", lambda m: m.plain == GIVEN_UP, thread_ts=ts)
        assert [m.plain for m in await scene.mia.messages("general", ts) if m.by_app] == [AWAY, GIVEN_UP]
        with scene.db.begin() as session:
            assert session.scalars(select(Answer.status)).one() is AnswerStatus.FAILED


async def test_an_answer_cut_off_by_a_shutdown_is_finished_in_place_by_the_next_process(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    scene.model.pace, scene.model.say = 0.05, lambda messages: " ".join(f"word{n}" for n in range(120))
    hasty = with_slack(settings, shutdown_grace=0.1)
    async with start_bot(hasty):
        ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
        half = await scene.mia.wait_for("general", lambda m: m.by_app and "word" in m.plain, thread_ts=ts)
        await until_noted(scene, half.ts)
    scene.model.pace = 0.0
    async with start_bot(settings):
        whole = await scene.answer_to(scene.mia, "general", ts)
        assert whole.ts == half.ts
        assert len(re.findall(r"word\d+", whole.plain)) == 120
        assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1


async def test_a_running_answer_is_let_to_its_end_at_a_shutdown(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    scene.model.pace, scene.model.say = 0.02, lambda messages: " ".join(f"word{n}" for n in range(60))
    async with start_bot(with_slack(settings, shutdown_grace=20)):
        ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
        await scene.mia.wait_for("general", lambda m: m.by_app, thread_ts=ts)
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert len(re.findall(r"word\d+", answer.plain)) == 60


async def test_a_thumb_that_is_being_counted_is_counted_before_a_shutdown_ends(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with AsyncExitStack() as process:
        await process.enter_async_context(start_bot(with_slack(settings, shutdown_grace=20)))
        answer = await scene.ask(scene.mia, "who are you?")
        with scene.db.begin() as session:
            await asyncio.to_thread(session.execute, text("LOCK TABLE votes IN ACCESS EXCLUSIVE MODE"))
            await scene.mia.react("general", answer.ts, "+1")
            async with asyncio.timeout(20):
                while not somebody_waits(scene):  # noqa: ASYNC110  (PostgreSQL tells nobody)
                    await asyncio.sleep(0.02)
            ending = asyncio.create_task(process.pop_all().aclose())
            await asyncio.wait({ending}, timeout=0.5)
        await ending
        assert list(votes(scene).values()) == [VoteValue.UP]
        (note,) = [m for m in await scene.mia.messages("general") if m.ephemeral]
        assert voting.GOOD in note.plain


def somebody_waits(scene: Scene) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'votes'::regclass")
    with scene.db.begin() as session:
        return bool(session.scalar(waiting))


async def test_two_processes_answer_once_and_tell_once(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    calm = replace(QUICK, lease=60.0)  # one that is held up must not lose its questions to the other
    async with start_bot(settings, calm), start_bot(settings, calm):
        await scene.ws.wait_until_connected(2)
        asked = [await scene.mia.say("general", f"{await scene.ws.mention()} number {n}") for n in range(6)]
        for ts in asked:
            answer = await scene.answer_to(scene.mia, "general", ts)
        assert len(scene.model.asked) == 6
        for ts in asked:
            assert len([m for m in await scene.mia.messages("general", ts) if finished_answer(m)]) == 1

        await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
        view = await scene.mia.wait_for_view()
        assert await scene.mia.submit(view, {"text": {"text": "Six."}}) is None
        await scene.ada.command("general", "/mend", "review")
        view = await scene.ada.wait_for_view()
        await scene.ada.click_view(view, "mend_approve")
        await scene.ada.wait_for_view(lambda after: "Nothing waits" in after.plain)
        await scene.retrain(scene.ada)
        await scene.mia.wait_for("general", lambda m: "1 new case" in m.plain)
        await trainer.go_live(1)
        await scene.mia.wait_for("general", lambda m: "Mended in" in m.plain)
        await scene.ada.wait_for("general", lambda m: "Run 1" in m.plain and m.thread_ts not in {None, m.ts})
        await asyncio.sleep(1.5)  # both have looked several times since
        assert len([m for m in await scene.mia.messages("general") if "Mended in" in m.plain]) == 1
        runs_told = [m for m in await scene.mia.messages("general") if "Run 1" in m.plain and not m.ephemeral]
        assert len(runs_told) == 2  # its message, and the word in its thread that it is over


async def test_a_thread_goes_on_without_a_mention_where_that_is_switched_on(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    open_threads = with_slack(settings, follow_up_channels=["*"])
    async with start_bot(open_threads):
        first = await scene.ask(scene.mia, "hello")
        other = await scene.mia.say("general", "talk between people")
        await scene.noor.say("general", "indeed", thread_ts=other)
        await scene.noor.say(
            "general", f"<@{await scene.ws.user_id('mia')}> what do you think?", thread_ts=first.thread_ts
        )
        asked = await scene.noor.say("general", "and then?", thread_ts=first.thread_ts)
        await scene.noor.wait_for("general", lambda m: finished_answer(m) and m.ts > asked, thread_ts=first.thread_ts)
        assert [request["messages"][-1]["content"] for request in scene.model.asked] == ["hello", "and then?"]


async def test_wrong_tokens_stop_the_start_with_words(settings: Settings, start_bot: StartBot, tmp_path: Path) -> None:
    from pydantic import SecretStr

    from bot.boot import BotSetupError

    for token, value, words in (
        ("bot_token", "xoxb-wrong", "invalid_auth"),
        ("bot_token", "", "MEND_SLACK__BOT_TOKEN"),
        ("app_token", "", "MEND_SLACK__APP_TOKEN"),
        ("app_token", "xapp-wrong", "MEND_SLACK__APP_TOKEN"),
    ):
        wrong = with_slack(settings, **{token: SecretStr(value)})
        with pytest.raises(BotSetupError, match=words):
            async with start_bot(wrong):
                pass
