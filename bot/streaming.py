"""An answer shown in Slack while it is being written.

``Reply`` keeps the whole text; Slack's messages only mirror it. Whatever Slack does to a message under way (refuses
streams, closes one, loses one, asks to slow down), ``close`` ends with the whole text posted once.
"""

import asyncio
import contextlib
import logging
from asyncio import Future
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from slack_sdk.web.async_client import AsyncWebClient

from bot.limits import FIRST_TEXT, FIRST_TEXT_WAIT
from bot.rotation import MESSAGE_BYTES, closed, cut, size
from bot.sanitising import sanitise
from bot.slack_errors import REFUSALS, UNSTREAMABLE, Trouble, code, retry_after, trouble
from bot.slack_messages import EditedMessage, Footer, GrowingMessage, Place, StreamedMessage, finish_with
from bot.text import storable
from bot.traffic import Traffic

log = logging.getLogger(__name__)

STREAM_SECONDS = 240.0  # Slack closes a stream after about 5 minutes
FINAL_ATTEMPTS = 8
TICK, LONGEST_REST = 0.1, 1.0  # seconds between two looks whether there is something to show
LAST_CALL = 2.0  # seconds for a call to Slack that is under way when an answer is cut off
NO_FOOTER = Footer((), ())


@dataclass
class _Part:
    """One message of the reply: it shows ``prefix`` (a reopened code fence) and the safe text from ``start`` on."""

    message: GrowingMessage
    start: int = 0
    prefix: str = ""
    since: float = 0.0
    shown: str = ""
    written: bool = False  # Slack has taken some of this reply, though it may not all be there any more
    done: bool = False

    def text(self, safe: str) -> str:
        return self.prefix + safe[self.start :]


