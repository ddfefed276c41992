"""Events: questions, edits, reactions. Bolt acknowledges events by itself."""

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot import questions
from bot.parts import Parts
from bot.spot import Body, Spot, seconds
from bot.voting import Ballot, of_reaction


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of events."""

    async def on_message(body: Body, event: Body, context: AsyncBoltContext) -> None:
        edited = questions.edited(event)
        shared = bool(body.get("is_ext_shared_channel"))
        team = context.get("actor_team_id")
        asked = questions.read(edited or event, parts.me, parts.persona.slug, team, shared=shared)
        if asked is None:
            return
        if edited:
            await parts.intake.reword(asked, str(body["event_id"]))
        else:
            await parts.intake.ask(asked, str(body["event_id"]))

    async def on_reaction(body: Body, event: Body) -> None:
        value, item = of_reaction(str(event.get("reaction"))), event.get("item") or {}
        if value is None or event.get("item_user") != parts.me.user_id or item.get("type") != "message":
            return
        spot = Spot(str(item["channel"]), str(item["ts"]))
        withdrawn = event["type"] == "reaction_removed"
        at = seconds(event.get("event_ts"))
        await parts.voting.vote(Ballot(spot, str(event["user"]), value, str(body["event_id"]), withdrawn, at=at))

    app.event("app_mention")(on_message)
    app.event("message")(on_message)
    app.event("reaction_added")(on_reaction)
    app.event("reaction_removed")(on_reaction)
