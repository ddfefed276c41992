"""App Home and the pane, as members and admins see them."""

from feedback.states import CaseStatus
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import approve_all, corrected, note_to, progress, review, statuses
from tests.integration.bot.trainer_by_hand import TrainerByHand


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


async def test_the_pane_offers_the_personas_questions(scene: Scene) -> None:
    await scene.mia.open_dm()
    ts = await scene.mia.say("dm", "hello")
    await scene.answer_to(scene.mia, "dm", ts)
    assert "Can you be wrong?" in str(await scene.mia.prompts())
