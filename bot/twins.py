"""A mention reaches the bot as two events, within a moment of each other: the second one waits for the first.

The record takes a message once anyway, in whatever process; this spares it the question.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

T = TypeVar("T")
KEPT = 500


class Twins:
    """Which messages this process has taken lately, and which it is taking at the moment."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._taken: OrderedDict[Hashable, None] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Lock] = {}

    async def once(self, message: Hashable, take: Callable[[], Awaitable[T | None]]) -> T | None:
        """What ``take`` gives, or None where it has given something for this message before.

        One that gave nothing, or failed, is tried again by the next.
        """
        lock = self._under_way.setdefault(message, asyncio.Lock())
        try:
            async with lock:
                if message in self._taken:
                    return None
                taken = await take()
                if taken is not None:
                    self._remember(message)
                return taken
        finally:
            self._under_way.pop(message, None)

    def _remember(self, message: Hashable) -> None:
        self._taken[message] = None
        while len(self._taken) > self._kept:
            self._taken.popitem(last=False)
