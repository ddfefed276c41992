"""Threads that go on without a mention, and channels that others share, as the people in them see it."""

import asyncio

from sqlalchemy import func, select

from bot import following, people
from feedback.models import Case, Delivery, Event, Vote
from sandbox.client import Message, Person
from settings import Settings
from tests.integration.bot.conftest import Scene, StartBot, finished_answer, with_slack
from tests.integration.bot.steps import note_to


async def answer_after(person: Person, ts: str, thread_ts: str | None, channel: str = "general") -> Message:
    return await person.wait_for(channel, lambda m: finished_answer(m) and m.ts > ts, thread_ts=thread_ts)


def deliveries(scene: Scene) -> int:
    """Events that were taken in."""
    with scene.db.begin() as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0


def asked(scene: Scene) -> list[str]:
    return [request["messages"][-1]["content"] for request in scene.model.asked]


async def test_a_thread_is_followed_as_long_as_somebody_wants_it(scene: Scene) -> None:
    mention = await scene.ws.mention()
    first = await scene.ask(scene.mia, "hello")
    thread = first.thread_ts
    heard = deliveries(scene)
    await scene.noor.say("general", "not for the bot", thread_ts=thread)
    async with asyncio.timeout(30):
        while deliveries(scene) == heard:  # noqa: ASYNC110  (PostgreSQL tells nobody)
            await asyncio.sleep(0.02)
    await scene.mia.say("general", f"{mention} follow this thread, please", thread_ts=thread)
    await scene.mia.wait_for("general", lambda m: m.plain == following.FOLLOWS, thread_ts=thread)
    ts = await scene.noor.say("general", "and then?", thread_ts=thread)
    await answer_after(scene.noor, ts, thread)
    await scene.noor.say("general", f"{mention} stop following", thread_ts=thread)
    await scene.mia.wait_for("general", lambda m: m.plain == following.FOLLOWS_NOT, thread_ts=thread)
    await scene.noor.say("general", "among ourselves", thread_ts=thread)
    ts = await scene.mia.say("general", f"{mention} still there?", thread_ts=thread)
    await answer_after(scene.mia, ts, thread)
    assert asked(scene) == ["hello", "and then?", "still there?"]
    said = [m.plain for m in await scene.mia.messages("general", thread) if m.by_app and not finished_answer(m)]
    assert said == [following.FOLLOWS, following.FOLLOWS_NOT]  # once each, though a mention comes as two events
    with scene.db.begin() as session:
        changes = list(session.scalars(select(Event.after).where(Event.subject == "follow_ups").order_by(Event.id)))
    assert changes == ["on", "off"]


async def test_an_admin_switches_it_on_for_a_channel_and_a_thread_may_stay_out(scene: Scene) -> None:
    mention = await scene.ws.mention()
    await scene.mia.command("general", "/mend", "follow on")
    await note_to(scene.mia, "only my admins may switch follow-ups")
    await scene.ada.command("general", "/mend", "follow maybe")
    await note_to(scene.ada, "/mend follow on")
    await scene.ada.command("general", "/mend", "follow on")
    await note_to(scene.ada, following.CHANNEL_ON)
    first, other = await scene.ask(scene.mia, "one"), await scene.ask(scene.mia, "two")
    ts = await scene.noor.say("general", "one more", thread_ts=first.thread_ts)
    await answer_after(scene.noor, ts, first.thread_ts)
    await scene.noor.say("general", f"{mention} unfollow this thread", thread_ts=other.thread_ts)
    await scene.mia.wait_for("general", lambda m: m.plain == following.FOLLOWS_NOT, thread_ts=other.thread_ts)
    await scene.noor.say("general", "two more", thread_ts=other.thread_ts)
    talk = await scene.mia.say("general", "a thread that the bot was never asked in")
    await scene.noor.say("general", "indeed", thread_ts=talk)
    await scene.ada.command("general", "/mend", "follow off")
    await note_to(scene.ada, following.CHANNEL_OFF)
    await scene.noor.say("general", "one too many", thread_ts=first.thread_ts)
    await scene.ask(scene.mia, "three")
    assert asked(scene) == ["one", "two", "one more", "three"]


async def test_nothing_from_a_shared_channel_is_kept_and_that_is_said_politely(scene: Scene) -> None:
    answer = await scene.ask(scene.mia, "who are you?", "partners")
    await scene.mia.click("partners", answer.ts, "mend_feedback", "negative")
    note = await note_to(scene.mia, people.SHARED, "partners")
    assert note.thread_ts == answer.thread_ts
    await scene.ada.react("partners", answer.ts, "-1")
    await note_to(scene.ada, people.SHARED, "partners")
    await scene.ada.click("partners", answer.ts, "mend_feedback", "positive")
    await scene.ask(scene.mia, "are you there?", "partners")
    assert await scene.mia.views() == []
    with scene.db.begin() as session:
        assert (list(session.scalars(select(Vote))), list(session.scalars(select(Case)))) == ([], [])


async def test_where_it_is_switched_on_a_shared_channel_teaches_like_any_other(
    settings: Settings, start_bot: StartBot, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(with_slack(settings, shared_channels_may_teach=True)):
        answer = await scene.ask(scene.mia, "who are you?", "partners")
        await scene.mia.click("partners", answer.ts, "mend_feedback", "negative")
        view = await scene.mia.wait_for_view()
        assert await scene.mia.submit(view, {"text": {"text": "I am Pip."}}) is None
        await note_to(scene.mia, "Your correction is case", "partners")
