"""The one message that shows how far a training run is: posted when it starts, edited as the record changes."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot import run_blocks
from bot.run_news import RunNews, collect, with_figures
from bot.slack_errors import NETWORK, code, passes
from bot.text import escape
from feedback import runs
from feedback.database import AsyncDatabase
from feedback.models import Run
from feedback.states import RunStatus

log = logging.getLogger(__name__)

REFUSALS = (SlackApiError, *NETWORK)
CALL = 20.0  # seconds for one call, its own waiting for Slack's limits included


def read(session: Session, run_id: int) -> tuple[Run, RunNews]:
    """A run, and how it is shown."""
    run = runs.get(session, run_id)
    return run, with_figures(session, run, collect(session, run))


def outdated(session: Session, persona: str) -> list[int]:
    """Runs whose message does not show what is in the record."""
    return [run.id for run in runs.to_show(session, persona)]


class ProgressMessages:
    """Posts and edits them."""

    def __init__(self, database: AsyncDatabase, client: AsyncWebClient, persona: str, record_channel: str) -> None:
        self._database, self._client, self._persona = database, client, persona
        self._record_channel = record_channel
        self._said: set[tuple[int, str]] = set()  # what is told of the ends of runs, and where

    async def post(self, run_id: int, channel: str, user: str) -> bool:
        """Post a run's message in a channel, or to its user where the bot may not post; False when neither works."""
        run, news = await self._database.run(read, run_id)
        for place in (channel, self._record_channel, user):
            if not place:
                continue
            try:
                posted = await self._client.chat_postMessage(
                    channel=place, text=escape(run_blocks.summary(news)), blocks=run_blocks.progress(news)
                )
            except REFUSALS as error:
                log.info("progress refused", extra={"action": "progress_refused", "error": code(error) or repr(error)})
                continue
            await self._database.run(runs.set_message, run_id, str(posted["channel"]), str(posted["ts"]))
            await self._database.run(runs.shown, run_id, runs.showing(run))
            return True
        return False

    async def update_all(self) -> None:
        """Bring every message up to date; one that Slack will not have is let go."""
        for run_id in await self._database.run(outdated, self._persona):
            await self._update(run_id)

    async def redraw(self, run_id: int, pictures: Mapping[str, str]) -> None:
        """Edit a run's message, with these Slack files as its pictures.

        Raises:
            SlackApiError: Slack refuses it.
        """
        run, news = await self._database.run(read, run_id)
        await self._edit(run, replace(news, pictures=pictures))

    async def _edit(self, run: Run, news: RunNews) -> None:
        async with asyncio.timeout(CALL):
            await self._client.chat_update(
                channel=str(run.channel_id),
                ts=str(run.message_ts),
                text=escape(run_blocks.summary(news)),
                blocks=run_blocks.progress(news),
            )

    async def _update(self, run_id: int) -> None:
        run, news = await self._database.run(read, run_id)
        try:
            await self._edit(run, news)
        except REFUSALS as error:
            log.info("progress refused", extra={"action": "progress_refused", "error": code(error) or repr(error)})
            if passes(error):
                return  # the next round tries again
        if not (await self._tell_record_channel(run, news) and await self._tell_end(run, news)):
            return
        await self._database.run(runs.shown, run_id, runs.showing(run))

    async def _tell_record_channel(self, run: Run, news: RunNews) -> bool:
        """Say in the channel of record that a run went live, if its message is elsewhere; False: not yet."""
        told = (run.announced or {}).get("status") == RunStatus.LIVE
        if news.status is not RunStatus.LIVE or told or self._record_channel in {"", run.channel_id}:
            return True
        blocks = run_blocks.progress(news)
        return await self._say(run.id, self._record_channel, text=escape(run_blocks.summary(news)), blocks=blocks)

    async def _tell_end(self, run: Run, news: RunNews) -> bool:
        """Tell who started a run, under its message, that it is over: an edit rings no bell; False: not yet."""
        text = run_blocks.ended(news)
        if not text or run.channel_id is None or (run.announced or {}).get("status") == news.status:
            return True
        return await self._say(run.id, run.channel_id, thread_ts=run.message_ts, text=text)

    async def _say(self, run_id: int, channel: str, **message: Any) -> bool:
        """Post once; False when that is to be tried again."""
        if (run_id, channel) in self._said:
            return True
        try:
            await self._client.chat_postMessage(channel=channel, **message)
        except REFUSALS as error:
            log.warning("end not told", extra={"action": "run_end_not_told", "error": code(error) or repr(error)})
            return not passes(error)
        self._said.add((run_id, channel))
        return True
