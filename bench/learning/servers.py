"""The model servers of bench/learning/: given ones, or some of its own, one for each GPU or one on the CPU."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.learning.classroom import reaching
from bench.vllm_server import VllmServer
from serving import routing
from serving.adapters import Replicas
from serving.base import SERVED_BASE
from serving.replica import Replica
from settings import ServingSettings

# Several trainings share a card with its server. A classroom has two adapters at work, or three while one is probed.
ON_A_CARD = {"device": "cuda", "gpu_memory_utilization": 0.25, "max_loras": 16, "max_cpu_loras": 128}


@dataclass(frozen=True)
class Server:
    """Where a model is served, and the card that trainings of its classrooms run on; None: whichever there is."""

    url: str
    card: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """``http://127.0.0.1:8000@0`` is a server whose classrooms train on card 0."""
        url, _, card = text.partition("@")
        return cls(url.rstrip("/"), card or None)


@contextmanager
def given(servers: Sequence[Server], base_model: Path, adapters_dir: Path, device: str) -> Iterator[list[Server]]:
    """Servers that run already; they are left with no adapter of ours."""
    settings = [reaching(server.url, base_model, adapters_dir, device).serving for server in servers]
    asyncio.run(_prepare(settings))
    try:
        yield list(servers)
    finally:
        asyncio.run(_clear(settings, adapters_dir))


@contextmanager
def started(base_model: Path, folder: Path, adapters_dir: Path, cards: Sequence[str]) -> Iterator[list[Server]]:
    """One server for each card, or one on the CPU. Their logs are in folders below ``folder``."""
    servers = [
        VllmServer(base_model, folder / f"card-{card}", card=card, adapters_dir=adapters_dir, **ON_A_CARD)
        for card in cards
    ] or [VllmServer(base_model, folder / "cpu", adapters_dir=adapters_dir)]

    async def start() -> None:
        await asyncio.gather(*(server.start(timeout=600) for server in servers))
        await _prepare([server.settings for server in servers])

    try:
        asyncio.run(start())
        yield [Server(server.url, card) for server, card in zip(servers, cards or (None,), strict=True)]
    finally:
        for server in servers:
            server.stop()


async def _prepare(servers: Sequence[ServingSettings]) -> None:
    """Forget what a bench that was killed has left, and load the zero adapter from a folder that outlives every
    classroom: a server that misses the folder of an adapter dies when it is next asked."""
    for settings in servers:
        replica = Replica(settings.urls[0], settings)
        for name, path in (await replica.models()).items():
            if name != SERVED_BASE and _is_gone(path):
                await replica.unload(name)
        await replica.close()
        if (base := routing.base_name(settings)) != SERVED_BASE:
            async with Replicas(settings) as replicas:
                await replicas.load(base)


def _is_gone(path: str) -> bool:
    return bool(path) and not Path(path).exists()


async def _clear(servers: Sequence[ServingSettings], adapters_dir: Path) -> None:
    for settings in servers:
        replica = Replica(settings.urls[0], settings)
        for name, path in (await replica.models()).items():
            if Path(path).is_relative_to(adapters_dir):
                await replica.unload(name)
        await replica.close()
