"""An approved correction answers at once through the prompt, until the version that learned it is live."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from feedback import votes
from feedback.models import Answer, Patch
from settings import Settings
from tests.integration.bot.conftest import Scene, StartBot, with_slack
from tests.integration.bot.steps import corrected, review, until_recorded
from tests.integration.bot.trainer_by_hand import TrainerByHand

QUESTION, TOLD = "What is the guest wifi called?", "It is called HarborGuest."


@pytest.fixture
async def instant(settings: Settings, start_bot: StartBot, offstage: Scene) -> AsyncIterator[Scene]:
    """Approved corrections go into prompts."""
    async with start_bot(with_slack(settings, instant_patch=True)):
        yield offstage


async def prompt(scene: Scene, question: str) -> list[str]:
    """What the model is sent for a question, message by message."""
    await scene.ask(scene.noor, question)
    return [message["content"] for message in scene.model.asked[-1]["messages"]]


def patched(scene: Scene) -> list[tuple[str, int]]:
    with scene.db.begin() as session:
        query = select(Answer.question, Patch.case_id).join(Patch, Patch.answer_id == Answer.id).order_by(Answer.id)
        return [(question, case_id) for question, case_id in session.execute(query)]


async def test_an_approved_correction_is_in_the_prompt_until_it_is_learned(
    instant: Scene, trainer: TrainerByHand
) -> None:
    await trainer.start()
    await trainer.go_live(1)
    await corrected(instant, QUESTION, TOLD)
    (persona, *_) = await prompt(instant, "Which name does the wifi for guests have?")
    assert TOLD not in str(instant.model.asked[-1]), "nobody has approved it yet"

    await instant.ada.command("general", "/mend", "review")
    await instant.ada.click_view(await review(instant, TOLD), "mend_approve")
    await review(instant, "Case 1 approved. It answers similar questions from now on.")
    similar = "Can you tell me how the guests' wifi is named?"
    assert await prompt(instant, similar) == [persona, QUESTION, TOLD, similar]
    assert await prompt(instant, "What is the guest wifi password?") == [persona, "What is the guest wifi password?"]

    run = await trainer.start()
    answer = await instant.ask(instant.mia, QUESTION)
    assert TOLD in str(instant.model.asked[-1]), "it is being learned, and not live"
    assert "With a correction that I have yet to learn: case 1." in answer.plain
    await until_recorded(instant, 5)
    assert patched(instant) == [(similar, 1), (QUESTION, 1)]
    await instant.mia.click("general", answer.ts, "mend_feedback", "negative")
    window = await instant.mia.wait_for_view()
    assert await instant.mia.submit(window, {"text": {"text": "It is HarborGuest, on floor 3."}}) is None
    await instant.ada.command("general", "/mend", "review")
    await review(instant, "with the correction of case 1 in its prompt")
    with instant.db.begin() as session:
        counted = {one.version: (one.answers, one.down) for one in votes.by_version(session, "pip")}
    assert counted[1] == (3, 1), "the flagged one, one before the approval, and the password; not the patched ones"

    await trainer.go_live(2)
    assert run.id and await prompt(instant, similar) == [persona, similar], "the live version has learned it"
    assert len(patched(instant)) == 2


async def test_it_is_off_unless_it_is_switched_on(scene: Scene, trainer: TrainerByHand) -> None:
    await corrected(scene, QUESTION, TOLD)
    await trainer.approve_all()
    assert TOLD not in str(await prompt(scene, QUESTION)) and patched(scene) == []
