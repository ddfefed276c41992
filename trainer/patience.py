"""Waiting for a model server that is away for a while: vLLM needs a minute or two to come back."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from serving.errors import ServingUnavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds


async def patiently(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Await `call()`; while the server is unavailable, try again for up to `seconds`, then raise what it last said.

    Raises:
        ServingUnavailable: it did not come back in time.
    """
    give_up = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while True:
        try:
            return await call()
        except ServingUnavailable as away:
            if time.monotonic() + pause > give_up:
                raise
            log.warning("%s Next attempt in %.0f s.", away, pause, extra={"action": "serving_awaited"})
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
