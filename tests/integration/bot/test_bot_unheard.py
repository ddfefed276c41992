"""A run is started, and then the bot dies or PostgreSQL goes away: it is shown all the same, once."""

import pytest

from bot.replies import FORGETFUL
from sandbox.client import Message
from settings import Settings
from tests.integration.bot.conftest import Scene, StartBot
from tests.integration.bot.cuttable import CuttableLine
from tests.integration.bot.steps import note_to, preview_of, progress, runs_of
from tests.integration.bot.trainer_by_hand import TrainerByHand

NEW_RUN = b"INSERT INTO runs "
DOUBT = "I don't know whether the training was started"


async def shown(scene: Scene, channel: str = "general") -> list[str]:
    """The messages about run 1; who started it is told of its end under the message."""
    messages = [m for m in await scene.mia.messages(channel) if "Run 1" in m.plain and not m.ephemeral]
    return [m.plain for m in messages if m.thread_ts in {None, m.ts}]


async def start_unheard(scene: Scene, line: CuttableLine) -> Message:
    """Ada starts a run, and the line is cut before its commit is confirmed; her preview."""
    preview = await preview_of(scene.ada)
    line.cut_after_commit_of(NEW_RUN)
    await scene.ada.click("general", preview.ts, "mend_confirm_run")
    return preview


async def test_a_run_whose_start_nobody_heard_of_is_shown_when_the_record_is_back_and_starts_once(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        preview = await start_unheard(scene, line)
        doubt = await note_to(scene.ada, DOUBT)
        assert "nothing was changed" not in doubt.plain and runs_of(scene) != []
        assert (await scene.ada.message("general", preview.ts)).element("mend_confirm_run"), "it can be pressed again"
        await line.mend()
        message = await progress(scene.mia, "Run 1 waits")
        await scene.ada.click("general", preview.ts, "mend_confirm_run")
        await note_to(scene.ada, "is going on")
        assert len(runs_of(scene)) == 1
    async with start_bot(settings_over_line):
        assert [m.ts for m in await scene.mia.messages("general") if "Run 1" in m.plain] == [message.ts]


@pytest.mark.parametrize("state", ["waits", "is live"])
async def test_a_run_whose_starter_died_is_shown_by_the_next_process(
    settings_over_line: Settings,
    line: CuttableLine,
    start_bot: StartBot,
    offstage: Scene,
    trainer: TrainerByHand,
    state: str,
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        await start_unheard(scene, line)
        await note_to(scene.ada, DOUBT)
    if state == "is live":
        await trainer.go_live(1)
    await line.mend()
    async with start_bot(settings_over_line) as one, start_bot(settings_over_line) as other:
        message = await progress(scene.mia, f"Run 1 {state}")
        if state == "waits":
            await trainer.fail("disk full")
            assert (await progress(scene.mia, "Run 1 failed")).ts == message.ts
        else:
            await progress(scene.mia, "Run 1 is live", "help")
        for parts in (one, other, one, other):
            await parts.announcing.round()
        assert len(await shown(scene)) == 1
        assert len(await shown(scene, "help")) == (state == "is live")  # the channel of record


async def test_a_start_in_app_home_that_nobody_heard_of_is_no_untold_one(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        await scene.ada.open_home()
        await scene.ada.click_view(
            await scene.ada.wait_for_home(lambda view: "For admins" in view.plain), "mend_start_run"
        )
        window = await scene.ada.wait_for_view(lambda view: view.title == "Retrain")
        line.cut_after_commit_of(NEW_RUN)
        assert await scene.ada.submit(window) is None
        await scene.ada.wait_for("dm", lambda m: DOUBT in f"{m.plain} {m.text}")
        await line.mend()
        await progress(scene.ada, "Run 1 waits", "help")
        assert not [m for m in await scene.ada.messages("dm") if FORGETFUL in f"{m.plain} {m.text}"]


async def test_a_run_whose_message_cannot_be_written_down_yet_gets_no_second_one(
    settings_over_line: Settings, line: CuttableLine, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(settings_over_line):
        preview = await preview_of(scene.ada)
        line.cut_before(b"UPDATE runs SET message_ts")
        await scene.ada.click("general", preview.ts, "mend_confirm_run")
        await note_to(scene.ada, "Run 1 is on its way")
        message = await progress(scene.mia, "Run 1 waits")
        await line.mend()
        await trainer.cancelled()
        assert (await progress(scene.mia, "Run 1 was cancelled")).ts == message.ts
        assert len(await shown(scene)) == 1


async def test_a_message_that_slack_takes_later_is_posted_then_and_one_it_never_takes_is_let_go(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(settings) as parts:
        await scene.ws.fault("method_error", method="chat.postMessage", error="ratelimited")
        await scene.retrain(scene.ada)
        await note_to(scene.ada, "Run 1 is on its way")
        assert await shown(scene) == []
        await scene.ws.clear_faults()
        await progress(scene.mia, "Run 1 waits")
        await trainer.cancelled()
        await progress(scene.mia, "Run 1 was cancelled")

        await scene.ws.fault("method_error", method="chat.postMessage", error="not_in_channel")
        await scene.retrain(scene.ada)
        await note_to(scene.ada, "I may not post here, so look at `/mend status`")
        calls = (await scene.ws.counts())["chat.postMessage"]
        await parts.announcing.round()
        await parts.announcing.round()
        assert (await scene.ws.counts())["chat.postMessage"] == calls, "it is not tried for ever"
