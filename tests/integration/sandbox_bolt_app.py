"""A small real Bolt app: it streams an echo, takes feedback through a modal, and keeps what it heard."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

FEEDBACK = {
    "type": "context_actions",
    "block_id": "verdict",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
        }
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "better",
    "title": {"type": "plain_text", "text": "Say it better"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "words",
            "label": {"type": "plain_text", "text": "Words"},
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        }
    ],
}


class Heard:
    """The bodies that the app was sent, and a way to wait for them."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._more = asyncio.Event()

    def append(self, body: dict[str, Any]) -> None:
        self.bodies.append(body)
        self._more.set()

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [body["event"] for body in self.bodies if body.get("event", {}).get("type") == kind]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies if body.get("type") == kind]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._more.clear()
                await self._more.wait()


def build_echo(client: AsyncWebClient, heard: Heard) -> AsyncApp:
    app = AsyncApp(client=client, logger=logging.getLogger("echo"))

    @app.event("app_mention")
    async def on_mention(event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
        heard.append(body)
        stream = await client.chat_stream(
            channel=event["channel"],
            thread_ts=event.get("thread_ts") or event["ts"],
            recipient_team_id=event.get("user_team") or body["team_id"],
            recipient_user_id=event["user"],
            buffer_size=1,
        )
        for word in event["text"].split():
            await stream.append(markdown_text=word.replace("<", "&lt;") + " ")
        await stream.stop(blocks=[FEEDBACK])

    @app.event("message")
    async def on_message(event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
        heard.append(body)
        if event.get("channel_type") == "im" and "subtype" not in event:
            await client.chat_postMessage(channel=event["channel"], text=f"echo {event['text']}")

    @app.event("reaction_added")
    @app.event("reaction_removed")
    @app.event("app_home_opened")
    @app.event("app_context_changed")
    async def on_other(body: dict[str, Any]) -> None:
        heard.append(body)

    @app.action("feedback")
    async def on_feedback(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        heard.append(body)
        await client.views_open(
            trigger_id=body["trigger_id"], view={**MODAL, "private_metadata": body["container"]["message_ts"]}
        )

    @app.view("better")
    async def on_words(ack: Any, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient) -> None:
        words = view["state"]["values"]["words"]["text"]["value"]
        if words == "same":
            await ack(response_action="errors", errors={"words": "That is the same."})
            return
        await ack()
        await client.chat_postEphemeral(channel="C0GENERAL1", user=body["user"]["id"], text=f"noted: {words}")

    @app.view_closed("better")
    async def on_closed(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        heard.append(body)

    @app.command("/echo")
    async def on_echo(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack(f"you said {command['text']}")
        await respond("and everyone hears it", response_type="in_channel")

    @app.command("/plain")
    async def on_plain(ack: Any, command: dict[str, Any]) -> None:
        await ack(command["text"])

    return app


@asynccontextmanager
async def running_echo(url: str, heard: Heard) -> AsyncIterator[AsyncWebClient]:
    client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
    handler = AsyncSocketModeHandler(build_echo(client, heard), app_token="xapp-sandbox")
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield client
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
