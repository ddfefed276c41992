"""Listeners are waited for when the process ends."""

import asyncio

from slack_bolt.async_app import AsyncBoltRequest

from bot.listening import Listening


async def begun(listening: Listening, work: asyncio.Event) -> asyncio.Task[str]:
    """A listener as Bolt begins it: a task of its own, which says that it starts and then works."""
    started = asyncio.Event()

    async def listener() -> str:
        await listening.handle(AsyncBoltRequest(body="{}"), None)
        started.set()
        await work.wait()
        return "counted"

    task = asyncio.create_task(listener())
    await started.wait()
    return task


async def test_what_is_at_work_gets_the_time_to_end() -> None:
    listening, work = Listening(), asyncio.Event()
    task = await begun(listening, work)
    ending = asyncio.create_task(listening.end(60))
    await asyncio.sleep(0)
    assert not ending.done()
    work.set()
    await ending
    assert task.result() == "counted"


async def test_what_does_not_end_in_time_is_cancelled_and_has_ended() -> None:
    listening = Listening()
    task = await begun(listening, asyncio.Event())
    await listening.end(0)
    assert task.cancelled()


async def test_nothing_is_waited_for_where_nothing_is_at_work() -> None:
    listening, work = Listening(), asyncio.Event()
    task = await begun(listening, work)
    work.set()
    await task
    await listening.end(60)
