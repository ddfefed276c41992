"""The slash command. Every answer is for its author alone, except what belongs in the channel of record."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot import listings
from bot.listeners.review import open_review
from bot.parts import Parts
from bot.permissions import Denied
from bot.replies import FORGETFUL, Reply
from bot.retraining import as_reply
from bot.spot import Body
from feedback.database import DatabaseUnavailable


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of the command."""

    async def on_command(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        try:
            reply = await _answer(parts, body)
        except Denied as denied:
            reply = Reply(str(denied))
        except DatabaseUnavailable:
            reply = Reply(FORGETFUL)
        if reply.text:
            await respond(text=reply.text, blocks=reply.drawn if reply.blocks else None, response_type="ephemeral")

    # With `should_escape` a command keeps its name in every workspace; the pattern takes exactly ours.
    app.command(re.compile(f"^{re.escape(parts.settings.slack.command)}$"))(on_command)


async def _answer(parts: Parts, body: Body) -> Reply:
    user, channel, trigger = str(body["user_id"]), str(body["channel_id"]), str(body["trigger_id"])
    word, _, rest = str(body.get("text") or "help").strip().partition(" ")
    match word.casefold():
        case "retrain":
            return as_reply(await parts.retraining.preview(user))
        case "rollback":
            return await parts.rolling_back.ask(user, channel, f"command:{trigger}")
        case "canary":
            return await parts.experimenting.command(user, rest.strip(), f"command:{trigger}")
        case "review":
            return await open_review(parts, trigger, user, approved=rest.strip().casefold().startswith("approved"))
        case "undo":
            return await parts.taking_back.undo(user, rest.strip(), f"command:{trigger}")
        case "cases":
            return await parts.reporting.cases(user, rest.strip())
        case other:
            return Reply(await _in_words(parts, user, channel, other, rest.strip(), f"command:{trigger}"))


async def _in_words(parts: Parts, user: str, channel: str, word: str, rest: str, delivery: str) -> str:
    match word:
        case "cancel":
            return await parts.retraining.cancel_active(user, delivery)
        case "pause":
            return await parts.retraining.pause(user, rest, delivery)
        case "resume":
            return await parts.retraining.resume(user, delivery)
        case "status":
            return await parts.reporting.status()
        case "adapters":
            return await parts.reporting.adapters()
        case "follow":
            return await parts.following.command(user, channel, rest)
        case "probes":
            return await parts.reporting.probes(user)
        case unknown:
            return listings.usage(parts.settings.slack.command, "" if unknown == "help" else unknown)
