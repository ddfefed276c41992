"""Apps with the older assistant view, through Bolt's own Assistant middleware."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import Workspace
from sandbox.manifest import parse_manifest
from sandbox.server import serve

MANIFEST = {
    "display_information": {"name": "Older"},
    "features": {"assistant_view": {"assistant_description": "I am an assistant."}},
    "settings": {
        "socket_mode_enabled": True,
        "event_subscriptions": {
            "bot_events": ["assistant_thread_started", "assistant_thread_context_changed", "message.im"]
        },
    },
}


def build_app(client: AsyncWebClient) -> AsyncApp:
    app, assistant = AsyncApp(client=client), AsyncAssistant()

    @assistant.thread_started
    async def started(say: Any, set_suggested_prompts: Any) -> None:
        await say("How can I help?")
        await set_suggested_prompts(title="Try", prompts=[{"title": "Tell", "message": "Tell me where I am"}])

    @assistant.user_message
    async def answer(say: Any, set_status: Any, get_thread_context: Any, payload: dict[str, Any]) -> None:
        await set_status("is looking...")
        context = await get_thread_context()
        await say(f"{payload['text']}: {context.channel_id if context else 'nowhere'}")

    app.use(assistant)
    return app


@asynccontextmanager
async def running() -> AsyncIterator[Workspace]:
    with serve(parse_manifest(MANIFEST)) as url:
        client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
        handler = AsyncSocketModeHandler(build_app(client), app_token="xapp-sandbox")
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            async with Workspace(url) as ws:
                await ws.wait_until_connected()
                yield ws
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


async def test_a_thread_is_started_once_and_what_is_written_goes_into_it() -> None:
    async with running() as ws:
        mia = ws.person("mia")
        await mia.open_dm()
        greeting = await mia.wait_for("dm", lambda m: m.plain == "How can I help?")
        await mia.open_dm()
        await mia.say("dm", "hello")
        answer = await mia.wait_for("dm", lambda m: m.plain == "hello: nowhere")
        assert answer.thread_ts == greeting.thread_ts
        assert (await ws.counts("event"))["assistant_thread_started"] == 1
        prompts = await mia.prompts()
        assert (prompts["title"], prompts["prompts"][0]["title"]) == ("Try", "Tell")
        assert [m.plain for m in await ws.person("ada").messages("dm")] == []


async def test_the_app_is_told_where_the_person_looks_and_keeps_it_in_its_message() -> None:
    """Bolt's default store writes the context into the metadata of the app's own first message."""
    async with running() as ws:
        mia = ws.person("mia")
        await mia.open_dm()
        await mia.wait_for("dm", lambda m: m.plain == "How can I help?")
        await mia.look_at("general")
        async with asyncio.timeout(10), aclosing(ws.updates("mia")) as updates:
            async for _ in updates:
                if "chat.update" in await ws.counts():
                    break
        await mia.say("dm", "where")
        await mia.wait_for("dm", lambda m: m.plain == "where: C0GENERAL1")


@pytest.mark.parametrize("view", ["agent_view", "assistant_view"])
async def test_only_the_older_view_starts_threads(view: str) -> None:
    features = {view: {"suggested_prompts": [{"title": "a", "message": "b"}]}}
    with serve(parse_manifest({**MANIFEST, "features": features})) as url:
        async with Workspace(url) as ws:
            await ws.person("mia").open_dm()
            assert len(await ws.person("mia").messages("dm")) == (view == "assistant_view")
            assert (await ws.person("mia").prompts())["prompts"] == [{"title": "a", "message": "b"}]
