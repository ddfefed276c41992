"""A synchronous Bolt app, with the standard library's Socket Mode client, against the sandbox."""

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from sandbox.client import Workspace
from sandbox.server import serve

MANIFEST = Path(__file__).with_name("sandbox_app.yaml")


@pytest.fixture
def url() -> Iterator[str]:
    with serve(MANIFEST) as base_url:
        yield base_url


@pytest.fixture
def reactions(url: str) -> Iterator["queue.Queue[dict[str, Any]]"]:
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    app = App(client=WebClient(token="xoxb-sandbox", base_url=f"{url}/api/"))

    @app.event("app_mention")
    def on_mention(event: dict[str, Any], client: WebClient) -> None:
        thread = event.get("thread_ts") or event["ts"]
        client.assistant_threads_setStatus(channel_id=event["channel"], thread_ts=thread, status="is thinking...")
        stream = client.chat_stream(
            channel=event["channel"],
            thread_ts=thread,
            recipient_team_id=event["team"],
            recipient_user_id=event["user"],
        )
        stream.append(markdown_text="a synchronous ")
        stream.stop(markdown_text="answer")

    @app.event("message")
    def on_message() -> None:
        """Acknowledged and ignored."""

    @app.event("reaction_added")
    def on_reaction(event: dict[str, Any]) -> None:
        heard.put(event)

    handler = SocketModeHandler(app, app_token="xapp-sandbox")
    handler.connect()  # type: ignore[no-untyped-call]
    yield heard
    handler.close()  # type: ignore[no-untyped-call]


async def test_a_synchronous_app_streams_and_hears_reactions(
    url: str, reactions: "queue.Queue[dict[str, Any]]"
) -> None:
    async with Workspace(url) as ws:
        await ws.wait_until_connected()
        mia = ws.person("mia")
        ts = await mia.say("help", f"{await ws.mention()} hello")
        answer = await mia.wait_for("help", lambda m: m.by_app and not m.streaming, thread_ts=ts)
        assert answer.text == "a synchronous answer"
        assert await mia.statuses("help") == []
        await mia.react("help", answer.ts, "+1")
        assert reactions.get(timeout=30)["reaction"] == "+1"
