"""Work beside the listeners: it goes on after any failure, and ends when it is told to."""

import asyncio

import pytest

from bot.supervision import keep_running
from feedback.database import DatabaseUnavailable

AWAY = DatabaseUnavailable("SELECT 1", None, Exception("cut"))


async def test_what_fails_is_done_again() -> None:
    rounds = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ValueError("a bug")
        done.set()

    task = asyncio.create_task(keep_running("work", work, 0.0))
    await asyncio.wait_for(done.wait(), 30)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


@pytest.mark.parametrize("error", [AWAY, ValueError("a bug"), None], ids=["away", "bug", "nothing"])
async def test_a_cancellation_that_the_work_swallows_ends_it_all_the_same(error: Exception | None) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if error:
                raise error from None  # a rollback fails on the way out, say

    task = asyncio.create_task(keep_running("work", work, 0.0))
    await begun.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    task.cancel()
    assert done and task.cancelled()
