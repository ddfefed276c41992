"""A cap on running answers that is fair between people: each asker has a line, and the lines take turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairQueue:
    """``async with queue.turn(asker)`` waits for one of ``slots`` places.

    Somebody with twenty questions waiting does not keep another person's first one back.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def free(self) -> int:
        """Places that nobody holds."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(line) for line in self._lines.values())

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncIterator[None]:
        """Hold a place."""
        await self._enter(asker)
        try:
            yield
        finally:
            self._free += 1
            self._call_next()

    async def _enter(self, asker: str) -> None:
        if self._free and not self._lines:
            self._free -= 1
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(asker, deque()).append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called and cancelled at once: the place goes on
                self._free += 1
                self._call_next()
            raise

    def _call_next(self) -> None:
        while self._free and self._lines:
            asker, line = self._lines.popitem(last=False)
            called = line.popleft()
            if line:
                self._lines[asker] = line
            if not called.done():
                self._free -= 1
                called.set_result(None)
