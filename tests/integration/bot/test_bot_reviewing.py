"""An admin approves what was shown, all of it, and nothing else."""

from sqlalchemy import select

from feedback import cases
from feedback.models import Case
from feedback.states import CaseStatus
from sandbox.client import Message
from tests.integration.bot.conftest import Scene, finished_answer
from tests.integration.bot.steps import approve_all, corrected, note_to, progress, review, statuses
from tests.integration.bot.trainer_by_hand import TrainerByHand


def the_case(scene: Scene) -> Case:
    with scene.db.begin() as session:
        return cases.get(session, 1)


async def rewrite(scene: Scene, answer: Message, text: str) -> None:
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    view = await scene.mia.wait_for_view()
    assert await scene.mia.submit(view, {"text": {"text": text}}) is None


async def test_words_that_were_never_shown_are_not_approved(scene: Scene) -> None:
    answer = await corrected(scene, "who are you?", "I am Pip.")
    await scene.ada.command("general", "/mend", "review")
    shown = await review(scene, "I am Pip.")
    await rewrite(scene, answer, "I am somebody else.")
    await scene.ada.click_view(shown, "mend_approve")
    again = await review(scene, "I am somebody else.")
    assert "Case 1 was rewritten while you read it" in again.plain
    assert the_case(scene).status is CaseStatus.CORRECTED
    await scene.ada.click_view(again, "mend_approve")
    await review(scene, "Case 1 approved.")
    assert the_case(scene).status is CaseStatus.APPROVED


async def test_a_question_that_means_little_by_itself_is_shown_with_what_was_said_before_it(scene: Scene) -> None:
    first = await scene.ask(scene.mia, "when is lunch <today>?")
    asked = await scene.mia.say("general", f"{await scene.ws.mention()} and on Sundays?", thread_ts=first.thread_ts)
    answer = await scene.mia.wait_for(
        "general", lambda m: finished_answer(m) and m.ts > asked, thread_ts=first.thread_ts
    )
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    assert await scene.mia.submit(await scene.mia.wait_for_view(), {"text": {"text": "There is none."}}) is None
    await note_to(scene.mia, "Your correction is case")
    await scene.ada.command("general", "/mend", "review")
    view = await review(scene, "There is none.")
    assert "Before it" in view.plain and "when is lunch" in view.plain and "You asked: when is lunch" in view.plain
    assert view.plain.index("when is lunch") < view.plain.index("and on Sundays?")


async def test_what_cannot_be_taught_is_said_in_the_window(scene: Scene) -> None:
    await corrected(scene, "who are you?", "I am Pip.")
    with scene.db.begin() as session:
        cases.get(session, 1).correction = "x" * (cases.LONGEST_CORRECTION + 1)
    await scene.ada.command("general", "/mend", "review")
    await scene.ada.click_view(await review(scene, "xxx"), "mend_approve")
    view = await review(scene, "Case 1 is not approved")
    assert "Please shorten it." in view.plain and "xxx" in view.plain
    assert the_case(scene).status is CaseStatus.CORRECTED


async def test_an_unmended_case_can_be_approved_again(scene: Scene, trainer: TrainerByHand) -> None:
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "1 new case")
    await trainer.go_live(1, {1: "2 of 2 held-out wordings fail"})
    await scene.ada.command("general", "/mend", "retrain")
    await note_to(scene.ada, "1 correction waits for a decision (1 not mended by the training before)")
    await scene.ada.command("general", "/mend", "review")
    view = await review(scene, "2 of 2 held-out wordings fail")
    assert "1 to decide on" in view.plain
    await scene.ada.click_view(view, "mend_approve")
    await review(scene, "Case 1 approved.")
    assert the_case(scene).status is CaseStatus.APPROVED


async def test_other_ways_to_ask_are_kept_reviewed_and_shown_again(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?")
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    view = await scene.mia.wait_for_view()
    many = "\n".join(f"way {number}" for number in range(6))
    errors = await scene.mia.submit(view, {"text": {"text": "I am Pip."}, "wordings": {"wordings": many}})
    assert errors == {"wordings": "These are 6 lines; please keep the best 5."}
    written = "who is  this?\n\nwho is this?\nwhat are you called?\n"
    assert await scene.mia.submit(view, {"text": {"text": "I am Pip."}, "wordings": {"wordings": written}}) is None
    await scene.ada.command("general", "/mend", "review")
    shown = await review(scene, "I am Pip.")
    assert "*Other ways to ask this*\n> who is this?\n> what are you called?" in shown.plain
    await rewrite(scene, answer, "I am Pip.")  # the window has them already
    assert the_case(scene).wordings == ["who is this?", "what are you called?"]
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    view = await scene.mia.wait_for_view()
    assert await scene.mia.submit(view, {"text": {"text": "I am Pip."}, "wordings": {"wordings": ""}}) is None
    await scene.ada.click_view(shown, "mend_approve")
    assert "was rewritten while you read it" in (await review(scene, "rewritten")).plain
    assert the_case(scene).wordings is None


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
