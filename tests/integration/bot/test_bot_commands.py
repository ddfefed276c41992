"""The words of the slash command, and the no that others get."""

import pytest
from sqlalchemy import select

from bot.listings import COMMANDS
from feedback.models import Run
from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import (
    corrected,
    note_to,
    progress,
)
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def test_help_lists_every_command(scene: Scene) -> None:
    for words in ("help", ""):
        await scene.mia.command("general", "/mend", words)
    said = await note_to(scene.mia, "this list")
    for word in COMMANDS:
        assert f"`/mend {word}`" in said.plain
    assert "I don't know" not in said.plain
    assert len([m for m in await scene.mia.messages("general") if "this list" in m.plain]) == 2


@pytest.mark.parametrize(("word", "meant"), [("nonsense", None), ("retrian", "retrain"), ("revew", "review")])
async def test_an_unknown_word_gets_the_list_and_the_nearest(scene: Scene, word: str, meant: str | None) -> None:
    await scene.mia.command("general", "/mend", word)
    said = await note_to(scene.mia, word)
    assert "/mend status" in said.plain and "/mend rollback" in said.plain
    assert ("Did you mean" in said.plain) is (meant is not None)
    assert meant is None or f"/mend {meant}" in said.plain


async def test_status_adapters_and_cases_tell_how_things_stand(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.mia.command("general", "/mend", "status")
    await note_to(scene.mia, "The base model answers")
    await corrected(scene, "who <are> you?", "I am Pip.")
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    adapter = await trainer.go_live(1)
    await scene.mia.command("general", "/mend", "status")
    said = await note_to(scene.mia, adapter.name)
    assert "1 correction to decide on" in said.plain and "Run 1 is live" in said.plain
    await scene.mia.command("general", "/mend", "adapters")
    await note_to(scene.mia, f"{adapter.name}` live")
    await scene.ada.open_home()
    home = await scene.ada.wait_for_home(lambda view: adapter.name in view.plain)
    answering = f"{adapter.name}` answers, live for less than a minute"
    for words in (answering, "1 correction to decide on", "Run 1 is live"):
        assert words in home.plain
    await scene.ada.command("general", "/mend", "cases")
    said = await note_to(scene.ada, "waits for an admin")
    assert "who &lt;are&gt; you?" in said.plain or "who <are> you?" in said.plain


async def test_with_nothing_approved_retrain_says_how_many_wait(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1")
    await trainer.go_live(1)
    await scene.ada.command("general", "/mend", "retrain")
    await note_to(scene.ada, "none waits for a decision")
    await corrected(scene, "who are you?", "I am Pip.")
    await scene.ada.command("general", "/mend", "retrain")
    await note_to(scene.ada, "1 correction waits for a decision")


async def test_whoever_is_no_admin_gets_a_polite_no(scene: Scene) -> None:
    for word, what in {"retrain": "retrain me", "rollback": "roll back", "cancel": "cancel a run"}.items():
        await scene.mia.command("general", "/mend", word)
        said = await note_to(scene.mia, f"only my admins may {what}")
        assert "You can ask" in said.plain
    await scene.mia.command("general", "/mend", "review")
    assert "only my admins may review" in (await scene.mia.wait_for_view()).plain
    await scene.mia.command("general", "/mend", "cases")
    await note_to(scene.mia, "only my admins may see every case")
    with scene.db.begin() as session:
        assert list(session.scalars(select(Run))) == []


async def test_the_button_of_a_message_asks_who_clicks_it(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    message = await progress(scene.mia, "Run 1 waits")
    await scene.mia.click("general", message.ts, "mend_cancel_run")
    await note_to(scene.mia, "only my admins may cancel a run")
    assert (await trainer.active()).cancel_requested_by is None
