"""Asking a mended question once more, at a click under the news."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot.intake import Intake
from bot.people import Me
from bot.questions import Asked, Kind
from bot.slack_errors import REFUSALS
from bot.text import quote
from feedback import answers, cases
from feedback.answers import Question
from feedback.database import AsyncDatabase
from feedback.models import Answer


@dataclass(frozen=True)
class Again:
    """The answer that a case was about. ``taken`` is what keeps the click, and others like it, from counting twice."""

    question: str
    answer: Answer
    taken: tuple[str, ...]


def read(session: Session, case_id: int, user: str, delivery: str) -> Again | None:
    """The question to ask again; None for a click that was taken before, or a case from a file.

    Whoever clicks once more before there is a new answer in the thread waits for the one that is on its way.
    """
    case = cases.get(session, case_id)
    if case.answer is None:
        return None
    waits = f"again:{case_id}:{user}:{answers.newest_in_thread(session, case.answer)}"
    if not all(answers.take_delivery(session, key) for key in (delivery, waits)):
        return None
    return Again(case.question, case.answer, (delivery, waits))


class AskingAgain:
    """Posts the question under the clicker's name, and has it answered in the same thread."""

    def __init__(self, database: AsyncDatabase, client: AsyncWebClient, intake: Intake, me: Me) -> None:
        self._database, self._client, self._intake, self._me = database, client, intake, me

    async def ask(self, case_id: int, user: str, team: str, delivery: str) -> None:
        """Ask; the same click again changes nothing."""
        again = await self._database.run(read, case_id, user, delivery)
        if again is None:
            return
        row = again.answer
        try:
            posted = await self._client.chat_postMessage(
                channel=row.channel_id,
                thread_ts=row.thread_ts,
                text=f"<@{user}> asks again:\n{quote(again.question)}",
                unfurl_links=False,
            )
        except REFUSALS:
            await self._database.run(answers.forget_deliveries, again.taken)  # the next click is to be carried out
            raise
        ts = str(posted["ts"])
        where = (row.persona, row.team_id, row.channel_id, row.thread_ts)
        question = Question(*where, ts, user, team, again.question, row.shared)
        await self._intake.ask(Asked(Kind.MENTION, question), f"again:{ts}")
