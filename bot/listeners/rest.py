"""What nobody else listens to. Without a listener it would not be acknowledged, and Slack would send it again."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.parts import Parts

ANYTHING = re.compile(".*")


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of everything else."""

    async def on_any_event() -> None:
        return None

    async def on_any_click(ack: AsyncAck) -> None:
        await ack()

    app.event(ANYTHING)(on_any_event)
    app.action(ANYTHING)(on_any_click)
