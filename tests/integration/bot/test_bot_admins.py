"""Who is an admin: named, of a user group, or of the workspace where that is switched on; everybody else is not."""

from typing import Any

import pytest

from sandbox.client import Person
from settings import Settings
from tests.integration.bot.conftest import Scene, StartBot
from tests.integration.bot.test_bot_admin import note_to

ADMINS = {
    "named": {"admins": ["U0NOOR0001"]},
    "of a group": {"admin_group": "S0ADMINS01"},
    "of the workspace": {"workspace_admins": True},
    "of a group that Slack does not know": {"admin_group": "S0NOWHERE1"},
    "nobody": {},
}
WHO = {"named": {"noor"}, "of a group": {"ada"}, "of the workspace": {"ada"}}


async def is_admin(person: Person, channel: str) -> bool:
    await person.command(channel, "/mend", "cases")
    said = await person.wait_for(channel, lambda m: m.ephemeral)
    assert said.plain.startswith(
        ("Nobody has flagged", "Sorry, only my admins may see", "I could not check who you are")
    )
    return said.plain.startswith("Nobody has flagged")


@pytest.mark.parametrize("how", ADMINS)
async def test_who_is_an_admin_follows_the_settings(
    settings: Settings, start_bot: StartBot, offstage: Scene, how: str
) -> None:
    slack: dict[str, Any] = {"admins": [], **ADMINS[how]}
    changed = settings.model_copy(update={"slack": settings.slack.model_copy(update=slack)})
    people = {"mia": "general", "ada": "general", "noor": "general", "gus": "general", "xan": "partners"}
    async with start_bot(changed):
        found = {name for name, channel in people.items() if await is_admin(offstage.ws.person(name), channel)}
    assert found == WHO.get(how, set())


async def test_a_guest_may_ask_and_not_teach_unless_that_is_switched_on(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene, gus = offstage, offstage.ws.person("gus")
    async with start_bot(settings):
        answer = await scene.ask(gus, "who are you?")
        await gus.react("general", answer.ts, "-1")
        await note_to(gus, "I may only learn from members of this workspace")
    allowed = settings.model_copy(update={"slack": settings.slack.model_copy(update={"guests_may_teach": True})})
    async with start_bot(allowed):
        await gus.click("general", answer.ts, "mend_feedback", "negative")
        assert await gus.submit(await gus.wait_for_view(), {"text": {"text": "I am Pip."}}) is None
        await note_to(gus, "Your correction is case")
        await gus.command("general", "/mend", "retrain")
        await note_to(gus, "only my admins may retrain me")
