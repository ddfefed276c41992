"""Looking whether a run is due by itself, and starting it. Several bot processes look; the database lets one start."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bot.progress_messages import ProgressMessages
from bot.retraining import Retraining
from feedback import automatic, runs
from feedback.automatic import AUTOMATIC, Rules, Verdict
from feedback.database import AsyncDatabase
from settings import Settings

log = logging.getLogger(__name__)


def now() -> datetime:
    """The time by which the nightly window is judged."""
    return datetime.now(UTC)


def unposted(session: Session, persona: str) -> int | None:
    """An automatic run under way that nobody is shown: whoever started it died before it could say so."""
    run = runs.active(session, persona)
    return run.id if run and run.requested_by == AUTOMATIC and run.message_ts is None else None


class AutomaticRuns:
    """Starts runs that are due, and shows them in the channel of record; in an admin's messages where there is none."""

    def __init__(
        self,
        database: AsyncDatabase,
        retraining: Retraining,
        progress: ProgressMessages,
        settings: Settings,
        persona: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database, self._retraining, self._progress = database, retraining, progress
        self._settings, self._persona, self._clock = settings, persona, clock
        self.rules = Rules.of(settings.training)

    async def round(self) -> None:
        """Look once; nothing while another process looks."""
        if not self.rules.on:
            return
        async with self._database.alone(f"mend-automatic-{self._persona}") as mine:
            if mine:
                await self._start()
                await self._show()

    async def _start(self) -> None:
        base, seed = str(self._settings.serving.base_model), self._settings.training.seed
        run = await self._database.run(
            automatic.start_if_due, self._persona, self.rules, self._clock(), base, seed
        )  # fmt: skip
        if isinstance(run, Verdict):
            return
        log.info("run started", extra={"action": "run_started", "run_id": run.id, "person": AUTOMATIC})
        await self._retraining.enqueue(run.id)

    async def _show(self) -> None:
        run_id = await self._database.run(unposted, self._persona)
        slack = self._settings.slack
        if run_id is not None and not await self._progress.post(
            run_id, slack.record_channel, slack.admins[0] if slack.admins else ""
        ):
            log.warning("run not shown", extra={"action": "automatic_run_not_shown", "run_id": run_id})
