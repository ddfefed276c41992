"""The listeners that are at work: Bolt begins each as a task and forgets it."""

import asyncio

from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.listener.async_listener_start_handler import AsyncListenerStartHandler
from slack_bolt.response import BoltResponse


class Listening(AsyncListenerStartHandler):
    """Keeps account of them. What is acknowledged Slack never sends again: a thumb would be lost with its task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    async def handle(self, request: AsyncBoltRequest, response: BoltResponse | None) -> None:
        """A listener begins, in this task."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self, seconds: float) -> None:
        """Let them all end, for so long."""
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
