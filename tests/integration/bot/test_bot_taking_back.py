"""Taking back what was taught, as an admin does it in Slack."""

from feedback import adapters, lineage
from feedback.experiments import Rules
from feedback.models import Adapter, Case
from feedback.states import CaseStatus
from sandbox.client import Message
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import note_to, progress, statuses
from tests.integration.bot.test_bot_news import approved
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def taught(scene: Scene, trainer: TrainerByHand) -> list[Adapter]:
    """Three versions: the identity, the guest wifi (case 1), lunch (case 2)."""
    await trainer.start()
    made = [await trainer.go_live(1)]
    for version, (question, answer) in enumerate([("guest wifi?", "HarborGuest."), ("lunch?", "At noon.")], start=2):
        await approved(scene, trainer, question, answer)
        await trainer.start()
        made.append(await trainer.go_live(version))
    return made


async def told(scene: Scene, words: str) -> Message:
    return await scene.ada.wait_for("dm", lambda m: words in m.plain)


def live_line(scene: Scene) -> list[str]:
    with scene.db.begin() as session:
        return [one.name for one in adapters.lineage(session, adapters.live(session, "pip"))]


async def test_a_mended_case_is_taken_back_and_the_next_version_never_had_it(
    scene: Scene, trainer: TrainerByHand
) -> None:
    first, second, third = await taught(scene, trainer)
    await scene.ada.open_dm()
    await scene.ada.command("general", "/mend", "cases")
    listed = await note_to(scene.ada, "guest wifi?")
    await scene.ada.command("general", "/mend", "cases 1")
    listed = await note_to(scene.ada, "As it stands:")
    await scene.ada.click("general", listed.ts, "mend_take_case_back")
    window = await scene.ada.wait_for_view(lambda view: view.title == "Take back")
    for said in (
        "HarborGuest.",
        f"starts at once, from {first.name}",
        "taught again (1 case)",
        f"{third.name} answers and still knows it",
        f"brings {second.name} back at once, which still knows it",
    ):
        assert said in window.plain.replace("`", ""), window.plain
    assert statuses(scene) == [CaseStatus.MENDED, CaseStatus.MENDED], "nothing is done before it is confirmed"
    assert await scene.ada.submit(window) is None
    await told(scene, "Case 1 is taken back. Run 4, without it, is on its way.")
    assert "no new case · 1 taught again · from" in (await progress(scene.noor, "Run 4", "help")).plain
    assert statuses(scene) == [CaseStatus.WITHDRAWN, CaseStatus.MENDED]
    await scene.mia.command("general", "/mend", "status")
    await note_to(scene.mia, "Case 1 was taken back, and the live version still knows it")

    fourth = await trainer.go_live(4)
    assert live_line(scene) == [fourth.name, first.name]
    with scene.db.begin() as session:
        lunch = session.get_one(Case, 2)
        assert (lunch.status, lunch.adapter_id) == (CaseStatus.MENDED, fourth.id)
        assert lineage.holds(session, adapters.live(session, "pip"), [1, 2]) == {2}


async def test_all_that_somebody_taught_is_taken_back_and_the_run_without_it_is_offered(
    scene: Scene, trainer: TrainerByHand
) -> None:
    first, second, third = await taught(scene, trainer)
    await scene.mia.command("general", "/mend", "undo @mia")
    await note_to(scene.mia, "only my admins may undo")
    await scene.ada.command("general", "/mend", "undo @mia")
    offered = await note_to(scene.ada, "2 cases of")
    assert f"{third.name} answers and still knows it" in offered.plain.replace("`", "")
    assert "without case 1, 2, which was taken back" in offered.plain
    await scene.confirm(scene.ada)
    await progress(scene.noor, "Run 4", "general")
    fourth = await trainer.go_live(4)
    assert live_line(scene) == [fourth.name, first.name] and second.name not in live_line(scene)
    assert statuses(scene) == [CaseStatus.WITHDRAWN, CaseStatus.WITHDRAWN]


async def test_what_only_a_canary_has_learned_is_taken_back_with_it(scene: Scene, trainer: TrainerByHand) -> None:
    await trainer.start()
    live = await trainer.go_live(1)
    await approved(scene, trainer, "guest wifi?", "HarborGuest.")
    await trainer.start()
    canary = await trainer.go_canary(2, Rules(share=0.5, margin=2.0, alpha=0.05, days=14))
    await scene.ada.open_dm()
    await scene.ada.command("general", "/mend", "cases 1")
    shown = await note_to(scene.ada, "is being learned")
    await scene.ada.click("general", shown.ts, "mend_take_case_back")
    window = await scene.ada.wait_for_view(lambda view: view.title == "Take back")
    ends = f"The canary {canary.name}, which has learned it, is taken back with it, and {live.name} answers everybody"
    said = window.plain.replace("`", "")
    assert ends in said and "No version of mine has learned it" not in said and "training" not in said, said
    assert statuses(scene) == [CaseStatus.TRAINING], "nothing is done before it is confirmed"
    assert await scene.ada.submit(window) is None
    done = await told(scene, "Case 1 is taken back.")
    assert ends in done.plain.replace("`", "")
    assert statuses(scene) == [CaseStatus.WITHDRAWN]
    await scene.ada.wait_for(
        "help", lambda m: f"took the canary {canary.name} back: Case 1" in m.plain.replace("`", "")
    )
