"""Starting, cancelling, pausing: as admins ask for it. The trainer is another process, behind the queue."""

import asyncio
import logging
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bot import run_preview
from bot.case_blocks import who
from bot.listings import paused_line
from bot.permissions import Permissions
from bot.progress_messages import ProgressMessages, read
from bot.replies import NOTHING, Reply
from bot.run_blocks import bar
from bot.run_news import RunNews
from bot.text import shorten
from feedback import answers, pauses, previews, reviews, runs
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.experiments import Rules
from feedback.models import Pause, Run
from feedback.persona import Persona
from feedback.previews import Preview, PreviewOutdated
from feedback.queue import QueueUnavailable, enqueue_run
from feedback.recipe import RecipeError, Stock, take_stock
from feedback.reviews import Queue
from feedback.runs import NothingApproved, RunActive, RunsPaused
from feedback.states import RunStatus
from settings import Settings

log = logging.getLogger(__name__)

MAY, CANCEL = "retrain me", "cancel a run"
LONGEST_WHY = 300
IN_DOUBT = (
    "I can't reach my memory right now, so I don't know whether the training was started. If it was, its progress"
    " message comes when my memory is back. If none comes, start it again: it can't start twice."
)
MAY_NOT_POST = " I may not post here, so look at `{} status`."
NO_QUEUE = " The queue can't be reached right now; the trainer starts it as soon as it is back."


class StartInDoubt(Exception):
    """The record went away while a run was being started. The run may be in it: a commit's answer can be lost."""


@dataclass(frozen=True)
class Confirmed:
    """A preview that somebody has confirmed. ``shown`` is its fingerprint, ``delivery`` tells a click sent again."""

    user: str
    channel: str
    shown: str
    delivery: str


def start(session: Session, persona: str, base_model: str, seed: int, asked: Confirmed, by: str) -> Run | None:
    """Start what was shown; None when this click was taken before."""
    if not answers.take_delivery(session, asked.delivery):
        return None
    return previews.start_shown(session, persona, base_model, seed, asked.shown, by=by, channel=asked.channel)


