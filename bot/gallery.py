"""Pictures in Slack: drawn once for the same data, uploaded, used when Slack says that they are ready, and deleted
when another one is shown instead."""

import asyncio
import json
import logging
import time
from pathlib import Path

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import NotDrawn, draw
from bot.figures import Figure
from bot.slack_errors import NETWORK, REFUSALS, code
from feedback import pictures
from feedback.database import AsyncDatabase
from feedback.pictures import Drawn

log = logging.getLogger(__name__)

READY_TRIES, READY_PAUSE = 20, 0.5  # Slack shows a file only once it knows what it is
NOT_ALLOWED = frozenset({"missing_scope", "not_allowed_token_type", "no_permission", "file_uploads_disabled"})
REST = 3600.0  # seconds until it is tried again: somebody may have installed the app anew, with the scope
GONE = frozenset({"file_not_found", "file_deleted", "cant_delete_file"})  # nothing is left for us to delete


class NotReady(Exception):
    """Slack took the file and did not get ready to show it in time."""


class Gallery:
    """One for each bot process; they share what the record knows."""

    def __init__(self, database: AsyncDatabase, client: AsyncWebClient, home: Path) -> None:
        self._database, self._client, self._folder = database, client, home / "matplotlib"
        self._one_at_a_time = asyncio.Lock()
        self._rests_until = 0.0

    @property
    def rests(self) -> bool:
        """Whether this workspace has lately refused files for good: then figures are shown as their tables."""
        return time.monotonic() < self._rests_until

    async def file_of(self, figure: Figure, subject: str | None = None) -> str | None:
        """The Slack file of a figure, drawn and uploaded if need be; None when it is not to be had: show the table.

        With a ``subject`` it takes the place of the picture that the subject had: `delete_replaced`, once it is shown.
        """
        async with self._one_at_a_time:
            if known := await self._database.run(pictures.find, figure.digest):
                return known
            if self.rests:
                return None
            try:
                file_id = await self._upload(figure, await draw(figure, self._folder))
            except (NotDrawn, NotReady, SlackApiError, *NETWORK) as error:
                self._refused(figure, error)
                return None
            shows = json.loads(figure.as_json) if subject else None
            log.info("picture", extra={"action": "picture_uploaded", "kind": figure.kind, "file": file_id})
            return await self._database.run(pictures.keep, Drawn(file_id, figure.digest, subject, shows))

    async def discard(self, file_id: str) -> None:
        """A file that Slack will not show: it is deleted, if it is still there, and forgotten."""
        await self._delete(file_id)
        await self._database.run(pictures.forget, file_id)

    async def delete_replaced(self) -> None:
        """Delete what other pictures have replaced; what Slack cannot delete now is tried again next time."""
        for file_id in await self._database.run(pictures.replaced):
            if await self._delete(file_id):
                await self._database.run(pictures.forget, file_id)

    def _refused(self, figure: Figure, error: Exception) -> None:
        if code(error) in NOT_ALLOWED:
            self._rests_until = time.monotonic() + REST
        extra = {"action": "picture_missing", "kind": figure.kind, "error": code(error) or str(error)}
        log.warning("no picture", extra=extra)

    async def _upload(self, figure: Figure, png: bytes) -> str:
        done = await self._client.files_upload_v2(
            file=png,
            filename=f"{figure.kind}-{figure.digest[:8]}.png",
            title=figure.title,
            alt_txt=figure.alt_text[:1000],
        )
        file_id = str(done["files"][0]["id"])
        try:
            await self._wait_until_ready(file_id)
        except (NotReady, *REFUSALS):
            await self._delete(file_id)  # nobody would ever see it
            raise
        return file_id

    async def _wait_until_ready(self, file_id: str) -> None:
        for _ in range(READY_TRIES):
            found = await self._client.files_info(file=file_id)
            if found["file"].get("mimetype"):
                return
            await asyncio.sleep(READY_PAUSE)
        raise NotReady(f"file {file_id} has no type after {READY_TRIES * READY_PAUSE:.0f} s")

    async def _delete(self, file_id: str) -> bool:
        """Whether Slack has the file no more."""
        try:
            await self._client.files_delete(file=file_id)
        except REFUSALS as error:
            extra = {"action": "picture_not_deleted", "file": file_id, "error": code(error) or repr(error)}
            log.info("picture not deleted", extra=extra)
            return code(error) in GONE
        log.info("picture deleted", extra={"action": "picture_deleted", "file": file_id})
        return True
