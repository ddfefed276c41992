"""The canary as admins see it: how it is doing, ending its experiment by hand, and telling the channel of record."""

import logging
from datetime import UTC, datetime

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot import canary_blocks
from bot.canary_blocks import Standing
from bot.permissions import Permissions
from bot.replies import NOTHING, Reply
from bot.slack_errors import NETWORK, Trouble, code, trouble
from bot.text import escape
from feedback import answers, experiments
from feedback.database import AsyncDatabase
from feedback.experiments import NoExperiment
from feedback.models import Experiment
from serving.adapters import Replicas
from serving.errors import ServingError
from settings import SlackSettings

log = logging.getLogger(__name__)

MAY = "decide about a canary"
NONE_OUT = "No canary is out. `MEND_EXPERIMENT__SHARE` says how many people try a new version first."
NOT_SERVED = "I did not promote it: the model server does not take it now ({}). Nothing was changed."
BY_HAND = "by hand, before the votes have decided"


def news(session: Session, persona: str) -> list[tuple[Standing, str]]:
    """Every experiment that the channel of record is to be told something about, and what."""
    now = datetime.now(UTC)
    due = [(one, canary_blocks.due(one, now)) for one in experiments.to_tell(session, persona)]
    return [(canary_blocks.collect(session, one), what) for one, what in due if what]


class Experimenting:
    """What `/mend canary` does."""

    def __init__(
        self,
        database: AsyncDatabase,
        permissions: Permissions,
        replicas: Replicas,
        client: AsyncWebClient,
        slack: SlackSettings,
        persona: str,
    ) -> None:
        self._database, self._permissions, self._replicas = database, permissions, replicas
        self._client, self._slack, self._persona = client, slack, persona

    async def command(self, user: str, rest: str, delivery: str) -> Reply:
        """Show how the canary is doing, or end its experiment.

        Raises:
            Denied: the user is no admin.
        """
        await self._permissions.admin(user, MAY)
        seen = await self._database.run(canary_blocks.read, self._persona)
        if seen is None:
            return Reply(NONE_OUT)
        match rest.casefold():
            case "":
                first, *more = canary_blocks.standing(seen)
                return Reply(first["text"]["text"], tuple(more))
            case "promote":
                return await self.promote(user, seen.experiment.id, delivery)
            case "stop":
                return await self.stop(user, seen.experiment.id, delivery)
            case _:
                return Reply(f"`{self._slack.command} canary`, `canary promote` or `canary stop`.")

    async def promote(self, user: str, experiment_id: int, delivery: str) -> Reply:
        """Let the canary go live now.

        Raises:
            Denied: the user is no admin.
        """
        by = str(await self._permissions.admin(user, MAY))
        seen = await self._database.run(canary_blocks.read, self._persona)
        if seen is None or seen.experiment.id != experiment_id:
            return Reply("This canary is not out any more.")
        try:
            await self._replicas.deploy(seen.experiment.adapter.name)  # before the mark moves
            done = await self._database.run(
                answers.once, delivery, experiments.promote, self._persona, experiment_id, by=by, why=BY_HAND
            )
        except ServingError as error:
            return Reply(NOT_SERVED.format(escape(error)))
        except NoExperiment as ended:
            return Reply(escape(ended))
        return self._said(done, "canary_promoted", "is live for everybody from the next message on.")

    async def stop(self, user: str, experiment_id: int, delivery: str) -> Reply:
        """Take the canary back.

        Raises:
            Denied: the user is no admin.
        """
        by = str(await self._permissions.admin(user, MAY))
        try:
            done = await self._database.run(
                answers.once,
                delivery,
                experiments.take_back,
                self._persona,
                experiment_id,
                by=by,
                why=BY_HAND,
                harmful=False,
            )
        except NoExperiment as ended:
            return Reply(escape(ended))
        return self._said(done, "canary_stopped", "is taken back. What it has learned is approved again.")

    def _said(self, done: Experiment | None, action: str, words: str) -> Reply:
        if done is None:  # this very click was taken before
            return NOTHING
        log.info("canary ended", extra={"action": action, "adapter": done.adapter.name})
        return Reply(f"Done: `{escape(done.adapter.name)}` {words}")

    async def round(self) -> None:
        """Tell the channel of record what is new; nothing while another process is at it."""
        if not await self._database.run(news, self._persona):
            return  # almost always, and without the lock
        async with self._database.alone(f"mend-experimenting-{self._persona}") as mine:
            if not mine:
                return
            for seen, what in await self._database.run(news, self._persona):
                if await self._tell(seen, what):
                    await self._database.run(experiments.told, seen.experiment.id, what)

    async def _tell(self, seen: Standing, what: str) -> bool:
        """Say it; True when there is nothing left to do about it."""
        channel = self._slack.record_channel or seen.experiment.run.channel_id
        if not channel:
            return True  # it is in App Home and in the status
        try:
            text = canary_blocks.announcement(what, seen, self._slack.command)
            await self._client.chat_postMessage(channel=channel, text=text)
        except (SlackApiError, *NETWORK) as error:
            log.warning("record refused", extra={"action": "record_channel_refused", "error": code(error)})
            return trouble(error) not in {Trouble.SLOW_DOWN, Trouble.UNKNOWN}
        return True
