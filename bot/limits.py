"""Slack's rate limits as intervals and budgets; time comes in from outside."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]

STREAMS_PER_MINUTE = 20  # chat.startStream and chat.stopStream, for the whole app
FIRST_TEXT = 40  # characters to wait for before the first words are shown
FIRST_TEXT_WAIT = 1.0  # seconds after which fewer will do


class Budget:
    """So many in any minute, all at once if need be. Never waits: what is spent is a no until its minute is over."""

    def __init__(self, per_minute: int, clock: Clock = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Take one, if there is one."""
        now = self._clock()
        while self._taken and now - self._taken[0] >= 60:
            self._taken.popleft()
        if len(self._taken) >= self._per_minute:
            return False
        self._taken.append(now)
        return True


class Pace:
    """How often each of the answers that are shown at the moment may call Slack."""

    def __init__(self) -> None:
        self.live = 0

    @property
    def append_interval(self) -> float:
        """Seconds between two appends to one stream: 100 a minute, shared."""
        return max(0.7, self.live * 0.6)

    @property
    def edit_interval(self) -> float:
        """Seconds between two edits of one message: 50 a minute, shared."""
        return max(1.5, self.live * 1.2)


class Spacing:
    """One post a second in each channel: callers wait for their turn."""

    def __init__(self, interval: float = 1.0, clock: Clock = time.monotonic) -> None:
        self._interval, self._clock = interval, clock
        self._next: dict[str, float] = {}

    def reserve(self, channel: str) -> float:
        """Take the next free turn; the seconds until it comes."""
        now = self._clock()
        self._next = {name: turn for name, turn in self._next.items() if turn > now}
        turn = max(now, self._next.get(channel, now))
        self._next[channel] = turn + self._interval
        return turn - now

    async def turn(self, channel: str) -> None:
        """Wait until a post to the channel is allowed."""
        if (wait := self.reserve(channel)) > 0:
            await asyncio.sleep(wait)
