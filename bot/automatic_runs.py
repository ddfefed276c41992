"""Looking whether a run is due by itself, and starting it. Several bot processes look; the database lets one start."""

import logging
from collections.abc import Callable
from datetime import datetime

from bot.retraining import Retraining
from feedback import automatic
from feedback.automatic import Rules, Verdict
from feedback.database import AsyncDatabase
from settings import Settings

log = logging.getLogger(__name__)


class AutomaticRuns:
    """Starts runs that are due; they are shown in the channel of record, in an admin's messages where there is none."""

    def __init__(
        self,
        database: AsyncDatabase,
        retraining: Retraining,
        settings: Settings,
        persona: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._retraining = database, retraining
        self._settings, self._persona, self._clock = settings, persona, clock
        self.rules = Rules.of(settings.training)

    async def round(self) -> None:
        """Look once; nothing while another process looks."""
        if not self.rules.on and self.rules.attempts == 1:
            return
        async with self._database.alone(f"mend-automatic-{self._persona}") as mine:
            if mine:
                await self._start()

    async def _start(self) -> None:
        base, seed = str(self._settings.serving.base_model), self._settings.training.seed
        slack = self._settings.slack
        channel = slack.record_channel or next(iter(slack.admins), None)
        run = await self._database.run(
            automatic.start_if_due, self._persona, self.rules, self._clock(), base, seed, channel
        )
        if isinstance(run, Verdict):
            return
        log.info("run started", extra={"action": "run_started", "run_id": run.id, "person": run.requested_by})
        await self._retraining.enqueue(run.id)
