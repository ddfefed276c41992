"""Before a run starts: its preview, who confirms it, pauses, runs by themselves, and a rollback over a run."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from sqlalchemy import select

from bot.parts import Parts
from bot.rhythm import Rhythm
from feedback.models import Pause
from feedback.runs import Progress
from feedback.states import CaseStatus
from settings import Settings
from tests.integration.bot.conftest import PERSONA, QUICK, Scene, StartBot, with_slack, with_training
from tests.integration.bot.steps import approve_all, corrected, note_to, preview_of, progress, review, runs_of, statuses
from tests.integration.bot.trainer_by_hand import TrainerByHand


@pytest.fixture
async def taught(scene: Scene, trainer: TrainerByHand) -> Scene:
    """A first version is live, and a case is approved."""
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    await trainer.go_live(1)
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    return scene


async def test_nothing_starts_before_it_is_confirmed_and_the_preview_is_for_its_author(
    scene: Scene, bot: Parts
) -> None:
    shown = await preview_of(scene.ada)
    assert shown.ephemeral and "the identity set" in shown.plain
    rows = [line for file in PERSONA.glob("*/??.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    own = yaml.safe_load(bot.settings.training.config.read_text(encoding="utf-8"))["first_replay"]["own_answers"]
    assert f"up to {len(rows) + own} rows" in shown.plain  # the first run of the default recipe takes all of them
    assert "time: not known yet, since no training has been timed" in shown.plain
    assert runs_of(scene) == []
    assert not [m for m in await scene.mia.messages("general") if "identity set" in m.plain]
    await scene.ada.click("general", shown.ts, "mend_dismiss")
    after = await note_to(scene.ada, "Nothing was started.")
    assert after.ts == shown.ts and after.element("mend_confirm_run") is None
    assert runs_of(scene) == []


async def test_the_preview_counts_cases_and_a_confirmed_one_has_no_buttons_any_more(taught: Scene) -> None:
    shown = await preview_of(taught.ada)
    assert "1 approved case" in shown.plain and "from pip-v1-" in shown.plain.replace("`", "")
    await taught.ada.click("general", shown.ts, "mend_confirm_run")
    after = await note_to(taught.ada, "Run 2 is on its way.")
    assert after.ts == shown.ts and after.element("mend_confirm_run") is None
    await progress(taught.mia, "Run 2 waits")


async def test_a_later_preview_tells_rows_and_minutes_by_the_run_before_and_the_end_what_was_and_is(
    scene: Scene, bot: Parts, trainer: TrainerByHand
) -> None:
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    config = yaml.safe_load(bot.settings.training.config.read_text(encoding="utf-8"))
    await trainer.freeze(config, {"identity": 100, "general": 120})
    epochs = config["first"]["num_train_epochs"]
    await trainer.report(Progress("training", seconds={"training": 220.0 * epochs, "probing": 60.0}))
    await trainer.go_live(1)
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)

    shown = await preview_of(scene.ada)
    replay = config["replay"]
    rows = (
        config["paraphrases_per_case"]
        + 1
        + sum(replay[one] for one in ("identity_rows", "general_rows", "own_answers"))
    )
    minutes = round((rows * config["follow_up"]["num_train_epochs"] + 60) / 60)  # a second for each row and epoch
    assert f"up to {rows} rows · about {minutes} minutes, judged by run 1" in shown.plain
    await scene.ada.click("general", shown.ts, "mend_confirm_run")
    await progress(scene.mia, "Run 2 waits")
    await trainer.go_live(2)
    end = await progress(scene.mia, "Run 2 is live")
    table = [line.split() for line in end.plain.replace("`", "").splitlines()]
    assert ["identity", "1/1", "1/1"] in [line[:3] for line in table]
    assert any(line[:3] == ["new", "-", "2/2"] for line in table)


async def test_a_double_click_starts_one_run(scene: Scene) -> None:
    shown = await preview_of(scene.ada)
    await scene.ws.fault("duplicate", times=2)
    clicks = (scene.ada.click("general", shown.ts, "mend_confirm_run") for _ in range(2))
    await asyncio.gather(*clicks, return_exceptions=True)  # the second may find its button gone
    await progress(scene.mia, "Run 1 waits")
    await note_to(scene.ada, "Run 1")
    assert len(runs_of(scene)) == 1
    assert len([m for m in await scene.mia.messages("general") if "Run 1 waits" in m.plain]) == 1


async def test_two_admins_who_confirm_start_one_run(scene: Scene) -> None:
    first, second = await preview_of(scene.ada), await preview_of(scene.noor)
    await scene.noor.click("general", second.ts, "mend_confirm_run")
    await progress(scene.mia, "Run 1 waits")
    await scene.ada.click("general", first.ts, "mend_confirm_run")
    await note_to(scene.ada, "is going on")
    assert len(runs_of(scene)) == 1


async def test_what_has_changed_since_is_shown_before_it_starts(taught: Scene) -> None:
    shown = await preview_of(taught.ada)
    await corrected(taught, "where are you?", "In the harbour.")
    await taught.noor.command("general", "/mend", "review")
    await taught.noor.click_view(await review(taught, "In the harbour.", taught.noor), "mend_approve")
    await review(taught, "Nothing waits", taught.noor)
    await taught.ada.click("general", shown.ts, "mend_confirm_run")
    again = await note_to(taught.ada, "has changed since you looked")
    assert "2 approved cases" in again.plain and len(runs_of(taught)) == 1
    await taught.ada.click("general", again.ts, "mend_confirm_run")
    await progress(taught.mia, "Run 2 waits")


async def test_who_is_no_admin_any_more_starts_nothing(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings):
        shown = await preview_of(scene.ada)
    async with start_bot(with_slack(settings, admins=[await offstage.ws.user_id("noor")])):
        await scene.ada.click("general", shown.ts, "mend_confirm_run")
        await note_to(scene.ada, "only my admins may retrain me")
    assert runs_of(scene) == []


async def test_the_button_in_app_home_goes_the_same_way(scene: Scene) -> None:
    await scene.ada.open_home()
    home = await scene.ada.wait_for_home(lambda view: "For admins" in view.plain)
    await scene.ada.click_view(home, "mend_start_run")
    window = await scene.ada.wait_for_view(lambda view: view.title == "Retrain")
    assert "the identity set" in window.plain and runs_of(scene) == []
    assert await scene.ada.submit(window) is None
    await progress(scene.ada, "Run 1 waits", "help")  # the channel of record
    told = await scene.ada.wait_for("dm", lambda m: "Run 1 is on its way." in f"{m.plain} {m.text}")
    assert told
    await scene.ada.wait_for_home(lambda view: "Run 1 waits" in view.plain)


async def test_a_pause_holds_runs_until_somebody_resumes_and_says_who_and_why(taught: Scene) -> None:
    shown = await preview_of(taught.ada)
    await taught.noor.command("general", "/mend", "pause the card is <needed>")
    await note_to(taught.noor, "Training is paused")
    await taught.ada.click("general", shown.ts, "mend_confirm_run")
    said = await note_to(taught.ada, "Training was paused by")
    assert "the card is" in said.plain and "/mend resume" in said.plain
    await taught.mia.command("general", "/mend", "status")
    await note_to(taught.mia, "Training was paused by")
    await taught.ada.open_home()
    await taught.ada.wait_for_home(lambda view: "Training was paused by" in view.plain)
    await taught.mia.command("general", "/mend", "resume")
    await note_to(taught.mia, "only my admins may resume training")
    await taught.ada.command("general", "/mend", "pause")
    await note_to(taught.ada, "It stays so until")
    await taught.ada.command("general", "/mend", "resume")
    await note_to(taught.ada, "Training may go on")
    with taught.db.begin() as session:
        assert list(session.scalars(select(Pause))) == []
    await taught.retrain(taught.ada)
    await progress(taught.mia, "Run 2 waits")


@pytest.fixture
async def automatic(settings: Settings, start_bot: StartBot, offstage: Scene) -> AsyncIterator[tuple[Scene, Parts]]:
    """Two bot processes that train after two newly approved cases."""
    changed = with_training(settings, auto_after=2)
    async with start_bot(changed) as parts, start_bot(changed):
        yield offstage, parts


@pytest.fixture
async def insisting(settings: Settings, start_bot: StartBot, offstage: Scene) -> AsyncIterator[tuple[Scene, Parts]]:
    """A bot that tries a refused run once more, as it does by default."""
    async with start_bot(with_training(settings, attempts=2)) as parts:
        yield offstage, parts


async def test_a_refused_run_is_tried_again_by_itself_and_shown_where_it_was(
    insisting: tuple[Scene, Parts], trainer: TrainerByHand
) -> None:
    scene, parts = insisting
    await corrected(scene, "question 1", "correction 1")
    await approve_all(scene)
    await scene.retrain(scene.ada)
    await progress(scene.ada, "Run 1 waits")
    await trainer.turn_down(1, "1 of 7 answers got worse.")
    await progress(scene.ada, "Run 1 was not good enough")
    shown = await progress(scene.ada, "Run 2 waits")
    assert "Started by mend: attempt 2 of 2, since run 1 was refused · 1 new case" in shown.plain
    await trainer.turn_down(2, "2 of 7 answers got worse.")
    await progress(scene.ada, "Run 2 was not good enough")
    await parts.automatic_runs.round()
    assert len(runs_of(scene)) == 2, "then it is left to people"


async def test_a_run_starts_by_itself_once_and_is_shown_in_the_channel_of_record(
    automatic: tuple[Scene, Parts], trainer: TrainerByHand
) -> None:
    scene, parts = automatic
    await corrected(scene, "question 1", "correction 1")
    await approve_all(scene)
    await scene.ada.command("general", "/mend", "status")
    await note_to(scene.ada, "Automatic training waits: 1 of 2 newly approved cases are there")
    await corrected(scene, "question 2", "correction 2")
    await approve_all(scene)
    shown = await progress(scene.ada, "Run 1 waits", "help")
    assert "Started by automatic: newly approved cases: 2 · 2 new cases" in shown.plain
    await parts.automatic_runs.round()
    await trainer.fail("disk full")
    await progress(scene.ada, "Run 1 failed", "help")
    await parts.automatic_runs.round()
    assert runs_of(scene) == ["automatic"]  # what failed is not tried again and again
    assert len([m for m in await scene.ada.messages("help") if "Run 1" in m.plain]) == 1


async def test_however_often_a_run_reports_its_message_is_edited_once_a_round_and_only_on_change(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    assert Rhythm().announce >= 3  # seconds: what Slack bears for one message
    async with start_bot(settings, replace(QUICK, announce=600)) as parts:  # no round but those of this test
        await scene.retrain(scene.ada)
        message = await progress(scene.mia, "Run 1 waits")
        for step in range(20):
            await trainer.report(Progress("training", step=step, steps=20))
        before = (await scene.ws.counts()).get("chat.update", 0)
        for _ in range(3):
            await parts.announcing.round()
        assert (await scene.ws.counts())["chat.update"] == before + 1
        assert "step 19 of 20" in (await scene.mia.message("general", message.ts)).plain


@dataclass
class HandClock:
    """Stands still until a test sets it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


