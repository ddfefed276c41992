"""What the thread of a flagged answer is told later, mended or not."""

import asyncio

import pytest
from sqlalchemy import select

from feedback.models import Event
from feedback.states import CaseStatus
from tests.integration.bot.conftest import Scene, finished_answer
from tests.integration.bot.steps import approve_all, approved, corrected, news, only_case, progress, statuses
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def test_a_mended_answer_is_shown_as_it_was_and_as_it_is_now(scene: Scene, trainer: TrainerByHand) -> None:
    answer = await approved(scene, trainer, "who are you?", "I am Pip.")
    await trainer.start()
    adapter = await trainer.go_live(1)
    told = await news(scene, "Mended in", answer)
    assert adapter.name in told.plain and "<@U0MIA00001>" in told.plain
    assert "Before" in told.plain and "You asked: who are you?" in told.plain
    assert "Now I say: I am Pip." in told.plain  # what the adapter itself said to this question
    assert told.element("mend_ask_again") and told.element("mend_still_wrong")

    await scene.ws.fault("method_error", method="chat.postMessage", error="internal_error", times=1)
    await scene.mia.click("general", told.ts, "mend_ask_again")
    await scene.mia.wait_for("general", lambda m: m.ephemeral and "went wrong" in m.plain)
    for _ in range(3):  # whoever cannot wait
        await scene.mia.click("general", told.ts, "mend_ask_again")
    await scene.mia.wait_for("general", lambda m: finished_answer(m) and m.ts > told.ts, thread_ts=answer.thread_ts)
    thread = await scene.mia.messages("general", answer.thread_ts)
    assert len([m for m in thread if "asks again" in m.plain]) == 1


async def test_still_wrong_opens_the_case_again_and_keeps_its_history(scene: Scene, trainer: TrainerByHand) -> None:
    answer = await approved(scene, trainer, "who are you?", "I am Pip.")
    await trainer.start()
    await trainer.go_live(1)
    told = await news(scene, "Mended in", answer)
    await scene.noor.click("general", told.ts, "mend_still_wrong")
    view = await scene.noor.wait_for_view()
    assert "who are you?" in view.plain and "I am Pip." in str(view.blocks)
    assert await scene.noor.submit(view, {"text": {"text": "I am Pip, made by the Harbor team."}}) is None
    case = only_case(scene)
    assert (case.status, case.correction) == (CaseStatus.CORRECTED, "I am Pip, made by the Harbor team.")
    with scene.db.begin() as session:
        history = list(session.scalars(select(Event.after).where(Event.subject == "cases").order_by(Event.id)))
    assert history == ["flagged", "corrected", "approved", "training", "mended", "corrected"]


@pytest.mark.parametrize("how", ["fails", "is turned down"])
async def test_a_run_that_mends_nothing_is_told_with_its_true_reason_once(
    scene: Scene, trainer: TrainerByHand, how: str
) -> None:
    answer = await approved(scene, trainer, "who are you?", "I am Pip.")
    reasons = {"fails": "The disk is full.", "is turned down": "2 of 9 answers got worse."}
    for version in (1, 2):
        await trainer.start()
        if how == "fails":
            await trainer.fail(f"{reasons[how]}\nTraceback with /paths/of/ours")
        else:
            await trainer.turn_down(version, reasons[how])
        told = await news(scene, "This is not mended yet.", answer)
        await asyncio.sleep(1)  # a second word about the same would have come
    assert reasons[how] in told.plain and "the next training tries it again" in told.plain
    assert "/paths" not in told.plain and "my model" not in told.plain
    thread = await scene.mia.messages("general", answer.thread_ts)
    assert len([m for m in thread if "not mended yet" in m.plain]) == 1
    assert only_case(scene).status is CaseStatus.APPROVED
    await scene.mia.open_home()
    home = await scene.mia.wait_for_home(lambda view: "who are you?" in view.plain)
    assert reasons[how] in home.plain


async def test_a_cancelled_run_is_no_news_for_who_flagged(scene: Scene, trainer: TrainerByHand) -> None:
    answer = await approved(scene, trainer, "who are you?", "I am Pip.")
    await trainer.start()
    await trainer.cancelled()
    await asyncio.sleep(1)
    assert not [m for m in await scene.mia.messages("general", answer.thread_ts) if "mended" in m.plain.lower()]


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
