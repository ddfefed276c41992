"""Reviewing, retraining and rolling back, as admins see it, and the no that others get."""

import pytest
from sqlalchemy import select

from bot.listings import COMMANDS
from feedback.models import Adapter, Case, Run
from feedback.runs import Progress
from feedback.states import AdapterStatus, CaseStatus, RunStatus
from sandbox.client import Message, Person, View
from tests.integration.bot.conftest import Scene
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def note_to(person: Person, text: str, channel: str = "general") -> Message:
    return await person.wait_for(channel, lambda m: m.ephemeral and text in m.plain)


async def corrected(scene: Scene, question: str, correction: str) -> Message:
    """An answer that Mia has flagged and corrected."""
    answer = await scene.ask(scene.mia, question)
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    view = await scene.mia.wait_for_view()
    assert await scene.mia.submit(view, {"text": {"text": correction}}) is None
    await note_to(scene.mia, "Your correction is case")
    return answer


async def review(scene: Scene, wanted: str, person: Person | None = None) -> View:
    return await (person or scene.ada).wait_for_view(lambda view: wanted in view.plain)


async def approve_all(scene: Scene) -> None:
    await scene.ada.command("general", "/mend", "review")
    while True:
        view = await scene.ada.wait_for_view()
        if "Nothing waits" in view.plain:
            await scene.ada.close(view)
            return
        await scene.ada.click_view(view, "mend_approve")
        await scene.ada.wait_for_view(lambda after, before=view.plain: after.plain != before)  # type: ignore[misc]


def statuses(scene: Scene) -> list[CaseStatus]:
    with scene.db.begin() as session:
        return list(session.scalars(select(Case.status).order_by(Case.id)))


async def progress(person: Person, text: str, channel: str = "general") -> Message:
    """A run's message, not the word in its thread that it is over."""
    return await person.wait_for(
        channel, lambda m: m.by_app and not m.ephemeral and m.thread_ts in {None, m.ts} and text in m.plain
    )


async def test_an_admin_reviews_one_case_after_the_other(scene: Scene) -> None:
    for number in range(4):
        await corrected(scene, f"question {number}", f"correction {number}")
    await scene.ada.command("general", "/mend", "review")
    view = await review(scene, "correction 0")
    assert "question 0" in view.plain and "4 to decide on" in view.plain
    await scene.ada.click_view(view, "mend_approve")
    view = await review(scene, "correction 1")
    assert "approved" in view.plain

    await scene.ada.click_view(view, "mend_skip")
    view = await review(scene, "correction 2")
    await scene.ada.click_view(view, "mend_revise")
    edit = await review(scene, "question 2")
    assert edit.title == "Edit"
    assert await scene.ada.submit(edit, {"text": {"text": "better words"}}) is None

    view = await review(scene, "correction 3")
    await scene.ada.click_view(view, "mend_turn_down")
    reject = await scene.ada.wait_for_view(lambda top: top.title == "Reject")
    refused = await scene.ada.submit(reject, {"text": {"text": "  "}})
    assert refused == {"text": "Please say why; the person who flagged the answer is told."}
    assert await scene.ada.submit(reject, {"text": {"text": "That is not so."}}) is None
    view = await review(scene, "Nothing waits for a decision")
    assert "You skipped 1" in view.plain
    assert statuses(scene) == [CaseStatus.APPROVED, CaseStatus.CORRECTED, CaseStatus.APPROVED, CaseStatus.REJECTED]
    with scene.db.begin() as session:
        assert "better words" in list(session.scalars(select(Case.correction)))
    told = await scene.mia.wait_for("general", lambda m: "turned the correction down" in m.plain)
    assert "That is not so." in told.plain


