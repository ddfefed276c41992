"""Two servers on loopback in vLLM's place, and what reaches them. A file may have servers of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from serving.adapters import Replicas
from settings import ServingSettings
from tests.unit.serving.factories import make_settings
from tests.unit.serving.peer import Peer


@pytest.fixture
async def peers() -> AsyncIterator[list[Peer]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Peer(strict=True)) for _ in range(2)]


@pytest.fixture
def settings(tmp_path: Path, peers: list[Peer]) -> ServingSettings:
    return make_settings(tmp_path, *(peer.url for peer in peers))


@pytest.fixture
async def replicas(settings: ServingSettings) -> AsyncIterator[Replicas]:
    async with Replicas(settings) as open_replicas:
        yield open_replicas
