"""Rolling back: what answers next, and who is told."""

from sqlalchemy import select

from feedback.models import Adapter
from feedback.states import AdapterStatus, CaseStatus
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import approve_all, corrected, note_to, progress, statuses
from tests.integration.bot.trainer_by_hand import TrainerByHand


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
