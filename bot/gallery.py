"""Pictures in Slack: drawn once for the same data, uploaded, and used when Slack says that they are ready."""

import asyncio
import logging
from pathlib import Path

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import NotDrawn, draw
from bot.figures import Figure
from bot.slack_errors import NETWORK, code
from feedback import pictures
from feedback.database import AsyncDatabase

log = logging.getLogger(__name__)

READY_TRIES, READY_PAUSE = 20, 0.5  # Slack shows a file only once it knows what it is


class NotReady(Exception):
    """Slack took the file and did not get ready to show it in time."""


class Gallery:
    """One for each bot process; they share what the record knows."""

    def __init__(self, database: AsyncDatabase, client: AsyncWebClient, home: Path) -> None:
        self._database, self._client, self._folder = database, client, home / "matplotlib"
        self._one_at_a_time = asyncio.Lock()

    async def known(self, figure: Figure) -> str | None:
        """The Slack file of a figure that was drawn before."""
        return await self._database.run(pictures.find, figure.digest)

    async def file_of(self, figure: Figure) -> str | None:
        """The Slack file of a figure, drawn and uploaded if need be; None when it is not to be had: show the table."""
        async with self._one_at_a_time:
            if known := await self.known(figure):
                return known
            try:
                file_id = await self._upload(figure, await draw(figure, self._folder))
                await self._wait_until_ready(file_id)
            except (NotDrawn, NotReady, SlackApiError, *NETWORK) as error:
                extra = {"action": "picture_missing", "kind": figure.kind, "error": code(error) or str(error)}
                log.warning("no picture", extra=extra)
                return None
            await self._database.run(pictures.keep, figure.digest, file_id)
            log.info("picture", extra={"action": "picture_uploaded", "kind": figure.kind, "file": file_id})
            return file_id

    async def forget(self, file_id: str) -> None:
        """Slack will not show the file any more."""
        await self._database.run(pictures.forget, file_id)

    async def _upload(self, figure: Figure, png: bytes) -> str:
        done = await self._client.files_upload_v2(
            file=png,
            filename=f"{figure.kind}-{figure.digest[:8]}.png",
            title=figure.title,
            alt_txt=figure.alt_text[:1000],
        )
        return str(done["files"][0]["id"])

    async def _wait_until_ready(self, file_id: str) -> None:
        for _ in range(READY_TRIES):
            found = await self._client.files_info(file=file_id)
            if found["file"].get("mimetype"):
                return
            await asyncio.sleep(READY_PAUSE)
        raise NotReady(f"file {file_id} has no type after {READY_TRIES * READY_PAUSE:.0f} s")
