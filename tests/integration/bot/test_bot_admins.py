"""Who is an admin without being named: of a user group, or of the workspace where that is switched on; nobody else."""

from sandbox.client import Person
from settings import Settings
from tests.integration.bot.conftest import Scene, StartBot, with_slack
from tests.integration.bot.steps import note_to

ADMINS = {
    "of a group": {"admin_group": "S0ADMINS01"},
    "of the workspace": {"workspace_admins": True},
    "of a group that Slack does not know": {"admin_group": "S0NOWHERE1"},
    "nobody": {},
}
WHO = {"of a group": {"ada"}, "of the workspace": {"ada"}}


async def is_admin(person: Person, channel: str) -> bool:
    before = {m.ts for m in await person.messages(channel)}
    await person.command(channel, "/mend", "cases")
    said = await person.wait_for(channel, lambda m: m.ephemeral and m.ts not in before)
    assert said.plain.startswith(
        ("Nobody has flagged", "Sorry, only my admins may see", "I could not check who you are")
    )
    return said.plain.startswith("Nobody has flagged")


async def test_who_is_an_admin_follows_the_settings(settings: Settings, start_bot: StartBot, offstage: Scene) -> None:
    people = {"mia": "general", "ada": "general", "noor": "general", "gus": "general", "xan": "partners"}
    for how, given in ADMINS.items():
        async with start_bot(with_slack(settings, **{"admins": [], **given})):
            found = {name for name, channel in people.items() if await is_admin(offstage.ws.person(name), channel)}
        assert found == WHO.get(how, set()), how


async def test_a_guest_may_teach_where_that_is_switched_on_and_is_no_admin_for_it(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    gus = offstage.ws.person("gus")
    allowed = with_slack(settings, guests_may_teach=True)
    async with start_bot(allowed):
        answer = await offstage.ask(gus, "who are you?")
        await gus.click("general", answer.ts, "mend_feedback", "negative")
        assert await gus.submit(await gus.wait_for_view(), {"text": {"text": "I am Pip."}}) is None
        await note_to(gus, "Your correction is case")
        await gus.command("general", "/mend", "retrain")
        await note_to(gus, "only my admins may retrain me")
