"""What people do again and again in these tests, and how to see what came of it."""

import asyncio

from sqlalchemy import func, select

from feedback.models import Answer, Case, Run, Vote
from feedback.states import AnswerStatus, CaseStatus, VoteValue
from sandbox.client import Message, Person, View
from tests.integration.bot.conftest import Scene
from tests.integration.bot.trainer_by_hand import TrainerByHand


async def note_to(person: Person, text: str, channel: str = "general") -> Message:
    return await person.wait_for(channel, lambda m: m.ephemeral and text in m.plain)


async def thumb_down(person: Person, answer: Message) -> View:
    await person.click("general", answer.ts, "mend_feedback", "negative")
    return await person.wait_for_view()


def filled(correction: str, reason: str | None = None) -> dict[str, dict[str, str]]:
    return {"text": {"text": correction}} | ({"reason": {"reason": reason}} if reason else {})


async def corrected(scene: Scene, question: str, correction: str) -> Message:
    """An answer that Mia has flagged and corrected."""
    answer = await scene.ask(scene.mia, question)
    assert await scene.mia.submit(await thumb_down(scene.mia, answer), filled(correction)) is None
    await note_to(scene.mia, "Your correction is case")
    return answer


async def review(scene: Scene, wanted: str, person: Person | None = None) -> View:
    return await (person or scene.ada).wait_for_view(lambda view: wanted in view.plain)


async def approve_all(scene: Scene) -> None:
    await scene.ada.command("general", "/mend", "review")
    while True:
        view = await scene.ada.wait_for_view()
        if "Nothing waits" in view.plain:
            await scene.ada.close(view)
            return
        await scene.ada.click_view(view, "mend_approve")
        await scene.ada.wait_for_view(lambda after, before=view.plain: after.plain != before)  # type: ignore[misc]


def statuses(scene: Scene) -> list[CaseStatus]:
    with scene.db.begin() as session:
        return list(session.scalars(select(Case.status).order_by(Case.id)))


async def progress(person: Person, text: str, channel: str = "general") -> Message:
    """A run's message, not the word in its thread that it is over."""
    return await person.wait_for(
        channel, lambda m: m.by_app and not m.ephemeral and m.thread_ts in {None, m.ts} and text in m.plain
    )


def votes(scene: Scene) -> dict[str, VoteValue]:
    with scene.db.begin() as session:
        return {vote.user_id: vote.value for vote in session.scalars(select(Vote))}


def cases_of(scene: Scene) -> list[Case]:
    with scene.db.begin() as session:
        return list(session.scalars(select(Case).order_by(Case.id)))


def runs_of(scene: Scene) -> list[str]:
    with scene.db.begin() as session:
        return list(session.scalars(select(Run.requested_by).order_by(Run.id)))


async def preview_of(admin: Person) -> Message:
    await admin.command("general", "/mend", "retrain")
    return await admin.wait_for("general", lambda m: m.element("mend_confirm_run") is not None)


async def approved(scene: Scene, trainer: TrainerByHand, question: str, correction: str) -> Message:
    """An answer that Mia has flagged and corrected, and an admin has approved."""
    answer = await scene.ask(scene.mia, question)
    assert await scene.mia.submit(await thumb_down(scene.mia, answer), filled(correction, "identity")) is None
    await trainer.approve_all()
    return answer


async def news(scene: Scene, words: str, answer: Message) -> Message:
    return await scene.mia.wait_for("general", lambda m: words in m.plain, thread_ts=answer.thread_ts)


def only_case(scene: Scene) -> Case:
    with scene.db.begin() as session:
        return session.scalars(select(Case)).one()


def words(count: int) -> str:
    return " ".join(f"word{number}" for number in range(count)) + " end"


def only_answer(scene: Scene) -> Answer:
    with scene.db.begin() as session:
        return session.scalars(select(Answer)).one()


async def until_recorded(scene: Scene, count: int = 1) -> None:
    for _ in range(600):
        with scene.db.begin() as session:
            open_ones = select(func.count()).select_from(Answer).where(Answer.status != AnswerStatus.PENDING)
            if session.execute(open_ones).scalar_one() >= count:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the answer was not recorded")


async def until_statuses(scene: Scene, *expected: CaseStatus) -> None:
    """A window is open a moment before its thumb and the case are stored."""
    async with asyncio.timeout(30):
        while statuses(scene) != list(expected):  # noqa: ASYNC110  (PostgreSQL tells nobody)
            await asyncio.sleep(0.05)


async def until_vote_rows(scene: Scene, count: int) -> None:
    """Somebody may have voted on several answers."""
    async with asyncio.timeout(30):
        while True:
            with scene.db.begin() as session:
                if len(list(session.scalars(select(Vote.id)))) == count:
                    return
            await asyncio.sleep(0.05)


async def until_voted(scene: Scene, count: int = 1) -> None:
    """The window is open a moment before the vote is stored."""
    for _ in range(600):
        if len(votes(scene)) >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the vote was not stored")
