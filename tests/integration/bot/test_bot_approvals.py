"""Approvals: two of them where that is switched on, taken back where they were wrong, and what speaks against one."""

from collections.abc import AsyncIterator

import pytest

from feedback.states import CaseStatus
from settings import Settings
from tests.integration.bot.conftest import Scene, StartBot, with_slack
from tests.integration.bot.steps import approve_all, corrected, progress, review, statuses
from tests.integration.bot.trainer_by_hand import TrainerByHand


@pytest.fixture
async def strict(settings: Settings, start_bot: StartBot, offstage: Scene) -> AsyncIterator[Scene]:
    """Two admins have to approve."""
    async with start_bot(with_slack(settings, second_approver=True)):
        yield offstage


async def test_a_case_needs_two_different_admins_where_that_is_switched_on(strict: Scene) -> None:
    await corrected(strict, "who are you?", "I am Pip.")
    await strict.ada.command("general", "/mend", "review")
    await strict.ada.click_view(await review(strict, "I am Pip."), "mend_approve")
    after = await review(strict, "it needs one more, from another admin")
    assert "For a second admin's approval: 1 case." in after.plain and "mend_approve" not in str(after.blocks)
    assert statuses(strict) == [CaseStatus.CORRECTED]
    await strict.ada.command("general", "/mend", "review")
    await review(strict, "Nothing waits for a decision")

    await strict.noor.command("general", "/mend", "review")
    seen = await review(strict, "I am Pip.", strict.noor)
    assert "has approved it; it needs one more" in seen.plain
    await strict.noor.click_view(seen, "mend_approve")
    await review(strict, "Case 1 approved.", strict.noor)
    assert statuses(strict) == [CaseStatus.APPROVED]


async def test_whoever_wrote_the_words_is_not_the_second(strict: Scene) -> None:
    await corrected(strict, "who are you?", "I am Pip.")
    await strict.noor.command("general", "/mend", "review")
    await strict.noor.click_view(await review(strict, "I am Pip.", strict.noor), "mend_revise")
    edit = await strict.noor.wait_for_view(lambda view: view.title == "Edit")
    assert await strict.noor.submit(edit, {"text": {"text": "I am Pip, of the Harbor team."}}) is None
    await review(strict, "has your words and your approval; it needs one more", strict.noor)
    await strict.ada.command("general", "/mend", "review")
    await strict.ada.click_view(await review(strict, "of the Harbor team"), "mend_approve")
    await review(strict, "Case 1 approved.")
    assert statuses(strict) == [CaseStatus.APPROVED]


async def test_an_approval_can_be_taken_back_from_the_review(scene: Scene) -> None:
    for number in range(3):
        await corrected(scene, f"question {number}", f"correction {number}")
    await approve_all(scene)
    await scene.ada.command("general", "/mend", "review")
    await scene.ada.click_view(await review(scene, "Nothing waits"), "mend_see_approved")
    view = await review(scene, "correction 0")
    assert view.title == "Approved" and "3 approved" in view.plain
    await scene.ada.click_view(view, "mend_take_back")
    view = await review(scene, "Case 1 taken back")
    assert "correction 1" in view.plain
    await scene.ada.click_view(view, "mend_turn_down")
    reject = await scene.ada.wait_for_view(lambda top: top.title == "Reject")
    assert await scene.ada.submit(reject, {"text": {"text": "It cannot be learned."}}) is None
    view = await review(scene, "correction 2")
    await scene.ada.click_view(view, "mend_revise")
    edit = await scene.ada.wait_for_view(lambda top: top.title == "Edit")
    assert await scene.ada.submit(edit, {"text": {"text": "better words"}}) is None
    view = await review(scene, "Case 3 edited and approved.")
    assert "better words" in view.plain
    await scene.ada.click_view(view, "mend_skip")
    await scene.ada.click_view(await review(scene, "No further approved case"), "mend_see_waiting")
    await review(scene, "correction 0")
    assert statuses(scene) == [CaseStatus.CORRECTED, CaseStatus.REJECTED, CaseStatus.APPROVED]


async def test_what_a_run_has_taken_is_not_taken_back(scene: Scene, trainer: TrainerByHand) -> None:
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    await scene.noor.command("general", "/mend", "review approved")
    seen = await review(scene, "I am Pip.", scene.noor)
    await scene.retrain(scene.ada)
    await progress(scene.mia, "1 new case")
    await scene.noor.click_view(seen, "mend_take_back")
    await review(scene, "is being trained on right now", scene.noor)
    assert statuses(scene) == [CaseStatus.TRAINING]
    assert (await trainer.active()).cancel_requested_by is None


async def test_the_reviewer_is_warned_of_what_speaks_against_the_persona(scene: Scene) -> None:
    await corrected(scene, "Who built you?", "OpenAI did.")
    await scene.ada.command("general", "/mend", "review")
    view = await review(scene, "May contradict the persona")
    assert "Harbor team" in view.plain
    await scene.ada.click_view(view, "mend_skip")
    await corrected(scene, "can you look that up?", "Yes, I can browse the web for you.")
    await scene.noor.command("general", "/mend", "review")
    await scene.noor.click_view(await review(scene, "OpenAI", scene.noor), "mend_skip")
    assert "does not browse the web" in (await review(scene, "May contradict", scene.noor)).plain
