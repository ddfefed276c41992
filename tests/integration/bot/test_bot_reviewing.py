"""An admin approves what was shown, all of it, and nothing else."""

from feedback import cases
from feedback.models import Case
from feedback.states import CaseStatus
from sandbox.client import Message
from tests.integration.bot.conftest import Scene, finished_answer
from tests.integration.bot.test_bot_admin import approve_all, corrected, note_to, progress, review
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
