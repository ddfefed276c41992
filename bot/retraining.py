"""Starting, cancelling and rolling back, as admins ask for it. The trainer is another process, behind the queue."""

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.case_blocks import who
from bot.permissions import Permissions
from bot.progress_messages import ProgressMessages, read
from bot.run_blocks import bar
from bot.run_news import RunNews
from bot.text import escape
from feedback import adapters, answers, reviews, runs
from feedback.adapters import NothingToRollBack
from feedback.database import AsyncDatabase
from feedback.models import Adapter
from feedback.queue import QueueUnavailable, enqueue_run
from feedback.reviews import Queue
from feedback.runs import NothingApproved, RunActive
from serving.adapters import Replicas
from settings import Settings

log = logging.getLogger(__name__)

NO_QUEUE = " The queue can't be reached right now; the trainer starts it as soon as it is back."


@dataclass(frozen=True)
class Move:
    """A rollback to be made: from the live adapter to the one before it (None: the base model)."""

    live: Adapter
    target: Adapter | None


class LiveChanged(Exception):
    """Another adapter went live while a rollback was prepared."""


def planned(session: Session, persona: str) -> Move:
    """What a rollback would do now.

    Raises:
        NothingToRollBack: the base model answers.
    """
    live = adapters.live(session, persona)
    if live is None:
        raise NothingToRollBack("No adapter is live; the base model is answering.")
    return Move(live, adapters.rollback_target(session, live))


def roll_back(session: Session, persona: str, move: Move, by: str) -> None:
    """Make a planned rollback, if it still is what a rollback would do."""
    now = planned(session, persona)
    if (now.live.id, now.target and now.target.id) != (move.live.id, move.target and move.target.id):
        raise LiveChanged
    adapters.roll_back(session, persona, by=by)


class Retraining:
    """What the commands of the same names do. Every method returns escaped mrkdwn for the admin."""

    def __init__(
        self,
        database: AsyncDatabase,
        permissions: Permissions,
        replicas: Replicas,
        progress: ProgressMessages,
        settings: Settings,
        persona: str,
    ) -> None:
        self._database, self._permissions, self._replicas = database, permissions, replicas
        self._progress, self._settings, self._persona = progress, settings, persona

    async def retrain(self, user: str, channel: str, delivery: str) -> str:
        """Start a run over every approved case, and post its progress message."""
        person = await self._permissions.admin(user, "retrain me")
        if not await self._database.run(answers.take_delivery, delivery):
            return ""
        base, seed = str(self._settings.serving.base_model), self._settings.training.seed
        try:
            run = await self._database.run(runs.start, self._persona, base, seed, by=str(person))
        except RunActive:
            return await self._going_on()
        except NothingApproved:
            queue = await self._database.run(reviews.queue, self._persona)
            return nothing_approved(queue, self._settings.slack.command)
        log.info("run started", extra={"action": "run_started", "run_id": run.id, "person": str(person)})
        queued = await self._enqueue(run.id)
        shown = await self._progress.post(run.id, channel, user)
        where = "" if shown else f" I may not post here, so look at `{self._settings.slack.command} status`."
        return f"Run {run.id} is on its way.{'' if queued else NO_QUEUE}{where}"

    async def _going_on(self) -> str:
        active = await self._database.run(runs.active, self._persona)
        if active is None:
            return "A run ended just now. Please look at it, and try again."
        _, news = await self._database.run(read, active.id)
        return going_on(news)

    async def cancel(self, user: str, run_id: int | None = None) -> str:
        """Ask the run that is under way, or a certain one, to stop."""
        person = await self._permissions.admin(user, "cancel a run")
        if run_id is None:
            run = await self._database.run(runs.active, self._persona)
            if run is None:
                return "No run is under way."
            run_id = run.id
        if await self._database.run(runs.request_cancel, run_id, by=str(person)):
            log.info("cancel asked", extra={"action": "run_cancel_requested", "run_id": run_id})
            return f"Run {run_id} stops at its next step. Its cases stay approved."
        return f"Run {run_id} is over, or about to go live; it can't be cancelled any more."

    async def roll_back(self, user: str, delivery: str) -> tuple[str, str]:
        """Bring the adapter before the live one back: what to tell the admin, and the channel (empty: nothing).

        Raises:
            ServingError: a replica does not serve the earlier one; nothing was changed.
        """
        person = await self._permissions.admin(user, "roll back")
        try:
            move = await self._database.run(planned, self._persona)
            if move.target:
                await self._replicas.deploy(move.target.name)  # before the mark moves: the next answer asks for it
            if not await self._database.run(answers.take_delivery, delivery):
                return "", ""
            await self._database.run(roll_back, self._persona, move, str(person))
        except NothingToRollBack as nothing:
            return escape(nothing), ""
        except LiveChanged:
            return "Another version went live just now, so I did nothing. Please look, and try again.", ""
        log.info("rolled back", extra={"action": "rolled_back", "from": move.live.name, "person": str(person)})
        now = f"`{escape(move.target.name)}`" if move.target else "the base model"
        public = (
            f"↩️ {who(str(person))} rolled `{escape(move.live.name)}` back. From the next message on, {now} answers."
        )
        return f"Done: from the next message on, {now} answers. What only the newer one knew is approved again.", public

    async def _enqueue(self, run_id: int) -> bool:
        redis = self._settings.redis
        try:
            await asyncio.to_thread(enqueue_run, redis.url, redis.queue, run_id)
        except QueueUnavailable as error:
            log.warning("not queued", extra={"action": "run_not_queued", "run_id": run_id, "error": str(error)})
            return False
        return True


def going_on(news: RunNews) -> str:
    """A run is under way: who started it, and how far it is."""
    share = bar(news.progress.step, news.progress.steps)
    return f"Run {news.id}, started by {who(news.requested_by)}, is going on: *{news.status}* {share}".strip()


def nothing_approved(queue: Queue, command: str) -> str:
    """Nothing to train on: how many wait, and what to do."""
    waiting = queue.corrected + queue.unmended
    if waiting == 0:
        return "Nothing to train on: no correction is approved, and none waits for a decision."
    verb = "correction waits" if waiting == 1 else "corrections wait"
    again = f" ({queue.unmended} not mended by the training before)" if queue.unmended else ""
    return (
        f"Nothing to train on: no correction is approved. {waiting} {verb} for a decision{again}: `{command} review`."
    )
