"""App Home and the pane: opened, and the buttons in the Home."""

import contextlib

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.case_blocks import WITHDRAW_CASE
from bot.home import OPEN_REVIEW, START_RUN
from bot.listeners.review import open_review
from bot.listeners.training import open_preview
from bot.parts import Parts
from bot.permissions import Denied
from bot.replies import Reply
from bot.slack_errors import REFUSALS
from bot.spot import Body, user_of, value_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of App Home."""

    async def on_opened(event: Body) -> None:
        if event.get("tab") == "home":
            await parts.homes.publish(str(event["user"]))
        elif parts.persona.suggested_prompts:
            prompts = [{"title": prompt[:75], "message": prompt} for prompt in parts.persona.suggested_prompts]
            with contextlib.suppress(*REFUSALS):  # a nicety; and with a thread_ts it would silently do nothing
                await parts.client.assistant_threads_setSuggestedPrompts(channel_id=event["channel"], prompts=prompts)

    async def on_open_review(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.tell(user_of(body), await open_review(parts, body["trigger_id"], user_of(body)))

    async def on_start_run(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.tell(user_of(body), await open_preview(parts, body["trigger_id"], user_of(body)))

    async def on_withdraw_case(ack: AsyncAck, body: Body) -> None:
        await ack()
        try:
            await parts.correcting.withdraw(user_of(body), int(value_of(body)))
        except Denied as denied:
            await parts.tell(user_of(body), Reply(str(denied)))
        await parts.homes.publish(user_of(body))

    app.event("app_home_opened")(on_opened)
    app.action(OPEN_REVIEW)(on_open_review)
    app.action(START_RUN)(on_start_run)
    app.action(WITHDRAW_CASE)(on_withdraw_case)