class Reply:
    """One answer on its way into a thread. Use as ``async with``; ``write`` never waits for Slack."""

    def __init__(
        self,
        client: AsyncWebClient,
        place: Place,
        traffic: Traffic,
        on_message: Callable[[str], Awaitable[None]],
        earlier: Sequence[str] = (),
        *,
        after: Future[None] | None = None,
    ) -> None:
        """``earlier``: messages of an attempt that ended half-way; they are written over instead of posting anew.
        ``after``: what has to be done before anything is shown.
        """
        self._client, self._place, self._traffic, self._on_message = client, place, traffic, on_message
        self._earlier, self._after = list(earlier), after
        self._known = set(earlier)
        self._raw = ""
        self._parts: list[_Part] = []
        self._quiet = bool(earlier)  # no half text over a whole one
        self._began = self._not_before = self._flushed = 0.0
        self._closing = False
        self._stirred = asyncio.Event()  # something to look at before the next tick
        self._mirror: asyncio.Task[None] | None = None
        self.stopped = False  # the person pressed stop
        self.lost = False  # nothing can be posted there

    async def __aenter__(self) -> Self:
        self._traffic.pace.live += 1
        for ts in self._earlier:  # an open stream cannot be edited
            with contextlib.suppress(*REFUSALS):
                await self._client.chat_stopStream(channel=self._place.channel, ts=ts)
        self._mirror = asyncio.create_task(self._keep_mirroring())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._traffic.pace.live -= 1
        if self._mirror:
            # A message that is just being posted has to be known to whoever finishes the answer.
            self._end_mirroring()
            await asyncio.wait([self._mirror], timeout=LAST_CALL)
            self._mirror.cancel()
            await asyncio.gather(self._mirror, return_exceptions=True)

    @property
    def text(self) -> str:
        """The whole text as it is shown; after a stop, the part that was."""
        if self.stopped:
            return "".join(part.shown.removeprefix(part.prefix) for part in self._parts)
        return sanitise(self._raw)

    @property
    def words(self) -> str:
        """What ``text`` shows, as the model wrote it."""
        return self.text.replace("&lt;", "<") if self.stopped else self._raw.strip()

    @property
    def messages(self) -> list[str]:
        """Timestamps of the messages posted so far."""
        return [part.message.ts for part in self._parts if part.message.ts]

    def write(self, piece: str) -> None:
        """Add to the answer."""
        piece = storable(piece)  # whatever the model writes must not keep its answer from being recorded
        self._raw = self._raw + piece if self._raw else piece.lstrip()
        if self._raw and not self._began:
            self._began = self._traffic.clock()
        if not self._parts and len(self._raw) >= FIRST_TEXT:
            self._stirred.set()  # the first words go out at once: somebody waits for them

    def replace(self, text: str) -> None:
        """Make the answer another text: a shorter one when a repetition is cut, or one where there was none."""
        self._raw = storable(text)

    async def close(self, footer: Footer = NO_FOOTER) -> bool:
        """Post what is not posted yet, and the footer; False when Slack has taken nothing of this answer.

        Waits out rate limits; Slack's refusals are logged.
        """
        self._end_mirroring()
        if self._mirror:
            # A call under way is let to its end: cancelled, nobody would know whether Slack has carried it out.
            await asyncio.wait([self._mirror])
        for _ in range(FINAL_ATTEMPTS):
            if self.lost:
                break
            await asyncio.sleep(max(0.0, self._not_before - self._traffic.clock()))
            await self._flush(footer)
            if self._parts and self._parts[-1].done:
                await self._remove_leftovers()
                return True
        log.error("answer not shown", extra={"action": "answer_not_shown", "channel": self._place.channel})
        return any(part.done or part.written for part in self._parts)

    async def leave(self) -> None:
        """Show no more. What is shown stays, for the next attempt to write over."""
        self._end_mirroring()
        if self._mirror:
            await asyncio.wait([self._mirror])
        await self._come_after()
        if self.messages:
            await self.close(NO_FOOTER)

    def _end_mirroring(self) -> None:
        self._closing = True
        self._stirred.set()

    async def _keep_mirroring(self) -> None:
        while not (self._closing or self.lost or self.stopped):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rest()):
                    await self._stirred.wait()
            if self._closing:
                return
            self._stirred.clear()
            if self._due():
                await self._flush()

    async def _come_after(self) -> None:
        if self._after is not None and not self._after.done():
            await asyncio.wait({self._after})

    def _rest(self) -> float:
        """Seconds until there may be something to show. Thirty answers that look at every tick keep a core busy."""
        if not self._parts:
            return TICK
        left = self._flushed + self._interval() - self._traffic.clock()
        return LONGEST_REST if self._quiet else min(max(TICK, left), LONGEST_REST)

    def _due(self) -> bool:
        now = self._traffic.clock()
        if self._quiet or not self._raw or now < self._not_before:
            return False
        if not self._parts:
            return len(self._raw) >= FIRST_TEXT or now - self._began >= FIRST_TEXT_WAIT
        return now - self._flushed >= self._interval()

    def _interval(self) -> float:
        streamed = isinstance(self._parts[-1].message, StreamedMessage)
        return self._traffic.pace.append_interval if streamed else self._traffic.pace.edit_interval

    async def _flush(self, footer: Footer | None = None) -> None:
        """Show what there is; with a footer, show it for good."""
        await self._come_after()
        if self._closing and footer is None:
            return  # it was ended meanwhile, with nothing more to be shown or with all of it
        self._flushed = self._traffic.clock()
        safe = sanitise(self._raw, final=footer is not None)
        if footer is None and not safe:
            return
        if footer is not None:
            await self._drop_parts_after(safe)
        part = self._parts[-1] if self._parts else self._begin_part(0, "")
        while self._is_full(part, safe):
            rest = await self._rotate(part, safe)
            if rest is None:
                return
            part = rest
        if part.done or (self._quiet and footer is None):
            return
        text = part.text(safe)
        if footer is None:
            if text != part.shown and await self._try(part, part.message.show(text)):
                part.shown = text
            return
        if self.stopped and len(part.shown) < len(text):
            text = part.shown or text  # stop means: keep what is shown
        if not text.startswith(part.shown):
            await self._make_editable(part)
        if isinstance(part.message, StreamedMessage) and part.message.ts is None:
            # Known to the record before it has thumbs, so that the quickest click finds its answer.
            if not await self._try(part, part.message.show(text)):
                return
            part.shown = text
        part.done = await self._try(part, finish_with(part.message, text, footer))

    async def _make_editable(self, part: _Part) -> None:
        """A stream cannot take back what it shows: end it, so that its message can be written over."""
        if isinstance(part.message, StreamedMessage) and part.message.ts:
            with contextlib.suppress(*REFUSALS):
                await self._client.chat_stopStream(channel=self._place.channel, ts=part.message.ts)
        part.message, part.shown = self._edited(part.message.ts), ""

    async def _drop_parts_after(self, safe: str) -> None:
        """The text has become shorter than what is shown: messages that it does not reach go away."""
        while len(self._parts) > 1 and self._parts[-1].start >= len(safe):
            gone = self._parts.pop()
            with contextlib.suppress(*REFUSALS):
                if isinstance(gone.message, StreamedMessage) and gone.message.ts:
                    await self._client.chat_stopStream(channel=self._place.channel, ts=gone.message.ts)
                if gone.message.ts:
                    await self._client.chat_delete(channel=self._place.channel, ts=gone.message.ts)
            self._parts[-1].done, self._parts[-1].message = False, self._edited(self._parts[-1].message.ts)

    def _begin_part(self, start: int, prefix: str) -> _Part:
        message: GrowingMessage
        channel = self._place.channel
        if self._earlier:
            message = self._edited(self._earlier.pop(0))
        elif not self._traffic.can_stream(channel):
            message = self._edited()
        elif self._traffic.streams.take():
            message = StreamedMessage(self._client, self._place)
        else:  # more streams than a minute allows: this one is posted whole, at its end
            message, self._quiet = self._edited(), True
        part = _Part(message, start, prefix, self._traffic.clock())
        self._parts.append(part)
        return part

    def _is_full(self, part: _Part, safe: str) -> bool:
        text = part.text(safe)
        if size(text) > MESSAGE_BYTES:
            return True
        aged = self._traffic.clock() - part.since > STREAM_SECONDS and isinstance(part.message, StreamedMessage)
        return aged and bool(part.shown) and len(text) > len(part.shown)

    async def _rotate(self, part: _Part, safe: str) -> _Part | None:
        """Finish a full message and begin the next; None when Slack does not take it now."""
        text = part.text(safe)
        end = cut(text, len(part.shown)) if size(text) > MESSAGE_BYTES else len(part.shown)
        whole, prefix = closed(text[:end])
        if not await self._try(part, finish_with(part.message, whole, NO_FOOTER)):
            return None
        part.done = True
        return self._begin_part(part.start + end - len(part.prefix), prefix)

    async def _try(self, part: _Part, call: Awaitable[None]) -> bool:
        """Make one call; on a refusal change how the message is shown, and say that it was not."""
        try:
            await call
        except REFUSALS as error:
            await self._meet(part, error)
            return False
        finally:
            await self._tell_new(part)
        part.written = True
        return True

    async def _meet(self, part: _Part, error: Exception) -> None:
        """Decide from Slack's error how this message goes on."""
        kind, message = trouble(error), part.message
        extra = {"action": "slack_refused", "error": code(error) or type(error).__name__, "met_by": kind.name}
        log.info("slack refused", extra={**extra, "channel": self._place.channel})
        if kind is Trouble.GIVE_UP:
            self.lost = True
        elif kind is Trouble.SLOW_DOWN or (kind is Trouble.HICCUP and message.ts is None):
            self._not_before = self._traffic.clock() + retry_after(error)
        elif kind is Trouble.DELETED:
            part.message, part.shown = self._edited(), ""
        elif kind is Trouble.STOPPED:
            self.stopped, part.message = True, self._edited(message.ts)
        elif isinstance(message, StreamedMessage):
            # After no reply, or half a one, nobody knows how much the stream shows: the whole text is written over it.
            if code(error) in UNSTREAMABLE:
                self._traffic.refused(self._place.channel, code(error))
            await self._make_editable(part)
            self._flushed = 0.0  # at once, not after the interval of edits
        else:
            if kind is Trouble.ENDED and message.ts:  # it is still a stream: the call that should end it was lost
                with contextlib.suppress(*REFUSALS):
                    await self._client.chat_stopStream(channel=self._place.channel, ts=message.ts)
            self._not_before = self._traffic.clock() + 1.0

    def _edited(self, ts: str | None = None) -> EditedMessage:
        return EditedMessage(self._client, self._place, self._traffic.spacing, ts)

    async def _tell_new(self, part: _Part) -> None:
        if part.message.ts and part.message.ts not in self._known:
            self._known.add(part.message.ts)
            await self._on_message(part.message.ts)

    async def _remove_leftovers(self) -> None:
        """A shorter answer needs fewer messages than the attempt before it."""
        for ts in self._earlier:
            with contextlib.suppress(*REFUSALS):
                await self._client.chat_delete(channel=self._place.channel, ts=ts)
