"""The window for a correction, opened, sent, and closed. What is wrong with an entry is shown at its field."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import modals
from bot.case_blocks import CORRECT
from bot.correcting import Opened, Overtaken
from bot.modals import CORRECTION
from bot.parts import Parts
from bot.spot import Body, field, note_of, of_click, user_of, value_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of corrections."""

    async def on_correct(ack: AsyncAck, body: Body) -> None:
        await ack()
        opened = Opened(answer_id=int(value_of(body)), note=note_of(body))
        await parts.correcting.open(body["trigger_id"], user_of(body), of_click(body), opened)

    async def on_correction(ack: AsyncAck, body: Body, view: Body) -> None:
        try:
            taken = await parts.correcting.take(view, user_of(body))
        except Overtaken as meanwhile:
            own = field(view, modals.TEXT)
            again = modals.overtaken(view, meanwhile.words, meanwhile.by, meanwhile.seen, own)
            await ack(response_action="update", view=again)
            return
        if taken.errors:
            await ack(response_action="errors", errors=taken.errors)
        else:
            await ack()
            await parts.correcting.thank(view, user_of(body), taken)

    async def on_closed(ack: AsyncAck, body: Body, view: Body) -> None:
        await ack()
        await parts.correcting.closed(view, user_of(body))

    app.action(CORRECT)(on_correct)
    app.view(CORRECTION)(on_correction)
    app.view_closed(CORRECTION)(on_closed)
