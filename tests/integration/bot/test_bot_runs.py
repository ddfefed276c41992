"""The one message of a run, and what ends a run."""

from feedback.runs import Check, Progress
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import note_to, progress
from tests.integration.bot.trainer_by_hand import TrainerByHand


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
    await trainer.settle(adapter, Check("identity", True, "It knows who it is."))
    shown = await progress(scene.mia, "Run 1 is live")
    assert shown.ts == message.ts
    for words in (adapter.name, "identity", "1/1", "It knows who it is."):
        assert words in shown.plain, words
    record = await scene.ada.wait_for("help", lambda m: "Run 1 is live" in m.plain)
    assert adapter.name in record.plain


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
