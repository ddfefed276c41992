"""One Slack message of an answer, in the two ways Slack can show it while it grows: streamed, or posted and edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.limits import Spacing
from bot.slack_errors import code
from bot.text import shorten

Block = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where an answer goes, and who asked for it: Slack shows a stream to that person as it grows."""

    channel: str
    thread_ts: str
    user: str
    team: str


@dataclass(frozen=True)
class Footer:
    """What is drawn under an answer's last message. ``plain`` is for where Slack refuses ``native``."""

    native: Sequence[Block]
    plain: Sequence[Block]


class GrowingMessage(Protocol):
    """A message that is shown more than once. Both take the whole text of the message each time."""

    ts: str | None

    async def show(self, text: str) -> None:
        """Make the message show ``text``, which begins with what it shows already."""

    async def finish(self, text: str, footer: Sequence[Block]) -> None:
        """Show ``text`` for good, with ``footer`` under it."""


class StreamedMessage:
    """A message that Slack types out: chat.startStream, appendStream, stopStream."""

    def __init__(self, client: AsyncWebClient, place: Place) -> None:
        self._client, self._place = client, place
        self.ts: str | None = None
        self._sent = ""

    async def show(self, text: str) -> None:
        chunks = self._unsent(text)
        if not chunks:
            return
        if self.ts is None:
            await self._start(chunks)
        else:
            await self._client.chat_appendStream(channel=self._place.channel, ts=self.ts, chunks=chunks)
        self._sent = text

    async def finish(self, text: str, footer: Sequence[Block]) -> None:
        if self.ts is None:
            await self.show(text)
        await self._client.chat_stopStream(
            channel=self._place.channel,
            ts=str(self.ts),
            chunks=self._unsent(text) or None,
            blocks=list(footer) or None,
        )
        self._sent = text

    async def _start(self, chunks: list[Block]) -> None:
        started = await self._client.chat_startStream(
            channel=self._place.channel,
            thread_ts=self._place.thread_ts,
            recipient_user_id=self._place.user,
            recipient_team_id=self._place.team,
            chunks=chunks,
        )
        self.ts = str(started["ts"])

    def _unsent(self, text: str) -> list[Block]:
        return [{"type": "markdown_text", "text": text[len(self._sent) :]}] if len(text) > len(self._sent) else []


class EditedMessage:
    """A message that is posted, and edited as its text grows: chat.postMessage, chat.update."""

    def __init__(self, client: AsyncWebClient, place: Place, spacing: Spacing, ts: str | None = None) -> None:
        self._client, self._place, self._spacing = client, place, spacing
        self.ts = ts

    async def show(self, text: str) -> None:
        await self._write(text, [])

    async def finish(self, text: str, footer: Sequence[Block]) -> None:
        await self._write(text, list(footer))

    async def _write(self, text: str, footer: list[Block]) -> None:
        message: dict[str, Any] = {
            "channel": self._place.channel,
            "text": shorten(text, 3000),  # for notifications; Slack takes 4,000 beside blocks
            "blocks": [{"type": "markdown", "text": text}, *footer],
        }
        if self.ts is not None:
            await self._client.chat_update(ts=self.ts, **message)
            return
        await self._spacing.turn(self._place.channel)
        posted = await self._client.chat_postMessage(
            thread_ts=self._place.thread_ts, unfurl_links=False, unfurl_media=False, **message
        )
        self.ts = str(posted["ts"])


async def finish_with(message: GrowingMessage, text: str, footer: Footer) -> None:
    """Finish a message with native feedback buttons, with plain ones where those are refused, or with none."""
    for blocks in (footer.native, footer.plain, ()):
        try:
            await message.finish(text, blocks)
            return
        except SlackApiError as error:
            if code(error) != "invalid_blocks" or not blocks:
                raise
