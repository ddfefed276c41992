"""Slack in trouble for a moment: nothing is lost, nothing comes twice, and nobody reads that something went wrong."""

import asyncio
from itertools import pairwise

from sqlalchemy import select

from bot import voting
from bot.intake import EMPTY
from bot.modals import LONGEST_REASON
from bot.replies import LATE
from feedback.models import Answer, Case
from feedback.runs import Progress
from feedback.states import AnswerStatus, CaseStatus
from sandbox.client import Message
from tests.integration.bot.conftest import QUICK, Scene
from tests.integration.bot.steps import approved, news, only_case, until_statuses, words
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def said_in(scene: Scene, thread_ts: str | None) -> list[Message]:
    return [m for m in await scene.mia.messages("general", thread_ts) if m.by_app and not m.ephemeral]


async def test_a_proxys_503_costs_no_answer_and_no_confirmation(scene: Scene) -> None:
    scene.model.say = lambda messages: words(30)
    for method, content_type in (("chat.startStream", "text/plain"), ("chat.stopStream", "application/json")):
        await scene.ws.fault("unavailable", method=method, content_type=content_type, times=1)
        answer = await scene.ask(scene.mia, f"tell me in spite of {method}")
        (only,) = await said_in(scene, answer.thread_ts)
        assert only.plain.count("word") == 30 and only.plain.count("end") == 1 and not only.streaming
    await scene.ws.fault("unavailable", method="chat.postEphemeral", times=1)
    await scene.mia.click("general", answer.ts, "mend_feedback", "positive")
    await scene.mia.wait_for("dm", lambda m: m.by_app and voting.GOOD in m.plain)
    await scene.ws.fault("unavailable", method="chat.postMessage", content_type="text/html", times=1)
    bare = await scene.mia.say("general", await scene.ws.mention())
    await scene.mia.wait_for("general", lambda m: m.plain == EMPTY, thread_ts=bare)
    with scene.db.begin() as session:
        assert set(session.scalars(select(Answer.status))) == {AnswerStatus.ANSWERED}


async def test_a_long_rejection_reason_and_a_hiccup_do_not_keep_the_news_from_its_thread(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    assert await scene.mia.submit(await scene.mia.wait_for_view(), {"text": {"text": "I am Pip."}}) is None
    await scene.ada.command("general", "/mend", "review")
    window = await scene.ada.wait_for_view(lambda view: "to decide" in view.plain)
    await scene.ada.click_view(window, "mend_turn_down")
    rejection = await scene.ada.wait_for_view(lambda view: "Why not?" in str(view.blocks))
    too_long = await scene.ada.submit(rejection, {"text": {"text": "x" * (LONGEST_REASON + 1)}})
    assert too_long is not None and str(LONGEST_REASON) in too_long["text"]
    await scene.ws.fault("unavailable", method="chat.postMessage", times=2)
    reason = f"Not so: {'&' * (LONGEST_REASON - 20)}"
    assert await scene.ada.submit(rejection, {"text": {"text": reason}}) is None
    told = await news(scene, "turned the correction down", answer)
    assert "Not so: &amp;&amp;" in told.plain and told.plain.endswith("&amp;…")
    await scene.ada.command("general", "/mend", "cases")
    listed = await scene.ada.wait_for("general", lambda m: m.ephemeral and "turned down" in m.plain)
    assert len(listed.plain) < 1000


async def test_news_that_slack_cannot_draw_or_take_now_is_told_once(scene: Scene, trainer: TrainerByHand) -> None:
    answer = await approved(scene, trainer, "who are you?", "I am Pip.")
    await trainer.start()
    for error in ("internal_error", "odd_error", "invalid_blocks"):
        await scene.ws.fault("method_error", method="chat.postMessage", error=error, times=1)
    await trainer.go_live(1)
    told = await news(scene, "Mended in", answer)
    assert "Before" in told.plain and "Now I say: I am Pip." in told.plain  # the words, without the buttons
    assert only_case(scene).status is CaseStatus.MENDED
    await asyncio.sleep(1)
    assert len([m for m in await said_in(scene, answer.thread_ts) if "Mended in" in m.plain]) == 1
    with scene.db.begin() as session:
        assert list(session.scalars(select(Case.announce))) == [False]


async def test_a_runs_message_is_edited_within_limits_and_its_end_rings_a_bell(
    scene: Scene, trainer: TrainerByHand
) -> None:
    await scene.retrain(scene.ada)
    shown = await scene.mia.wait_for("general", lambda m: m.by_app and "Run 1 waits" in m.plain)
    await trainer.move_to("training")
    for step in range(30):
        await trainer.report(Progress("training", step=step, steps=30))
        await asyncio.sleep(QUICK.announce / 8)
    await scene.mia.wait_for("general", lambda m: m.ts == shown.ts and "step 29 of 30" in m.plain)
    await asyncio.sleep(1)  # nothing changes, so nothing is edited
    edits = [entry for entry in await scene.ws.traffic(kind="api") if entry["name"] == "chat.update"]
    times = [entry["at"] for entry in edits]
    assert len(times) >= 2 and all(later - earlier >= QUICK.announce for earlier, later in pairwise(times))
    await scene.ws.fault("method_error", method="chat.update", error="internal_error", times=2)
    await trainer.fail("The disk is full.")
    done = await scene.mia.wait_for("general", lambda m: m.ts == shown.ts and "Run 1 failed" in m.plain)
    assert "The disk is full." in done.plain
    bell = await scene.ada.wait_for(
        "general", lambda m: m.ts != shown.ts and "Run 1 failed" in m.plain, thread_ts=shown.ts
    )
    assert f"<@{await scene.ws.user_id('ada')}>" in bell.text


async def test_a_window_that_comes_too_late_or_is_closed_is_no_fault_of_the_admin(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    assert await scene.mia.submit(await scene.mia.wait_for_view(), {"text": {"text": "I am Pip."}}) is None
    await scene.ws.fault("method_error", method="views.open", error="expired_trigger_id", times=1)
    await scene.ada.command("general", "/mend", "review")
    await scene.ada.wait_for("general", lambda m: m.ephemeral and m.plain == LATE.text)
    await scene.ada.command("general", "/mend", "review")
    window = await scene.ada.wait_for_view()
    await scene.ws.fault("delay", method="views.update", ms=400, times=1)
    await scene.ada.click_view(window, "mend_approve")
    await scene.ada.close(window)
    await until_statuses(scene, CaseStatus.APPROVED)
    await scene.ada.command("general", "/mend", "status")
    await scene.ada.wait_for("general", lambda m: m.ephemeral and "1 approved and not trained on yet" in m.plain)
    for _ in range(100):
        if "views.update" in await scene.ws.counts():
            break
        await asyncio.sleep(0.05)
    await scene.ada.command("general", "/mend", "help")  # a word of a mishap would be there before this one
    await scene.ada.wait_for("general", lambda m: m.ephemeral and "this list" in m.plain)
    assert not [m for m in await scene.ada.messages("dm") if m.by_app]