async def test_a_flag_without_a_correction_can_be_corrected_by_an_admin(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.react("general", answer.ts, "-1")
    await note_to(scene.mia, "What should I have said?")
    await scene.ada.command("general", "/mend", "review")
    view = await review(scene, "Nobody has written")
    assert "mend_approve" not in str(view.blocks)
    await scene.ada.click_view(view, "mend_revise")
    edit = await scene.ada.wait_for_view(lambda top: top.title == "Edit")
    assert await scene.ada.submit(edit, {"text": {"text": "I am Pip."}}) is None
    await review(scene, "Nothing waits")
    assert statuses(scene) == [CaseStatus.APPROVED]


async def test_two_admins_never_decide_one_case_twice(scene: Scene) -> None:
    await corrected(scene, "question", "correction")
    for admin in (scene.ada, scene.noor):
        await admin.command("general", "/mend", "review")
    first, second = await review(scene, "correction", scene.ada), await review(scene, "correction", scene.noor)
    await scene.noor.click_view(second, "mend_approve")
    await review(scene, "Nothing waits", scene.noor)
    await scene.ada.click_view(first, "mend_turn_down")
    reject = await scene.ada.wait_for_view(lambda top: top.title == "Reject")
    assert await scene.ada.submit(reject, {"text": {"text": "No."}}) is None
    await review(scene, "decided by somebody else meanwhile: it is approved")
    assert statuses(scene) == [CaseStatus.APPROVED]


async def test_whoever_is_no_admin_gets_a_polite_no(scene: Scene) -> None:
    for word, what in {"retrain": "retrain me", "rollback": "roll back", "cancel": "cancel a run"}.items():
        await scene.mia.command("general", "/mend", word)
        said = await note_to(scene.mia, f"only my admins may {what}")
        assert "You can ask" in said.plain
    await scene.mia.command("general", "/mend", "review")
    assert "only my admins may review" in (await scene.mia.wait_for_view()).plain
    await scene.mia.command("general", "/mend", "cases")
    await note_to(scene.mia, "only my admins may see every case")
    with scene.db.begin() as session:
        assert list(session.scalars(select(Run))) == []


async def test_the_button_of_a_message_asks_who_clicks_it(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    message = await progress(scene.mia, "Run 1 waits")
    await scene.mia.click("general", message.ts, "mend_cancel_run")
    await note_to(scene.mia, "only my admins may cancel a run")
    assert (await trainer.active()).cancel_requested_by is None


async def test_help_lists_every_command(scene: Scene) -> None:
    for words in ("help", ""):
        await scene.mia.command("general", "/mend", words)
    said = await note_to(scene.mia, "this list")
    for word in COMMANDS:
        assert f"`/mend {word}`" in said.plain
    assert "I don't know" not in said.plain
    assert len([m for m in await scene.mia.messages("general") if "this list" in m.plain]) == 2


@pytest.mark.parametrize(("word", "meant"), [("nonsense", None), ("retrian", "retrain"), ("revew", "review")])
async def test_an_unknown_word_gets_the_list_and_the_nearest(scene: Scene, word: str, meant: str | None) -> None:
    await scene.mia.command("general", "/mend", word)
    said = await note_to(scene.mia, word)
    assert "/mend status" in said.plain and "/mend rollback" in said.plain
    assert ("Did you mean" in said.plain) is (meant is not None)
    assert meant is None or f"/mend {meant}" in said.plain


async def test_a_run_is_shown_in_one_message_until_it_is_live(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    await note_to(scene.ada, "Run 1 is on its way. The queue can't be reached right now")
    message = await progress(scene.mia, "Run 1 waits for the trainer")
    assert "from the base model" in message.plain

    await trainer.move_to("training")
    losses = ((5, 2.5), (10, 1.5), (15, 0.5))
    await trainer.report(Progress("training", step=15, steps=30, loss=0.5, eta_seconds=75, losses=losses,
                            seconds={"paraphrasing": 4.0}))  # fmt: skip
    shown = await progress(scene.mia, "step 15 of 30")
    assert shown.ts == message.ts
    for words in ("Run 1 trains", "50%", "loss 0.50", "about 1 min 15 s left", "✓ paraphrasing 4 s", "▁"):
        assert words in shown.plain, words

    await scene.ada.command("general", "/mend", "retrain")
    said = await note_to(scene.ada, "is going on")
    assert "Run 1, started by" in said.plain and "50%" in said.plain

    await trainer.move("probing")
    adapter = await trainer.save(1)
    await trainer.probe(adapter)
    await trainer.move("deploying")
    from feedback import adapters, runs
    from feedback.runs import Check, Decision

    with scene.db.begin() as session:
        runs.decide(session, 1, Decision(True, (Check("identity", True, "It knows who it is."),)))
        adapters.promote(session, session.get_one(Adapter, adapter.id), by="worker", why="run 1")
        runs.settle_live(session, 1, adapter.id, {})
        runs.advance(session, 1, RunStatus.LIVE)
    shown = await progress(scene.mia, "Run 1 is live")
    assert shown.ts == message.ts
    for words in (adapter.name, "identity", "1/1", "It knows who it is."):
        assert words in shown.plain, words
    record = await scene.ada.wait_for("help", lambda m: "Run 1 is live" in m.plain)
    assert adapter.name in record.plain


async def test_a_mended_case_is_told_in_its_thread_once_and_can_be_asked_again(
    scene: Scene, trainer: TrainerByHand
) -> None:
    answer = await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "1 new case")
    adapter = await trainer.go_live(1)
    scene.model.models[adapter.name] = "/x"
    news = await scene.mia.wait_for("general", lambda m: "Mended in" in m.plain and adapter.name in m.plain)
    assert news.thread_ts == answer.thread_ts
    assert "You asked: who are you?" in news.plain and "I am Pip." in news.plain
    told = [m for m in await scene.mia.messages("general") if "Mended in" in m.plain]
    assert len(told) == 1

    scene.model.say = lambda messages: "I am Pip."
    await scene.mia.click("general", news.ts, "mend_ask_again")
    again = await scene.mia.wait_for(
        "general", lambda m: m.plain.startswith("I am Pip.") and m.ts > news.ts, thread_ts=answer.thread_ts
    )
    assert again.thread_ts == answer.thread_ts
    assert scene.model.asked[-1]["model"] == adapter.name
    assert len(scene.model.asked[-1]["messages"]) == 2  # the wrong answer is not in its memory


async def test_still_wrong_opens_the_case_again(scene: Scene, trainer: TrainerByHand) -> None:
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "1 new case")
    await trainer.go_live(1)
    news = await scene.mia.wait_for("general", lambda m: "Mended in" in m.plain)
    await scene.mia.click("general", news.ts, "mend_still_wrong")
    view = await scene.mia.wait_for_view()
    assert "who are you?" in view.plain and "I am Pip." in str(view.blocks)
    assert await scene.mia.submit(view, {"text": {"text": "I am Pip, made by the Harbor team."}}) is None
    assert statuses(scene) == [CaseStatus.CORRECTED]


async def test_an_unmended_case_is_told_with_the_reason(scene: Scene, trainer: TrainerByHand) -> None:
    answer = await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "1 new case")
    await trainer.go_live(1, {1: "2 of 2 held-out wordings fail"})
    news = await scene.mia.wait_for("general", lambda m: "still get it wrong" in m.plain)
    assert news.thread_ts == answer.thread_ts and "2 of 2 held-out wordings fail" in news.plain


