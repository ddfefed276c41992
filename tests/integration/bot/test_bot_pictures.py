"""Pictures for admins: under a run's message and in App Home, as Slack shows them."""

from sqlalchemy import update

from bot.parts import Parts
from bot.thumbs_plot import MAY_LAG, STAYS
from feedback.models import Picture
from feedback.runs import Progress
from sandbox.client import Message
from sandbox.payload import Payload
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import until_recorded
from tests.integration.bot.trainer_by_hand import TrainerByHand

LOSSES = tuple((step, 2.5 / step) for step in range(1, 21))
PNG = b"\x89PNG\r\n\x1a\n"


def images(blocks: list[Payload]) -> list[Payload]:
    return [block for block in blocks if block["type"] == "image"]


async def finished_run(scene: Scene, bot: Parts, trainer: TrainerByHand, version: int = 1) -> None:
    """A run that was watched from its start, has a loss curve, and is live."""
    channel = next(c["id"] for c in await scene.ada.channels() if c["name"] == "general")
    run = await trainer.start(channel=channel)
    await bot.progress.post(run.id)
    await trainer.report(Progress("training", step=20, steps=20, loss=0.125, losses=LOSSES))
    await trainer.go_live(version)


async def shown(scene: Scene, words: str, kind: str) -> Message:
    def wanted(message: Message) -> bool:
        return words in message.plain and any(block["type"] == kind for block in message.blocks)

    return await scene.ada.wait_for("general", wanted, timeout=60)


async def test_a_run_ends_with_its_loss_curve_and_the_probe_history_as_pictures(
    scene: Scene, bot: Parts, trainer: TrainerByHand
) -> None:
    await finished_run(scene, bot, trainer)
    message = await shown(scene, "Run 1 is live", "image")
    loss, probes = images(message.blocks)
    assert "from 2.50 at step 1 to 0.12 at step 20" in loss["alt_text"]
    assert "identity 100%" in probes["alt_text"]
    for picture in (loss, probes):
        data = await scene.ws.read_file({"view_url": f"/sandbox/files/{picture['slack_file']['id']}"})
        assert data.startswith(PNG) and len(data) > 10_000
    assert "1/1" in message.plain and "Accepted" in message.plain  # was and is, and the decision, are still there
    assert len([m for m in await scene.ada.messages("general") if "Run 1" in m.plain and m.blocks]) == 1
    counts = await scene.ws.counts()
    assert counts["files.completeUploadExternal"] == 2 and counts["files.info"] >= 2


async def test_where_slack_takes_no_file_the_same_is_said_in_text(
    scene: Scene, bot: Parts, trainer: TrainerByHand
) -> None:
    await scene.ws.fault("method_error", method="files.getUploadURLExternal", error="missing_scope")
    await finished_run(scene, bot, trainer)
    message = await scene.ada.wait_for("general", lambda m: "Training loss of run 1" in m.plain, timeout=60)
    assert images(message.blocks) == []
    assert "2.500" in message.plain and "0.125" in message.plain and "Probes passed" in message.plain


async def test_a_message_that_is_refused_with_pictures_gets_the_tables(
    scene: Scene, bot: Parts, trainer: TrainerByHand
) -> None:
    await scene.ws.fault("delay", method="files.getUploadURLExternal", ms=2000)  # time to set the next fault in
    await finished_run(scene, bot, trainer)
    await scene.ada.wait_for("general", lambda m: "Run 1 is live" in m.plain)
    await scene.ws.fault("method_error", method="chat.update", error="invalid_blocks", times=1)
    message = await scene.ada.wait_for("general", lambda m: "Training loss of run 1" in m.plain, timeout=60)
    assert images(message.blocks) == [] and "2.500" in message.plain


async def test_an_admins_home_has_the_thumbs_down_rate_of_each_version_as_a_plot(
    scene: Scene, trainer: TrainerByHand
) -> None:
    wrong = await scene.ask(scene.mia, "who are you?")
    await scene.ask(scene.mia, "what is a boat?")
    await scene.mia.react("general", wrong.ts, "-1")
    await scene.mia.wait_for("general", lambda m: m.ephemeral and "What should I have said?" in m.plain)
    await trainer.start()
    scene.model.models[(await trainer.go_live(1)).name] = "/x"
    await scene.ask(scene.mia, "and now?")
    await until_recorded(scene, 3)
    await scene.ada.open_home()
    home = await scene.ada.wait_for_home(lambda view: bool(images(view.blocks)), timeout=60)
    (picture,) = images(home.blocks)
    assert "base model: 1 of 2 answers (50%); v1: 0 of 1 answers (0%)" in picture["alt_text"]
    await scene.ask(scene.mia, "and one more?")  # another number is no reason to draw anew for a while
    await scene.ada.open_home()
    await scene.noor.open_home()
    again = await scene.noor.wait_for_home(lambda view: bool(images(view.blocks)))
    assert images(again.blocks)[0]["slack_file"] == picture["slack_file"]
    assert images(again.blocks)[0]["alt_text"] == picture["alt_text"]  # which says what is on the picture
    assert MAY_LAG in again.plain
    assert (await scene.ws.counts())["files.completeUploadExternal"] == 1
    await scene.mia.open_home()
    mine = await scene.mia.wait_for_home(lambda view: "who are you?" in view.plain)
    assert images(mine.blocks) == []  # a member's Home is about their own flags


async def test_a_plot_that_has_been_there_for_a_while_is_drawn_anew_and_the_old_file_deleted(scene: Scene) -> None:
    await scene.ask(scene.mia, "who are you?")
    await until_recorded(scene)
    await scene.ada.open_home()
    first = await scene.ada.wait_for_home(lambda view: bool(images(view.blocks)), timeout=60)
    await scene.ask(scene.mia, "what is a boat?")
    await until_recorded(scene, 2)
    with scene.db.begin() as session:
        session.execute(update(Picture).values(created_at=Picture.created_at - STAYS))
    await scene.ada.open_home()
    second = await scene.ada.wait_for_home(lambda view: "0 of 2 answers" in str(images(view.blocks)), timeout=60)
    files = [images(view.blocks)[0]["slack_file"]["id"] for view in (first, second)]
    assert files[0] != files[1]
    deleted = await scene.ws.wait_for_call("files.delete")
    assert deleted["args"]["file"] == files[0] and deleted["ok"]
    assert (await scene.ws.read_file({"view_url": f"/sandbox/files/{files[1]}"})).startswith(PNG)


async def test_a_scope_that_is_missing_is_found_out_once(scene: Scene) -> None:
    await scene.ask(scene.mia, "who are you?")
    await scene.ws.fault("method_error", method="files.info", error="missing_scope")
    await scene.ada.open_home()
    deleted = await scene.ws.wait_for_call("files.delete", timeout=60)  # nobody would see what was uploaded
    assert deleted["ok"]
    await scene.ask(scene.mia, "what is a boat?")
    await until_recorded(scene, 2)
    for admin in (scene.ada, scene.noor):
        await admin.open_home()
        home = await admin.wait_for_home(lambda view: "base model: 0 of 2 answers" in view.plain)
        assert images(home.blocks) == []
    counts = await scene.ws.counts()
    assert (counts["files.getUploadURLExternal"], counts["files.info"]) == (1, 1)
