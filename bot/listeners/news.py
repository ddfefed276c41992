"""The buttons under the word that an answer is mended."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.case_blocks import ASK_AGAIN, STILL_WRONG
from bot.parts import Parts
from bot.spot import Body, delivery_of, of_click, user_of, value_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of news."""

    async def on_ask_again(ack: AsyncAck, body: Body) -> None:
        await ack()
        team = str((body["user"].get("team_id")) or parts.me.team_id)
        await parts.asking_again.ask(int(value_of(body)), user_of(body), team, delivery_of(body))

    async def on_still_wrong(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.correcting.reopen(body["trigger_id"], user_of(body), of_click(body), int(value_of(body)))

    app.action(ASK_AGAIN)(on_ask_again)
    app.action(STILL_WRONG)(on_still_wrong)