async def test_a_nightly_run_starts_in_its_window_once_a_night_and_is_shown_in_the_channel_of_record(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene, tonight = offstage, datetime.now(UTC)  # the record writes real times, so the window lies around them
    nightly = f"{tonight - timedelta(hours=1):%H:%M}-{tonight + timedelta(hours=2):%H:%M}"
    changed = settings.model_copy(update={"training": settings.training.model_copy(update={"nightly": nightly})})
    clock = HandClock(tonight - timedelta(hours=3))
    async with start_bot(changed, replace(QUICK, clock=clock)) as parts:
        answer = await corrected(scene, "who are you?", "I am Pip.")
        await approve_all(scene)
        await parts.automatic_runs.round()
        assert runs_of(scene) == []  # the window is closed

        clock.now = tonight
        shown = await progress(scene.ada, "Run 1 waits", "help")
        assert "Started by automatic: nightly; newly approved cases: 1" in shown.plain
        await trainer.go_live(1)
        assert (await progress(scene.ada, "Run 1 is live", "help")).ts == shown.ts
        await scene.mia.wait_for("general", lambda m: "Mended in" in m.plain, thread_ts=answer.thread_ts)

        await corrected(scene, "where are you?", "In the harbour.")
        await approve_all(scene)
        await scene.ada.command("general", "/mend", "status")
        await note_to(scene.ada, "Automatic training waits: a run has started tonight already")
        await parts.automatic_runs.round()
        assert len(runs_of(scene)) == 1

        clock.now = tonight + timedelta(days=1)
        await progress(scene.ada, "Run 2 waits", "help")
        assert runs_of(scene) == ["automatic", "automatic"]
        assert not [m for m in await scene.ada.messages("general") if "Run " in m.plain and not m.ephemeral]


async def test_a_pause_holds_automatic_runs_too(automatic: tuple[Scene, Parts]) -> None:
    scene, parts = automatic
    await scene.ada.command("general", "/mend", "pause")
    await note_to(scene.ada, "Training is paused")
    for number in (1, 2):
        await corrected(scene, f"question {number}", f"correction {number}")
    await approve_all(scene)
    await parts.automatic_runs.round()
    assert runs_of(scene) == []
    await scene.ada.command("general", "/mend", "resume")
    await progress(scene.ada, "Run 1 waits", "help")


async def test_a_rollback_over_a_run_asks_first_and_stops_the_run(taught: Scene, trainer: TrainerByHand) -> None:
    await taught.retrain(taught.ada)
    await progress(taught.mia, "Run 2 waits")
    await taught.ada.command("general", "/mend", "rollback")
    asked = await taught.ada.wait_for("general", lambda m: m.element("mend_confirm_rollback") is not None)
    assert asked.ephemeral and "Run 2" in asked.plain and "overtaken" in asked.plain
    await taught.ada.click("general", asked.ts, "mend_dismiss")
    await note_to(taught.ada, "Nothing was rolled back")
    assert (await trainer.active()).cancel_requested_by is None

    await taught.ada.command("general", "/mend", "rollback")
    asked = await taught.ada.wait_for("general", lambda m: m.element("mend_confirm_rollback") is not None)
    await taught.ada.click("general", asked.ts, "mend_confirm_rollback")
    await note_to(taught.ada, "the base model answers")
    said = await taught.ada.wait_for("help", lambda m: "rolled" in m.plain)
    assert "Run 2 stops" in said.plain
    assert (await trainer.active()).cancel_requested_by is not None
    await trainer.cancelled()
    assert statuses(taught) == [CaseStatus.APPROVED]
    await taught.ask(taught.mia, "and now?")
    assert taught.model.asked[-1]["model"] == "base"


async def test_a_rollback_that_was_asked_about_is_not_made_when_things_have_changed(
    taught: Scene, trainer: TrainerByHand
) -> None:
    await taught.retrain(taught.ada)
    await progress(taught.mia, "Run 2 waits")
    await taught.ada.command("general", "/mend", "rollback")
    asked = await taught.ada.wait_for("general", lambda m: m.element("mend_confirm_rollback") is not None)
    live = await trainer.go_live(2)
    await taught.ada.click("general", asked.ts, "mend_confirm_rollback")
    await note_to(taught.ada, "Another version went live just now")
    await taught.ada.command("general", "/mend", "status")
    await note_to(taught.ada, live.name)
