"""Two events about one message: one of them asks the record."""

import asyncio

import pytest

from bot.twins import Twins


class Record:
    """Gives what it is told to, when it is told to."""

    def __init__(self, *gives: int | Exception | None) -> None:
        self.gives, self.asked = list(gives), 0
        self.open = asyncio.Event()

    async def take(self) -> int | None:
        self.asked += 1
        given = self.gives.pop(0)
        await self.open.wait()
        if isinstance(given, Exception):
            raise given
        return given


async def both(record: Record) -> list[int | BaseException | None]:
    twins = Twins()
    events = [asyncio.create_task(twins.once("m", record.take)) for _ in range(2)]
    await asyncio.sleep(0)
    record.open.set()
    return list(await asyncio.gather(*events, return_exceptions=True))


async def test_the_second_event_waits_and_asks_nothing() -> None:
    record = Record(7)
    assert await both(record) == [7, None]
    assert record.asked == 1


@pytest.mark.parametrize("nothing", [None, ConnectionError("away")])
async def test_the_second_event_is_tried_when_the_first_has_taken_nothing(nothing: Exception | None) -> None:
    record = Record(nothing, 8)
    first, second = await both(record)
    assert second == 8 and record.asked == 2
    assert first is nothing


async def test_other_messages_do_not_wait() -> None:
    twins, slow, quick = Twins(), Record(1), Record(2)
    quick.open.set()
    waiting = asyncio.create_task(twins.once("a", slow.take))
    await asyncio.sleep(0)
    assert await twins.once("b", quick.take) == 2
    slow.open.set()
    assert await waiting == 1


async def test_the_oldest_are_forgotten() -> None:
    twins, record = Twins(kept=2), Record(1, 2, 3, 4)
    record.open.set()
    for message in ("a", "b", "c"):
        await twins.once(message, record.take)
    assert await twins.once("c", record.take) is None
    assert await twins.once("a", record.take) == 4
