"""Submitted windows. What is wrong with an entry is shown at its field, so the answer to Slack comes last."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import modals
from bot.parts import Parts
from bot.permissions import Denied
from bot.reviewing import FORGETFUL
from bot.spot import Body, field
from feedback.cases import CorrectionError
from feedback.database import DatabaseUnavailable


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of submissions."""

    async def on_correction(ack: AsyncAck, body: Body, view: Body) -> None:
        errors = await parts.correcting.take(view, str(body["user"]["id"]))
        if errors:
            await ack(response_action="errors", errors=errors)
        else:
            await ack()

    async def on_decision(ack: AsyncAck, body: Body, view: Body) -> None:
        user, about, words = str(body["user"]["id"]), modals.read(view), field(view, modals.TEXT)
        decide = parts.reviewing.revise if view["callback_id"] == modals.EDIT else parts.reviewing.reject
        try:
            notice = await decide(user, about["case"], words, f"view:{view['id']}")
            following = await parts.reviewing.window(user, about["skipped"], notice)
        except CorrectionError as refused:
            await ack(response_action="errors", errors={modals.TEXT: str(refused)})
        except Denied as denied:
            await ack(response_action="errors", errors={modals.TEXT: denied.plain})
        except DatabaseUnavailable:
            await ack(response_action="errors", errors={modals.TEXT: FORGETFUL})
        else:
            await ack()
            await parts.client.views_update(view_id=about["root"], view=following)

    app.view(modals.CORRECTION)(on_correction)
    app.view(modals.EDIT)(on_decision)
    app.view(modals.REJECT)(on_decision)
