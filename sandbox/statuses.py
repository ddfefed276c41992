"""The status line that an app shows in a thread while it works.

Not imitated: rotating through `loading_messages` on the server (the page may), status icons.
"""

import time
from dataclasses import dataclass

from sandbox.payload import Payload
from sandbox.updates import Update, Updates


@dataclass(frozen=True)
class Status:
    channel: str
    thread_ts: str
    text: str
    loading_messages: tuple[str, ...]
    expires: float


class Statuses:
    def __init__(self, life: float, updates: Updates) -> None:
        self._life = life
        self._updates = updates
        self._statuses: dict[tuple[str, str], Status] = {}

    def set(self, channel: str, thread_ts: str, text: str, loading: tuple[str, ...]) -> None:
        if not text:
            self.clear(channel, thread_ts)
            return
        status = Status(channel, thread_ts, text, loading, time.monotonic() + self._life)
        self._statuses[channel, thread_ts] = status
        self._tell(channel, thread_ts, text, loading)

    def clear(self, channel: str, thread_ts: str) -> None:
        if self._statuses.pop((channel, thread_ts), None) is not None:
            self._tell(channel, thread_ts, "", ())

    def current(self) -> list[Payload]:
        now = time.monotonic()
        live = [status for status in self._statuses.values() if status.expires > now]
        return [_shown(s.channel, s.thread_ts, s.text, s.loading_messages, s.expires - now) for s in live]

    def _tell(self, channel: str, thread_ts: str, text: str, loading: tuple[str, ...]) -> None:
        detail = _shown(channel, thread_ts, text, loading, self._life)
        self._updates.publish(Update("status", channel, thread_ts, detail=detail))


def _shown(channel: str, thread_ts: str, text: str, loading: tuple[str, ...], seconds: float) -> Payload:
    return {
        "channel": channel,
        "thread_ts": thread_ts,
        "status": text,
        "loading_messages": list(loading),
        "seconds": round(seconds, 1),
    }
