"""What the bot is held against: a plain Bolt listener that asks the model and streams what it says, and nothing else.

    python -m bench.bot.plain_bolt --api-url http://127.0.0.1:8300/api/ --model-url http://127.0.0.1:8000/v1

No record, no retry, no limit, no votes, and text as the model wrote it: as the examples of Slack's libraries do it,
with ``client.chat_stream`` and the buffer that it comes with.
"""

import argparse
import asyncio
from typing import Any

import openai
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

FIRST_TEXT = 256  # characters that ``chat_stream`` waits for before it sends anything
Event = dict[str, Any]


def build(api_url: str, model_url: str, bot_token: str, command: str) -> AsyncApp:
    """The app with its three routes."""
    app = AsyncApp(client=AsyncWebClient(token=bot_token, base_url=api_url), request_verification_enabled=False)
    model = openai.AsyncOpenAI(base_url=model_url, api_key="none")

    async def answer(event: Event, client: AsyncWebClient, bot_user_id: str, team_id: str) -> None:
        question = event["text"].replace(f"<@{bot_user_id}>", "").strip()
        streamer = await client.chat_stream(
            channel=event["channel"], thread_ts=event["ts"], recipient_user_id=event["user"], recipient_team_id=team_id
        )
        messages: list[Any] = [{"role": "user", "content": question}]
        async for chunk in await model.chat.completions.create(model="base", messages=messages, stream=True):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                await streamer.append(markdown_text=text)
        await streamer.stop()

    async def on_mention(event: Event, client: AsyncWebClient, context: dict[str, Any]) -> None:
        await answer(event, client, context["bot_user_id"], context["team_id"])

    async def on_message(event: Event, client: AsyncWebClient, context: dict[str, Any]) -> None:
        if event.get("channel_type") == "im" and not event.get("subtype") and not event.get("bot_id"):
            await answer(event, client, context["bot_user_id"], context["team_id"])

    async def on_command(ack: AsyncAck) -> None:
        await ack("All is well.")

    app.event("app_mention")(on_mention)
    app.event("message")(on_message)
    app.command(command)(on_command)
    return app


async def run(options: argparse.Namespace) -> None:
    """Serve until the process is ended."""
    app = build(options.api_url, options.model_url, options.bot_token, options.command)
    await AsyncSocketModeHandler(app, options.app_token).start_async()  # type: ignore[no-untyped-call]


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api-url", required=True)
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--bot-token", default="xoxb-sandbox")
    parser.add_argument("--app-token", default="xapp-sandbox")
    parser.add_argument("--command", default="/mend")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