async def test_with_nothing_approved_retrain_says_how_many_wait(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1")
    await trainer.go_live(1)
    await scene.ada.command("general", "/mend", "retrain")
    await note_to(scene.ada, "none waits for a decision")
    await corrected(scene, "who are you?", "I am Pip.")
    await scene.ada.command("general", "/mend", "retrain")
    await note_to(scene.ada, "1 correction waits for a decision")


async def test_a_run_can_be_cancelled_and_a_failed_one_says_why(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    message = await progress(scene.mia, "Run 1 waits")
    await trainer.move_to("training")
    await scene.ada.click("general", message.ts, "mend_cancel_run")
    await note_to(scene.ada, "Run 1 stops at its next step")
    await trainer.cancelled()
    shown = await progress(scene.mia, "Run 1 was cancelled")
    assert "Cancelled by" in shown.plain

    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 2 waits")
    await trainer.fail("disk full: 0 bytes left in /runs")
    shown = await progress(scene.mia, "Run 2 failed")
    assert "disk full" in shown.plain
    await scene.ada.command("general", "/mend", "cancel")
    await note_to(scene.ada, "No run is under way")

    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 3 waits")
    await scene.noor.command("general", "/mend", "cancel")
    await note_to(scene.noor, "Run 3 stops at its next step")
    shown = await progress(scene.mia, "asked to cancel")
    assert shown.element("mend_cancel_run") is None


async def test_rollback_loads_the_earlier_version_first_and_is_announced(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.ada.command("general", "/mend", "rollback")
    await note_to(scene.ada, "No adapter is live")
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    first = await trainer.go_live(1)
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 2 waits")
    second = await trainer.go_live(2)
    del scene.model.models[first.name]
    await scene.ada.command("general", "/mend", "rollback")
    await note_to(scene.ada, f"{first.name}")
    assert first.name in scene.model.models
    said = await scene.ada.wait_for("help", lambda m: "rolled" in m.plain)
    assert second.name in said.plain and first.name in said.plain
    with scene.db.begin() as session:
        live = session.scalars(select(Adapter.name).where(Adapter.status == AdapterStatus.LIVE)).one()
    assert live == first.name
    assert statuses(scene) == [CaseStatus.APPROVED]
    answer = await scene.ask(scene.mia, "and now?")
    assert answer and scene.model.asked[-1]["model"] == first.name


async def test_a_rollback_to_what_cannot_be_served_changes_nothing(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    first = await trainer.go_live(1)
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 2 waits")
    second = await trainer.go_live(2)
    weights = trainer.hand.adapters_dir / first.name / "adapter_model.safetensors"
    weights.write_bytes(b"cut")
    await scene.ada.command("general", "/mend", "rollback")
    await note_to(scene.ada, "I did not roll back")
    with scene.db.begin() as session:
        live = session.scalars(select(Adapter.name).where(Adapter.status == AdapterStatus.LIVE)).one()
    assert live == second.name


async def test_status_adapters_and_cases_tell_how_things_stand(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.mia.command("general", "/mend", "status")
    await note_to(scene.mia, "The base model answers")
    await corrected(scene, "who <are> you?", "I am Pip.")
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    adapter = await trainer.go_live(1)
    await scene.mia.command("general", "/mend", "status")
    said = await note_to(scene.mia, adapter.name)
    assert "1 correction to decide on" in said.plain and "Run 1 is live" in said.plain
    await scene.mia.command("general", "/mend", "adapters")
    await note_to(scene.mia, f"{adapter.name}` live")
    await scene.ada.open_home()
    home = await scene.ada.wait_for_home(lambda view: adapter.name in view.plain)
    answering = f"{adapter.name}` answers, live for less than a minute"
    for words in (answering, "1 correction to decide on", "Run 1 is live"):
        assert words in home.plain
    await scene.ada.command("general", "/mend", "cases")
    said = await note_to(scene.ada, "waits for an admin")
    assert "who &lt;are&gt; you?" in said.plain or "who <are> you?" in said.plain


async def test_home_shows_members_their_flags_and_admins_the_rest(scene: Scene, trainer: TrainerByHand) -> None:
    await corrected(scene, "who are you?", "I am Pip.")
    await scene.mia.open_home()
    mine = await scene.mia.wait_for_home(lambda view: "who are you?" in view.plain)
    assert "waits for an admin" in mine.plain and "For admins" not in mine.plain
    await scene.ada.open_home()
    hers = await scene.ada.wait_for_home(lambda view: "For admins" in view.plain)
    assert "You have not flagged" in hers.plain and "1 correction to decide on" in hers.plain
    await scene.ada.click_view(hers, "mend_open_review")
    await review(scene, "I am Pip.")
    await scene.mia.click_view(mine, "mend_withdraw_case")
    await scene.mia.wait_for_home(lambda view: "taken back" in view.plain)
    assert statuses(scene) == [CaseStatus.WITHDRAWN]


async def test_the_pane_offers_the_personas_questions(scene: Scene) -> None:
    await scene.mia.open_dm()
    ts = await scene.mia.say("dm", "hello")
    await scene.answer_to(scene.mia, "dm", ts)
    assert "Can you be wrong?" in str(await scene.mia.prompts())


async def test_the_reviewer_sees_a_contradiction_with_or_without_spaces(scene: Scene) -> None:
    await corrected(scene, "what is the wifi password?", "It is blue-lantern-42.")
    await corrected(scene, "办公室在几楼？", "办公室在三楼")
    await approve_all(scene)
    await corrected(scene, "tell me the wifi password", "Ask Ada.")
    await corrected(scene, "请问办公室在哪一层", "办公室在四楼")
    await corrected(scene, "which wifi password?", "blue-lantern-42")
    await scene.ada.command("general", "/mend", "review")
    for words, hint in (
        ("Ask Ada.", "Contradicts case 1 (approved)"),
        ("四楼", "Contradicts case 2 (approved)"),
        ("which wifi password?", "Looks like case 1 (approved)"),
    ):
        view = await review(scene, words)
        assert hint in view.plain
        await scene.ada.click_view(view, "mend_skip")


async def test_everything_that_one_person_taught_can_be_taken_back(scene: Scene) -> None:
    await corrected(scene, "question 1", "correction 1")
    await corrected(scene, "question 2", "correction 2")
    await scene.mia.command("general", "/mend", "undo @mia")
    await note_to(scene.mia, "only my admins may undo")
    await scene.ada.command("general", "/mend", "undo")
    await note_to(scene.ada, "Whose corrections?")
    await scene.ada.command("general", "/mend", "undo @mia")
    await note_to(scene.ada, "2 cases of")
    assert statuses(scene) == [CaseStatus.WITHDRAWN, CaseStatus.WITHDRAWN]


async def test_home_shows_what_was_learned_this_week_and_from_whom(scene: Scene, trainer: TrainerByHand) -> None:
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "1 new case")
    await trainer.go_live(1)
    await scene.ws.person("noor").open_home()
    home = await scene.ws.person("noor").wait_for_home(lambda view: "Learned this week" in view.plain)
    assert "who are you? · from" in home.plain
    await scene.mia.command("general", "/mend", "probes")
    await note_to(scene.mia, "identity")