class Retraining:
    """What the commands of the same names do. Replies are escaped mrkdwn for the admin."""

    def __init__(
        self,
        database: AsyncDatabase,
        permissions: Permissions,
        progress: ProgressMessages,
        settings: Settings,
        persona: Persona,
    ) -> None:
        self._database, self._permissions = database, permissions
        self._progress, self._settings = progress, settings
        self._who, self._persona = persona, persona.slug

    async def preview(self, user: str) -> Preview | str:
        """What a run would be, or why none can start.

        Raises:
            Denied: the user is no admin.
        """
        await self._permissions.admin(user, MAY)
        return await self._preview()

    async def confirm(self, asked: Confirmed) -> Preview | str:
        """Start the run that was shown, and post its progress message; another preview if it would be another run.

        Raises:
            Denied: the user is no admin any more.
            StartInDoubt: nobody knows whether it was started.
        """
        by = str(await self._permissions.admin(asked.user, MAY))
        base, seed = str(self._settings.serving.base_model), self._settings.training.seed
        try:
            run = await self._database.run(start, self._persona, base, seed, asked, by)
        except PreviewOutdated:
            return await self._preview()
        except (RunActive, RunsPaused, NothingApproved) as refused:
            return await self._refusal(refused)
        except DatabaseUnavailable as error:
            log.warning("start in doubt", extra={"action": "run_start_in_doubt", "person": by, "error": str(error)})
            raise StartInDoubt(IN_DOUBT) from error
        if run is None:
            return ""
        log.info("run started", extra={"action": "run_started", "run_id": run.id, "person": by})
        queued = await self.enqueue(run.id)
        where = "" if await self.posted(run.id) else MAY_NOT_POST.format(self._settings.slack.command)
        return f"Run {run.id} is on its way.{'' if queued else NO_QUEUE}{where}"

    async def posted(self, run_id: int) -> bool:
        """Whether the run's message is posted, or will be."""
        try:
            return await self._progress.post(run_id)
        except DatabaseUnavailable:
            log.warning("progress postponed", extra={"action": "progress_postponed", "run_id": run_id})
            return True

    async def cancel(self, user: str, run_id: int) -> str:
        """Ask a run to stop."""
        return await self._cancel(run_id, str(await self._permissions.admin(user, CANCEL)))

    async def cancel_active(self, user: str, delivery: str) -> str:
        """Ask the run that is under way to stop."""
        by = str(await self._permissions.admin(user, CANCEL))
        run = await self._database.run(answers.once, delivery, runs.active, self._persona)
        return await self._cancel(run.id, by) if run else "No run is under way."

    async def _cancel(self, run_id: int, by: str) -> str:
        if await self._database.run(runs.request_cancel, run_id, by=by):
            log.info("cancel asked", extra={"action": "run_cancel_requested", "run_id": run_id, "person": by})
            return f"Run {run_id} stops at its next step. Its cases stay approved."
        return f"Run {run_id} is over, or about to go live; it can't be cancelled any more."

    async def pause(self, user: str, why: str, delivery: str) -> str:
        """Let no run start until somebody resumes."""
        by = str(await self._permissions.admin(user, "pause training"))
        why = shorten(why, LONGEST_WHY)
        paused = await self._database.run(answers.once, delivery, pauses.pause, self._persona, by=by, why=why)
        if paused is None:
            return ""
        made, new = paused
        resume = f"`{self._settings.slack.command} resume`"
        if not new:
            return f"{paused_line(made)}. It stays so until {resume}."
        log.info("paused", extra={"action": "training_paused", "person": by})
        active = await self._database.run(runs.active, self._persona)
        goes_on = f" Run {active.id} goes on; `{self._settings.slack.command} cancel` stops it." if active else ""
        return (
            f"Training is paused: nothing is trained, by hand or by itself, until {resume}."
            f" Flags, corrections and approvals go on.{goes_on}"
        )

    async def resume(self, user: str, delivery: str) -> str:
        """End the pause."""
        by = str(await self._permissions.admin(user, "resume training"))
        ended = await self._database.run(answers.once, delivery, pauses.resume, self._persona, by=by)
        if not ended:
            return "" if ended is None else "Training is not paused."
        log.info("resumed", extra={"action": "training_resumed", "person": by})
        return f"Training may go on. `{self._settings.slack.command} retrain` starts it."

    async def enqueue(self, run_id: int) -> bool:
        """Put a run on the queue; False when the trainer has to find it by itself."""
        redis = self._settings.redis
        try:
            await asyncio.to_thread(enqueue_run, redis.url, redis.queue, run_id)
        except QueueUnavailable as error:
            log.warning("not queued", extra={"action": "run_not_queued", "run_id": run_id, "error": str(error)})
            return False
        return True

    async def _preview(self) -> Preview | str:
        base = str(self._settings.serving.base_model)
        try:
            stock = await asyncio.to_thread(self._stock)
            rules = Rules.of(self._settings.experiment)
            found = await self._database.run(previews.read, self._persona, base, stock, rules)
            return replace(found, attempts=self._settings.training.attempts)
        except (RunActive, RunsPaused, NothingApproved) as refused:
            return await self._refusal(refused)

    def _stock(self) -> Stock | None:
        """What there is to train on besides cases; None where the trainer's files are not there to be counted."""
        try:
            return take_stock(self._settings.training.config, self._settings.persona_dir, self._who)
        except RecipeError as error:
            log.warning("no recipe", extra={"action": "recipe_unreadable", "error": str(error)})
            return None

    async def _refusal(self, refused: RunActive | RunsPaused | NothingApproved) -> str:
        if isinstance(refused, RunsPaused):
            return paused(refused.pause, self._settings.slack.command)
        if isinstance(refused, NothingApproved):
            queue = await self._database.run(reviews.queue, self._persona)
            return nothing_approved(queue, self._settings.slack.command)
        _, news = await self._database.run(read, refused.run_id)
        return going_on(news, self._settings.slack.command)


def as_reply(found: Preview | str, notice: str = "") -> Reply:
    """A preview with its buttons, or word of why there is none."""
    if isinstance(found, Preview):
        return run_preview.preview(found, notice)
    return Reply(found) if found else NOTHING


def paused(pause: Pause, command: str) -> str:
    """Nothing starts now: who has paused training, and what ends it."""
    return f"{paused_line(pause)}. `{command} resume` ends the pause."


def going_on(news: RunNews, command: str) -> str:
    """A run is under way: who started it, and how far it is."""
    if news.status is RunStatus.CANARY:
        return (
            f"The canary of run {news.id} is out, and its cases are settled with it: promote it or take it back first,"
            f" with `{command} canary`."
        )
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
