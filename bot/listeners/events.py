"""Events: questions, edits, reactions, opened panes. Bolt acknowledges events by itself."""

import contextlib
import re
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot import questions
from bot.parts import Parts
from bot.spot import Spot
from bot.streaming import REFUSALS
from bot.voting import Ballot, of_reaction

Body = dict[str, Any]


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of events. An event without a listener is not acknowledged, so the last one takes all the others."""

    async def on_message(body: Body, event: Body, context: AsyncBoltContext) -> None:
        edited = questions.edited(event)
        shared = bool(body.get("is_ext_shared_channel"))
        team = context.get("actor_team_id")
        asked = questions.read(edited or event, parts.me, parts.persona.slug, team, shared=shared)
        if asked is None:
            return
        if edited:
            await parts.intake.reword(asked)
        else:
            await parts.intake.ask(asked, str(body["event_id"]))

    async def on_reaction(body: Body, event: Body) -> None:
        value, item = of_reaction(str(event.get("reaction"))), event.get("item") or {}
        if value is None or event.get("item_user") != parts.me.user_id or item.get("type") != "message":
            return
        spot = Spot(str(item["channel"]), str(item["ts"]))
        withdrawn = event["type"] == "reaction_removed"
        await parts.voting.vote(Ballot(spot, str(event["user"]), value, str(body["event_id"]), withdrawn))

    async def on_home_opened(event: Body) -> None:
        if event.get("tab") == "home":
            await publish_home(parts, str(event["user"]))
        elif parts.persona.suggested_prompts:
            prompts = [{"title": prompt[:75], "message": prompt} for prompt in parts.persona.suggested_prompts]
            with contextlib.suppress(*REFUSALS):  # a nicety; and with a thread_ts it would silently do nothing
                await parts.client.assistant_threads_setSuggestedPrompts(channel_id=event["channel"], prompts=prompts)

    async def on_anything_else() -> None:
        return None

    app.event("app_mention")(on_message)
    app.event("message")(on_message)
    app.event("reaction_added")(on_reaction)
    app.event("reaction_removed")(on_reaction)
    app.event("app_home_opened")(on_home_opened)
    app.event(re.compile(".*"))(on_anything_else)


async def publish_home(parts: Parts, user: str) -> None:
    """Draw somebody's App Home anew."""
    await parts.homes.publish(user)
