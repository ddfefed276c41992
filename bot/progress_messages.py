"""The one message that shows how far a training run is: posted when it starts, edited as the record changes."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot import run_blocks
from bot.run_news import RunNews, collect, with_figures
from bot.slack_errors import REFUSALS, code, passes
from bot.text import escape
from feedback import runs
from feedback.database import AsyncDatabase
from feedback.models import Json, Run
from feedback.states import ACTIVE_RUNS, RunStatus
from feedback.votes import Person

log = logging.getLogger(__name__)

CALL = 20.0  # seconds for one call, its own waiting for Slack's limits included
LOOKS = 40  # in as many seconds as a call may take, whether another process has posted


def read(session: Session, run_id: int) -> tuple[Run, RunNews]:
    """A run, and how it is shown."""
    run = runs.get(session, run_id)
    return run, with_figures(session, run, collect(session, run))


def outdated(session: Session, persona: str) -> list[int]:
    """Runs whose message does not show what is in the record."""
    return [run.id for run in runs.to_show(session, persona)]


def _places(run: Run, record_channel: str) -> list[str]:
    """Where a run's message may go, best first: where it is wanted, the channel of record, who has started it."""
    person = Person.parse(run.requested_by)
    places = (run.channel_id, record_channel, person.user_id if person else "")
    return [place for place in dict.fromkeys(places) if place]


@dataclass(frozen=True)
class Posted:
    """A message that Slack has, and what it shows."""

    channel: str
    ts: str
    shows: Json


class ProgressMessages:
    """Posts and edits them."""

    def __init__(self, database: AsyncDatabase, client: AsyncWebClient, persona: str, record_channel: str) -> None:
        self._database, self._client, self._persona = database, client, persona
        self._record_channel = record_channel
        self._unwritten: dict[int, Posted] = {}  # posted while PostgreSQL was away; not to be posted again
        self._said: set[tuple[int, str]] = set()  # what is told of the ends of runs, and where

    async def post(self, run_id: int) -> bool:
        """Post a run's message where it is wanted, if nobody has; False when no place takes it, now or later.

        Whoever starts a run and the round that looks after all of them may be at it at once: one of them posts.
        """
        for _ in range(LOOKS):
            async with self._database.alone(f"mend-progress-{run_id}") as mine:
                if mine:
                    return await self._post_somewhere(run_id)
            await asyncio.sleep(CALL / LOOKS)
        return True

    async def _post_somewhere(self, run_id: int) -> bool:
        run, news = await self._database.run(read, run_id)
        if run.message_ts is not None or run.channel_id is None:
            return run.message_ts is not None
        for place in _places(run, self._record_channel):
            try:
                await self._post(run, news, place)
            except REFUSALS as error:
                extra = {"action": "progress_refused", "run_id": run_id, "error": code(error) or repr(error)}
                log.info("progress refused", extra=extra)
                if passes(error):
                    return True  # the next round tries again
            else:
                return True
        log.warning("run not shown", extra={"action": "run_not_shown", "run_id": run_id})
        await self._database.run(runs.give_message_up, run_id)
        return False

    async def _post(self, run: Run, news: RunNews, place: str) -> None:
        if run.id not in self._unwritten:
            async with asyncio.timeout(CALL):
                posted = await self._client.chat_postMessage(
                    channel=place, text=escape(run_blocks.summary(news)), blocks=run_blocks.progress(news)
                )
            # The end of a run is told with an edit: one that is over already counts as not shown yet.
            shows = runs.showing(run) if run.status in ACTIVE_RUNS else {}
            self._unwritten[run.id] = Posted(str(posted["channel"]), str(posted["ts"]), shows)
        there = self._unwritten[run.id]
        await self._database.run(runs.set_message, run.id, there.channel, there.ts, there.shows)
        del self._unwritten[run.id]

    async def update_all(self) -> None:
        """Post what is not posted and bring every message up to date; one that Slack will not have is let go."""
        for run_id in await self._database.run(runs.unposted, self._persona):
            await self.post(run_id)
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
