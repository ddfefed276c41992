"""The review window: its buttons, and the two windows that are put on top of it."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import modals
from bot.parts import Parts
from bot.permissions import Denied
from bot.replies import FORGETFUL, Reply
from bot.reviewing import Click, Looking
from bot.spot import Body, delivery_of, field, user_of, value_of
from bot.windows import draw, open_window
from feedback.cases import CorrectionError
from feedback.database import DatabaseUnavailable


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of the review."""

    async def on_review(ack: AsyncAck, body: Body) -> None:
        await ack()
        view, action = body["view"], body["actions"][0]["action_id"]
        try:
            following = await _after(parts, body, action)
        except Denied as denied:
            following = modals.notice("Review", str(denied))
        except DatabaseUnavailable:
            following = modals.with_notice(view, FORGETFUL)
        if following is not None:
            await draw(parts.client, view["id"], following)

    async def on_decision(ack: AsyncAck, body: Body, view: Body) -> None:
        user, about, words = user_of(body), modals.read(view), field(view, modals.TEXT)
        looking = Looking.unpack(about)
        decide = parts.reviewing.revise if view["callback_id"] == modals.EDIT else parts.reviewing.reject
        try:
            notice = await decide(Click(user, about["case"], f"view:{view['id']}", looking), words)
            following = await parts.reviewing.window(user, looking, notice)
        except CorrectionError as refused:
            await ack(response_action="errors", errors={modals.TEXT: str(refused)})
        except Denied as denied:
            await ack(response_action="errors", errors={modals.TEXT: denied.plain})
        except DatabaseUnavailable:
            await ack(response_action="errors", errors={modals.TEXT: FORGETFUL})
        else:
            await ack()
            await draw(parts.client, about["root"], following)

    for action_id in modals.REVIEW_ACTIONS:
        app.action(action_id)(on_review)
    app.view(modals.EDIT)(on_decision)
    app.view(modals.REJECT)(on_decision)


async def _after(parts: Parts, body: Body, action: str) -> modals.View | None:
    """What the window shows after a click; None when another window is put on top of it."""
    user, view, reviewing = user_of(body), body["view"], parts.reviewing
    looking = Looking.unpack(modals.read(view))
    if action in {modals.SEE_APPROVED, modals.SEE_WAITING}:
        return await reviewing.window(user, Looking(approved=action == modals.SEE_APPROVED))
    named, _, shown = value_of(body).partition(":")
    click, notice = Click(user, int(named), delivery_of(body), looking), ""
    if action in {modals.REVISE, modals.TURN_DOWN}:
        draw = modals.edit if action == modals.REVISE else modals.reject
        pushed = draw(
            await reviewing.case(user, click.case_id), {"case": click.case_id, "root": view["id"], **looking.pack()}
        )
        await parts.client.views_push(trigger_id=body["trigger_id"], view=pushed)
        return None
    if action == modals.APPROVE:
        notice = await reviewing.approve(click, shown)
    elif action == modals.TAKE_BACK:
        notice = await reviewing.take_back(click)
    else:
        looking = looking.past(click.case_id)
    return await reviewing.window(user, looking, notice)


async def open_review(parts: Parts, trigger_id: str, user: str, *, approved: bool = False) -> Reply:
    """Open the review window on the first case; word for the user when it is too late for that."""
    view: dict[str, Any]
    try:
        view = await parts.reviewing.window(user, Looking(approved=approved))
    except DatabaseUnavailable:
        view = modals.notice("Review", FORGETFUL)
    except Denied as denied:
        view = modals.notice("Review", str(denied))
    return await open_window(parts.client, trigger_id, view)
