"""Telling threads what became of their cases. One bot process at a time does it, so that nobody is told twice."""

import logging
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot.blocks import Block, in_words
from bot.case_blocks import news
from bot.patience import Patience
from bot.progress_messages import ProgressMessages
from bot.slack_errors import REFUSALS, code
from bot.text import escape
from feedback import cases, flags, reports, reviews
from feedback.database import AsyncDatabase
from feedback.models import Answer, Case
from feedback.states import CaseStatus

log = logging.getLogger(__name__)


def says_now(session: Session, case: Case) -> str | None:
    """What the adapter that learned a case says to its question."""
    if case.status is not CaseStatus.MENDED or case.adapter_id is None:
        return None
    return reports.said_to_case(session, case.adapter_id, case.id, case.question)


class Announcing:
    """Keeps progress messages and threads up to date."""

    def __init__(
        self, database: AsyncDatabase, client: AsyncWebClient, progress: ProgressMessages, persona: str
    ) -> None:
        self._database, self._client, self._progress, self._persona = database, client, progress, persona
        self._patience = Patience()

    async def round(self) -> None:
        """Tell everything that is new; nothing while another process is at it."""
        async with self._database.alone(f"mend-announcing-{self._persona}") as mine:
            if not mine:
                return
            await self._progress.update_all()
            for case in await self._database.run(cases.to_announce, self._persona):
                if not self._patience.rests(case.id) and await self._tell(case):
                    self._patience.forget(case.id)
                    await self._database.run(reviews.told, case.id, case.status)

    async def _tell(self, case: Case) -> bool:
        """Post the news into the case's thread; True when there is nothing left to tell."""
        told = news(case, await self._database.run(says_now, case), await self._database.run(flags.flaggers, case))
        if case.answer is None or told is None:  # it came from a file, or has moved on since
            return True
        text, blocks = told
        try:
            await self._post(case.answer, escape(text), blocks)
        except REFUSALS as error:
            again = self._patience.again(case.id, error)
            extra = {"action": "news_refused", "case_id": case.id, "again": again}
            log.warning("news refused", extra={**extra, "error": code(error) or repr(error)})
            return not again
        log.info("news told", extra={"action": "news_told", "case_id": case.id, "status": case.status})
        return True

    async def _post(self, answer: Answer, text: str, blocks: list[Block]) -> None:
        place: dict[str, Any] = {"channel": answer.channel_id, "thread_ts": answer.thread_ts}
        try:
            await self._client.chat_postMessage(**place, text=text, blocks=blocks, unfurl_links=False)
        except SlackApiError as error:
            if code(error) != "invalid_blocks":
                raise
            log.error("news without blocks", extra={"action": "news_undrawn", "answer_id": answer.id})
            await self._client.chat_postMessage(**place, text=in_words(blocks) or text, unfurl_links=False)
