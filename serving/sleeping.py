"""Putting every replica to sleep while a training has the GPU, and having all of them answer again afterwards.

Both may be done again and again. Who sleeps is written to the record first (``feedback.naps``), so that nobody sends
new questions, and crossed out there when ``wake_up`` has returned.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from serving import routing
from serving.adapters import Replicas, reconcile
from serving.chat import ChatClient
from serving.errors import AdapterLoadError, ServingError, ServingUnavailable

log = logging.getLogger(__name__)

DRAINED = 30.0  # seconds that running answers get to their end; what runs on is cut off and asked again later
LOOK = 0.2


async def check(replicas: Replicas) -> None:
    """Make sure that all replicas are there and can sleep, before anything is written or done about it.

    Raises:
        RequestRefused: a server was not started as one that can.
        ServingUnavailable: one cannot be reached.
    """
    await replicas.each_one(lambda replica: replica.is_sleeping())


async def fall_asleep(replicas: Replicas, drained: float = DRAINED) -> None:
    """Let running answers end, and put all replicas to sleep.

    Raises:
        ServingUnavailable: a server cannot be reached, or stays awake; the others may sleep.
    """
    give_up = time.monotonic() + drained
    while sum((await replicas.each_one(lambda replica: replica.requests())).values()):
        if time.monotonic() >= give_up:
            log.warning("Answers that still run are cut off.", extra={"action": "answers_cut_off"})
            break
        await asyncio.sleep(LOOK)
    began = time.monotonic()
    await replicas.each_one(lambda replica: replica.sleep())
    seconds = round(time.monotonic() - began, 2)
    log.info("The model server sleeps.", extra={"action": "server_asleep", "seconds": seconds})


async def wake_up(replicas: Replicas, wanted: Sequence[str], live: str | None) -> None:
    """Wake all replicas, give back the adapters of one that was started anew meanwhile, and ask each a fixed question
    under the live name and as the base model.

    Raises:
        ServingUnavailable: a server cannot be reached, does not wake up, or is poisoned.
        AdapterLoadError: the live adapter is not answered under, or the base model says nothing.
    """
    began = time.monotonic()
    await replicas.each_one(lambda replica: replica.wake())
    done = await reconcile(replicas, wanted)
    if done.unwell:
        raise ServingUnavailable(next(iter(done.unwell.values())))
    name = live or routing.base_name(replicas.settings)
    if name in done.broken:
        raise AdapterLoadError(done.broken[name])
    async with ChatClient(replicas.settings, replicas.seals) as client:
        await replicas.verify(name, client)
    seconds = round(time.monotonic() - began, 2)
    log.info("The model server is awake.", extra={"action": "server_awake", "seconds": seconds})


async def asleep(replicas: Replicas) -> bool:
    """Whether any replica sleeps; one that cannot, or that is away, does not."""
    outcomes = await replicas.attempt(lambda replica: replica.is_sleeping())
    return any(found is True for found in outcomes.values() if not isinstance(found, ServingError))
