"""Work that goes on beside the listeners for as long as the bot runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from feedback.database import DatabaseUnavailable

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0


async def keep_running(name: str, work: Callable[[], Awaitable[object]], every: float = 1.0) -> None:
    """Do ``work`` again and again, ``every`` seconds; a crash is logged and followed by a longer and longer pause.

    A cancellation ends it, even one that was lost on the way out of ``work``: the bot's end waits for this.
    """
    task, pause = asyncio.current_task(), every
    assert task is not None
    while True:
        try:
            await work()
        except DatabaseUnavailable:
            log.warning("no database", extra={"action": "database_away", "task": name})
            pause = min(max(pause, 1.0) * 2, 10.0)
        except Exception:  # whatever it is, the other work and the listeners must go on
            log.exception("task crashed", extra={"action": "task_crashed", "task": name})
            pause = min(max(pause, 1.0) * 2, LONGEST_PAUSE)
        else:
            pause = every
        if task.cancelling():
            raise asyncio.CancelledError
        await asyncio.sleep(pause)
