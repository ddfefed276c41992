"""Taking a case back: the button that opens the window, and the window that does it."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import modals
from bot.case_blocks import TAKE_CASE_BACK, TAKE_CASE_BACK_WINDOW
from bot.parts import Parts
from bot.permissions import Denied
from bot.replies import FORGETFUL, Reply
from bot.spot import Body, user_of, value_of
from feedback.database import DatabaseUnavailable


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of taking back."""

    async def on_take_back(ack: AsyncAck, body: Body) -> None:
        await ack()
        try:
            view = await parts.taking_back.window(user_of(body), int(value_of(body)))
        except Denied as denied:
            view = modals.notice("Take back", str(denied))
        except DatabaseUnavailable:
            view = modals.notice("Take back", FORGETFUL)
        await parts.client.views_open(trigger_id=body["trigger_id"], view=view)

    async def on_confirm(ack: AsyncAck, body: Body, view: Body) -> None:
        await ack()
        user, case_id = user_of(body), int(modals.read(view)["case"])
        try:
            reply = await parts.taking_back.confirm(user, case_id, f"view:{view['id']}")
        except Denied as denied:
            reply = Reply(str(denied))
        except DatabaseUnavailable:
            reply = Reply(FORGETFUL)
        await parts.tell(user, reply)
        await parts.homes.publish(user)

    app.action(TAKE_CASE_BACK)(on_take_back)
    app.view(TAKE_CASE_BACK_WINDOW)(on_confirm)
