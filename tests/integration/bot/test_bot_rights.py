"""Whose a correction is: who may change it, take it back, or see it, when several people have to do with one answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from feedback import reports
from feedback.models import Case, Event
from feedback.reports import Result
from feedback.states import CaseStatus
from sandbox.client import Message, View, Workspace
from sandbox.server import serve
from settings import Settings
from tests.integration.bot.conftest import MANIFEST, PATIENT, Scene, StartBot, with_slack
from tests.integration.bot.steps import cases_of, filled, note_to, thumb_down, until_vote_rows, votes
from tests.integration.bot.trainer_by_hand import TrainerByHand


@pytest.fixture
def sandbox_url(tmp_path: Path) -> Iterator[str]:
    """A workspace in which the app may read user groups."""
    manifest = tmp_path / "app.yaml"
    manifest.write_text(MANIFEST.read_text().replace("users:read,", "users:read, usergroups:read,"))
    with serve(manifest, timing=PATIENT) as url:
        yield url


async def home_of(scene: Scene, name: str, wanted: str) -> View:
    person = scene.ws.person(name)
    await person.open_home()
    return await person.wait_for_home(lambda view: wanted in view.plain)


async def flagged(scene: Scene, *names: str) -> Message:
    """An answer that these people have flagged and not corrected."""
    answer = await scene.ask(scene.mia, "what is the wifi?")
    for name in names:
        await scene.ws.person(name).react("general", answer.ts, "-1")
        await note_to(scene.ws.person(name), "What should I have said?")
    return answer


async def test_only_whose_words_they_are_takes_them_back_and_approved_ones_only_an_admin(
    scene: Scene, trainer: TrainerByHand
) -> None:
    answer = await flagged(scene, "mia")
    view = await thumb_down(scene.noor, answer)
    assert await scene.noor.submit(view, filled("It is BlueLantern.")) is None
    mine = await home_of(scene, "mia", "It is BlueLantern.")
    assert "mend_withdraw_case" not in str(mine.blocks)
    hers = await home_of(scene, "noor", "It is BlueLantern.")
    assert "mend_withdraw_case" in str(hers.blocks)

    # Words of Mia's own: they are hers until an admin has approved them.
    own = await scene.ask(scene.mia, "where is the key?")
    view = await thumb_down(scene.mia, own)
    assert await scene.mia.submit(view, filled("In the safe.")) is None
    before = await home_of(scene, "mia", "In the safe.")
    await trainer.approve_all()
    view = await thumb_down(scene.mia, own)
    errors = await scene.mia.submit(view, filled("In the safe."))
    assert errors is not None and "already approved" in errors["text"]
    await scene.mia.click_view(before, "mend_withdraw_case")  # a button drawn before the approval
    await scene.mia.wait_for("dm", lambda m: "only an admin can take it back" in m.plain)
    assert [case.status for case in cases_of(scene)] == [CaseStatus.APPROVED, CaseStatus.APPROVED]


async def test_of_two_who_write_at_once_the_second_is_shown_the_words_of_the_first(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "what is the wifi?")
    first = await thumb_down(scene.mia, answer)
    second = await thumb_down(scene.noor, answer)
    assert await scene.mia.submit(first, filled("It is <b>BlueLantern</b>.")) is None
    assert await scene.noor.submit(second, filled("Ask Ada.")) is None
    shown = await scene.noor.wait_for_view(lambda view: "has written this meanwhile" in view.plain)
    assert "BlueLantern" in shown.plain and "what is the wifi?" in shown.plain
    assert [case.correction for case in cases_of(scene)] == ["It is <b>BlueLantern</b>."]

    assert await scene.noor.submit(shown, filled("It is BlueLantern; ask Ada.")) is None
    await note_to(scene.noor, "Thank you!")
    assert [case.correction for case in cases_of(scene)] == ["It is BlueLantern; ask Ada."]
    with scene.db.begin() as session:
        whys = list(session.scalars(select(Event.why).where(Event.subject == "cases").order_by(Event.id)))
    assert whys[-1] == "correction rewritten; before: It is <b>BlueLantern</b>."


async def test_whoever_flags_second_has_a_flag_as_well(scene: Scene, trainer: TrainerByHand) -> None:
    answer = await flagged(scene, "mia", "noor")
    await home_of(scene, "noor", "flagged; nobody has written")
    mine = await home_of(scene, "mia", "flagged; nobody has written")
    await scene.mia.click_view(mine, "mend_withdraw_case")
    await scene.mia.wait_for_home(lambda view: "You have not flagged" in view.plain)
    (case,) = cases_of(scene)
    assert case.status is CaseStatus.FLAGGED and case.flagged_by.endswith(await scene.ws.user_id("noor"))
    await scene.noor.unreact("general", answer.ts, "-1")
    await note_to(scene.noor, "taken back")
    assert [case.status for case in cases_of(scene)] == [CaseStatus.WITHDRAWN] and votes(scene) == {}

    again = await flagged(scene, "mia", "noor")
    view = await thumb_down(scene.noor, again)
    assert await scene.noor.submit(view, filled("It is BlueLantern.")) is None
    await trainer.approve_all()
    await trainer.start()
    await trainer.go_live(1)
    told = await scene.mia.wait_for("general", lambda m: "Mended in" in m.plain, thread_ts=again.thread_ts)
    for name in ("mia", "noor"):
        assert await scene.ws.user_id(name) in str(told.blocks)


async def test_undo_takes_bare_flags_and_votes_too(scene: Scene) -> None:
    alone = await flagged(scene, "mia")
    await scene.mia.react("general", (await flagged(scene, "noor")).ts, "-1")
    await until_vote_rows(scene, 3)
    assert len(votes(scene)) == 2 and alone
    await scene.ada.command("general", "/mend", "undo @mia")
    await note_to(scene.ada, "1 case of")
    assert [case.status for case in cases_of(scene)] == [CaseStatus.WITHDRAWN, CaseStatus.FLAGGED]
    assert list(votes(scene)) == [await scene.ws.user_id("noor")]


async def test_the_quota_counts_when_words_were_written_not_when_their_case_was_opened(one_a_day: Scene) -> None:
    scene = one_a_day
    found = [await flagged(scene, "noor"), await flagged(scene, "noor")]
    with scene.db.begin() as session:
        session.execute(update(Case).values(created_at=datetime.now(UTC) - timedelta(days=2)))
    first = await thumb_down(scene.mia, found[0])
    assert await scene.mia.submit(first, filled("words 1")) is None
    second = await thumb_down(scene.mia, found[1])
    errors = await scene.mia.submit(second, filled("words 2"))
    assert errors is not None and "at most 1 correction a day" in errors["text"]


async def test_what_members_asked_is_for_admins_to_see(scene: Scene, trainer: TrainerByHand) -> None:
    ts = await scene.mia.say("dm", "what do I earn?")
    answer = await scene.answer_to(scene.mia, "dm", ts)
    await scene.mia.click("dm", answer.ts, "mend_feedback", "negative")
    view = await scene.mia.wait_for_view()
    assert await scene.mia.submit(view, filled("Five gold.")) is None
    await trainer.approve_all()
    await trainer.start()
    adapter = await trainer.go_live(1)
    asked = {"new": "what do I earn?", "identity": "Who are you?"}
    failed = [Result(group, group, prompt, "Hm.", False, f"not {prompt}") for group, prompt in asked.items()]
    with scene.db.begin() as session:
        reports.add(session, None, adapter.id, failed, 1.0)
    for name, sees in {"gus": False, "mia": False, "ada": True}.items():
        person = scene.ws.person(name)
        channel = next(c["name"] for c in await person.channels() if c["kind"] == "channel")
        await person.command(channel, "/mend", "probes")
        said = await note_to(person, "what do I earn?" if sees else "what was asked is for admins to see", channel)
        assert said.plain.count("what do I earn?") == (2 if sees else 0)
        assert "Who are you?" in said.plain
    guest = await home_of(scene, "gus", "Ask me anything")
    assert "👎" not in guest.plain and "what do I earn?" not in guest.plain


@pytest.mark.parametrize("by", ["group", "workspace"])
async def test_a_group_or_the_workspace_can_say_who_is_admin(
    settings: Settings, start_bot: StartBot, ws: Workspace, by: str
) -> None:
    how = {"admin_group": "S0ADMINS01"} if by == "group" else {"workspace_admins": True}
    async with start_bot(with_slack(settings, admins=[], **how)):
        for name, said in {"ada": "Nobody has flagged", "mia": "only my admins may see every case"}.items():
            await ws.person(name).command("general", "/mend", "cases")
            await note_to(ws.person(name), said)
