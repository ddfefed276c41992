"""While the model server sleeps for a training: what people are told, and waking it when everybody else is gone."""

import contextlib
import logging
import math
import time
from datetime import UTC, datetime

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Block, actions, button, section
from bot.private import whisper
from bot.slack_errors import REFUSALS
from bot.spot import Spot
from feedback import adapters, answers, naps
from feedback.database import AsyncDatabase
from feedback.naps import Nap
from serving import sharing, sleeping
from serving.adapters import Replicas
from serving.errors import AdapterLoadError, ServingError
from settings import ServingSettings

log = logging.getLogger(__name__)

STOP_WAITING = "mend_stop_waiting"
ASLEEP = "the model server sleeps while a training has the GPU"
STOPPED = "All right, I won't answer this one."
NOT_WAITING = "Nothing that you asked here is waiting any more."


def told(nap: Nap, now: datetime) -> str:
    """What is said once in a thread whose question has to wait."""
    return f"I am learning something new and will be back {_when(nap, now)}. Your question waits; I answer it then."


def status(nap: Nap, now: datetime) -> str:
    """What is shown as long as Slack shows it."""
    return f"is learning, back {_when(nap, now)}"


def with_stop(text: str, answer_id: int) -> list[Block]:
    """The message, with a way out for who does not want to wait."""
    return [section(text), actions([button("Stop waiting", STOP_WAITING, str(answer_id))])]


def _when(nap: Nap, now: datetime) -> str:
    left = (nap.ends - now).total_seconds() if nap.ends else None
    if left is None:
        return "in a few minutes"
    minutes = math.ceil(left / 60)
    return f"in about {minutes} minutes" if minutes > 1 else "in about a minute"


class Napping:
    """Looks at the record, and only where the server may sleep at all."""

    def __init__(
        self,
        database: AsyncDatabase,
        client: AsyncWebClient,
        replicas: Replicas,
        settings: ServingSettings,
        persona: str,
        unattended: float,
    ) -> None:
        self._database, self._client, self._replicas, self._persona = database, client, replicas, persona
        self.on, self._unattended = sharing.may_sleep(settings), unattended
        self._alone_since: float | None = None
        self.some_wait = False  # or did until the last nap ended: they came before any new question
        self.waits = 0  # how often somebody had to wait

    def somebody_waits(self) -> None:
        """A question has to wait for the server to be awake."""
        self.some_wait = True
        self.waits += 1

    async def current(self) -> Nap | None:
        """The nap that goes on."""
        return await self._database.run(naps.current, self._persona) if self.on else None

    async def training(self) -> Nap | None:
        """The nap that goes on while its training does; a server that was not woken after it is simply away."""
        nap = await self.current()
        return nap if nap and nap.training else None

    async def waited(self, since: datetime) -> float:
        """For how many seconds somebody waits since then, without the time in which the server was asleep."""
        woken = await self._database.run(naps.woken_at, self._persona) if self.on else None
        return (datetime.now(UTC) - max(filter(None, (since, woken)))).total_seconds()

    async def look(self) -> bool:
        """Whether a nap goes on, in which no adapter may be loaded. One that nobody attends to any more is ended."""
        nap = await self.current()
        if nap is None or await self._database.run(naps.attended, self._persona):
            self._alone_since = None
            return nap is not None
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since >= self._unattended:
            async with self._database.alone(f"mend-wake-{self._persona}") as mine:
                if mine:
                    await self._wake(nap)
        return True

    async def _wake(self, nap: Nap) -> None:
        extra = {"run_id": nap.run_id}
        log.warning("no worker wakes the server", extra={"action": "nap_found", **extra})
        names, live = await self._database.run(adapters.to_serve, self._persona)
        try:
            await sleeping.wake_up(self._replicas, names, live)
        except AdapterLoadError as error:
            log.error("after waking: %s", error, extra={"action": "adapter_lost_asleep", **extra})
        except ServingError as error:
            log.warning("not woken: %s", error, extra={"action": "not_woken", **extra})
            return
        await self._database.run(naps.end, nap.run_id, "no worker was there to do it", by="bot")

    async def stop(self, answer_id: int, spot: Spot, user: str) -> None:
        """Somebody does not want to wait any longer."""
        stopped, left = await self._database.run(answers.stop_waiting, answer_id, user)
        await whisper(self._client, spot.ear(user), STOPPED if stopped else NOT_WAITING)
        if stopped and not left:
            with contextlib.suppress(*REFUSALS):  # the button that stays says that nothing waits
                await self._client.chat_update(
                    channel=spot.channel, ts=spot.ts, text=STOPPED, blocks=[section(STOPPED)]
                )
