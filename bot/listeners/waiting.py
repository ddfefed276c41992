"""The way out for somebody whose question waits until the model server is awake."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.napping import STOP_WAITING
from bot.parts import Parts
from bot.spot import Body, of_click, user_of, value_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of waiting."""

    async def on_stop(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.napping.stop(int(value_of(body)), of_click(body), user_of(body))

    app.action(STOP_WAITING)(on_stop)
