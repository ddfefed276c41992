"""Confirming what was asked for: a run, a rollback over a run; and cancelling a run by the button of its message."""

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot import modals
from bot.parts import Parts
from bot.permissions import Denied
from bot.private import whisper
from bot.replies import FORGETFUL, Reply
from bot.retraining import Confirmed, StartInDoubt, as_reply
from bot.rolling_back import CONFIRM_ROLLBACK
from bot.run_blocks import CANCEL_RUN
from bot.run_preview import CHANGED, CONFIRM_RUN, CONFIRM_WINDOW, DISMISS, window
from bot.spot import Body, delivery_of, of_click, user_of, value_of
from bot.windows import open_window
from feedback.database import DatabaseUnavailable

DISMISSED = {"retrain": "Nothing was started.", "rollback": "Nothing was rolled back; the run goes on."}


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of runs."""

    async def on_confirm(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        asked = Confirmed(user_of(body), of_click(body).channel, value_of(body), delivery_of(body))

        async def confirmed() -> Reply:
            return as_reply(await parts.retraining.confirm(asked), CHANGED)

        await _replace(respond, confirmed)

    async def on_confirm_window(ack: AsyncAck, body: Body, view: Body) -> None:
        await ack()
        user = user_of(body)
        shown = str(modals.read(view).get("shown"))
        place = parts.settings.slack.record_channel or user
        try:
            said = await parts.retraining.confirm(Confirmed(user, place, shown, f"view:{view['id']}"))
        except Denied as denied:
            said = str(denied)
        except StartInDoubt as doubt:
            await parts.tell(user, Reply(str(doubt)))
            return  # without the record there is no Home to publish either
        await parts.tell(user, as_reply(said, CHANGED))
        await parts.homes.publish(user)

    async def on_roll_back(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        user, channel, shown = user_of(body), of_click(body).channel, value_of(body)
        await _replace(respond, lambda: parts.rolling_back.confirm(user, channel, shown, delivery_of(body)))

    async def on_dismiss(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        await respond(text=DISMISSED.get(value_of(body), "Nothing was changed."), replace_original=True)

    async def on_cancel(ack: AsyncAck, body: Body) -> None:
        await ack()
        try:
            said = await parts.retraining.cancel(user_of(body), int(value_of(body)))
        except Denied as denied:
            said = str(denied)
        await whisper(parts.client, of_click(body).ear(user_of(body)), said)

    app.action(CONFIRM_RUN)(on_confirm)
    app.view(CONFIRM_WINDOW)(on_confirm_window)
    app.action(CONFIRM_ROLLBACK)(on_roll_back)
    app.action(DISMISS)(on_dismiss)
    app.action(CANCEL_RUN)(on_cancel)


async def _replace(respond: AsyncRespond, do: Callable[[], Awaitable[Reply]]) -> None:
    """Put what comes of a click in place of its buttons; they stay while the database is away."""
    try:
        reply = await do()
    except Denied as denied:
        reply = Reply(str(denied))
    except (DatabaseUnavailable, StartInDoubt) as away:
        said = str(away) if isinstance(away, StartInDoubt) else FORGETFUL
        await respond(text=said, replace_original=False, response_type="ephemeral")
        return
    if reply.text:  # nothing: this very click was taken before
        await respond(text=reply.text, blocks=reply.drawn, replace_original=True)


async def open_preview(parts: Parts, trigger_id: str, user: str) -> Reply:
    """The preview as a window, for the App Home; word for the user when it is too late for that."""
    try:
        found = await parts.retraining.preview(user)
    except Denied as denied:
        found = str(denied)
    except DatabaseUnavailable:
        found = FORGETFUL
    view = modals.notice("Retrain", found) if isinstance(found, str) else window(found)
    return await open_window(parts.client, trigger_id, view)
