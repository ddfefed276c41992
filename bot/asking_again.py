"""Asking a mended question once more, at a click under the news."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot.intake import Intake
from bot.people import Me
from bot.questions import Asked, Kind
from bot.text import quote
from feedback import answers, cases
from feedback.answers import Question
from feedback.database import AsyncDatabase
from feedback.models import Answer


@dataclass(frozen=True)
class Again:
    """The answer that a case was about."""

    question: str
    answer: Answer


def read(session: Session, case_id: int, delivery: str) -> Again | None:
    """The question to ask again; None for a click that was taken before, or a case from a file."""
    case = cases.get(session, case_id)
    if case.answer is None or not answers.take_delivery(session, delivery):
        return None
    return Again(case.question, case.answer)


class AskingAgain:
    """Posts the question under the clicker's name, and has it answered in the same thread."""

    def __init__(self, database: AsyncDatabase, client: AsyncWebClient, intake: Intake, me: Me) -> None:
        self._database, self._client, self._intake, self._me = database, client, intake, me

    async def ask(self, case_id: int, user: str, team: str, delivery: str) -> None:
        """Ask; the same click again changes nothing."""
        again = await self._database.run(read, case_id, delivery)
        if again is None:
            return
        row = again.answer
        posted = await self._client.chat_postMessage(
            channel=row.channel_id,
            thread_ts=row.thread_ts,
            text=f"<@{user}> asks again:\n{quote(again.question)}",
            unfurl_links=False,
        )
        ts = str(posted["ts"])
        where = (row.persona, row.team_id, row.channel_id, row.thread_ts)
        question = Question(*where, ts, user, team, again.question, row.shared)
        await self._intake.ask(Asked(Kind.MENTION, question), f"again:{ts}")
