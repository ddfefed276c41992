"""The buttons that end an experiment, in App Home and under `/mend canary`."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.canary_blocks import PROMOTE, STOP
from bot.parts import Parts
from bot.permissions import Denied
from bot.private import whisper
from bot.replies import FORGETFUL, Reply
from bot.spot import Body, delivery_of, of_click, user_of, value_of
from feedback.database import DatabaseUnavailable


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of the canary."""

    async def on_end(ack: AsyncAck, body: Body) -> None:
        await ack()
        end = parts.experimenting.promote if body["actions"][0]["action_id"] == PROMOTE else parts.experimenting.stop
        try:
            reply = await end(user_of(body), int(value_of(body)), delivery_of(body))
        except Denied as denied:
            reply = Reply(str(denied))
        except DatabaseUnavailable:
            reply = Reply(FORGETFUL)
        if body.get("view"):
            await parts.tell(user_of(body), reply)
            await parts.homes.publish(user_of(body))
        elif reply.text:
            await whisper(parts.client, of_click(body).ear(user_of(body)), reply.text)

    app.action(PROMOTE)(on_end)
    app.action(STOP)(on_end)
