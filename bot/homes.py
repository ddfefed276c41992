"""Publishing App Homes: at once with what is there, and again when the picture of an admin's Home is drawn."""

import asyncio
import logging
from dataclasses import replace

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.gallery import Gallery
from bot.home import Seen, collect_home, home
from bot.permissions import Permissions
from bot.slack_errors import REFUSALS, code
from bot.thumbs_plot import Plot
from feedback.automatic import Rules
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.persona import Persona

log = logging.getLogger(__name__)


class Homes:
    """One for each bot process."""

    def __init__(
        self,
        database: AsyncDatabase,
        client: AsyncWebClient,
        permissions: Permissions,
        gallery: Gallery,
        persona: Persona,
        rules: Rules,
    ) -> None:
        self._database, self._client, self._permissions = database, client, permissions
        self._gallery, self._persona, self._rules = gallery, persona, rules
        self._drawing: set[asyncio.Task[None]] = set()

    async def publish(self, user: str) -> None:
        """Draw somebody's App Home anew; nobody waits for a picture."""
        seen = await self._see(user)
        if seen.plot and seen.plot.due and self._gallery.rests:
            seen = replace(seen, plot=seen.plot.as_table)
        await self._publish(user, seen)
        if seen.plot and seen.plot.due and not self._gallery.rests:
            task = asyncio.create_task(self._illustrate(user, seen.plot), name=f"home-of-{user}")
            self._drawing.add(task)
            task.add_done_callback(self._drawing.discard)

    async def close(self) -> None:
        """Stop drawing."""
        for task in self._drawing:
            task.cancel()
        await asyncio.gather(*self._drawing, return_exceptions=True)

    async def _see(self, user: str) -> Seen:
        standing = await self._permissions.standing(user)
        return await self._database.run(collect_home, self._persona.slug, self._persona.name, standing, self._rules)

    async def _publish(self, user: str, seen: Seen) -> None:
        try:
            await self._client.views_publish(user_id=user, view=home(seen))
        except SlackApiError as error:
            if code(error) != "invalid_blocks" or not seen.plot or not seen.plot.file_id:
                raise
            await self._gallery.discard(seen.plot.file_id)  # somebody has deleted it
            await self._client.views_publish(user_id=user, view=home(replace(seen, plot=seen.plot.as_table)))

    async def _illustrate(self, user: str, plot: Plot) -> None:
        try:
            drawn = await self._gallery.file_of(plot.now, plot.subject)
            if not drawn and not plot.file_id:
                return  # the table is shown already
            seen = await self._see(user)  # what has happened meanwhile is shown as well
            await self._publish(user, seen if drawn or not seen.plot else replace(seen, plot=seen.plot.as_table))
            await self._gallery.delete_replaced()
        except (*REFUSALS, DatabaseUnavailable) as error:
            log.warning("no picture", extra={"action": "home_not_illustrated", "error": code(error) or repr(error)})
