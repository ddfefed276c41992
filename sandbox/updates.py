"""The live update stream: who is told that something changed.

An update names what changed, not its content: each reader is shown the newest state that he may see.
Not imitated: Slack's own client protocol.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from sandbox.payload import Payload


@dataclass(frozen=True)
class Update:
    """`kind`: ready, message, removed, views, home, status, prompts, traffic, faults, sockets.

    `person` limits the audience to one.
    """

    kind: str
    channel: str | None = None
    ts: str | None = None
    person: str | None = None
    detail: Payload = field(default_factory=dict)


class Updates:
    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[Update | None]] = set()

    def publish(self, update: Update) -> None:
        for reader in self._readers:
            reader.put_nowait(update)

    async def read(self, person: str, keep_alive: float = 15.0) -> AsyncGenerator[Update | None, None]:
        """What this person may see, until `close`; the first one, `ready`, says that nothing is missed from here on.

        None is sent when nothing happened for a while.
        """
        queue: asyncio.Queue[Update | None] = asyncio.Queue()
        self._readers.add(queue)
        try:
            yield Update("ready", person=person)
            while True:
                try:
                    update = await asyncio.wait_for(queue.get(), keep_alive)
                except TimeoutError:
                    yield None
                    continue
                if update is None:
                    return
                if update.person in (None, person):
                    yield update
        finally:
            self._readers.discard(queue)

    def close(self) -> None:
        for reader in self._readers:
            reader.put_nowait(None)
