"""A server that says 200 and then something that no vLLM server says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from serving.errors import ServingUnavailable
from serving.replica import Replica
from tests.unit.serving.factories import make_settings

GARBLED = ["", "<html>welcome</html>", "[]", "null", "{}", '{"data": 1, "count": null}', '{"data": [{}], "count": "x"}']


@pytest.fixture(params=GARBLED)
async def replica(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Replica]:
    async def garbled(_: web.Request) -> web.Response:
        return web.Response(text=request.param)

    app = web.Application()
    app.add_routes([web.get("/v1/models", garbled), web.get("/metrics", garbled), web.post("/tokenize", garbled)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    found = Replica(url, make_settings(tmp_path, url))
    yield found
    await found.close()
    await runner.cleanup()


async def test_a_garbled_reply_is_an_unavailable_server(replica: Replica) -> None:
    with pytest.raises(ServingUnavailable, match=replica.url):
        await replica.models()
    with pytest.raises(ServingUnavailable, match=replica.url):
        await replica.requests()
    with pytest.raises(ServingUnavailable, match=replica.url):
        await replica.count_tokens([{"role": "user", "content": "hello"}])
