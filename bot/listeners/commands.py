"""The slash command. Every answer is for its author alone, except what belongs in the channel of record."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot import listings
from bot.listeners.actions import open_review
from bot.parts import Parts
from bot.permissions import Denied
from bot.reviewing import FORGETFUL
from bot.spot import Body
from bot.text import escape
from feedback.database import DatabaseUnavailable
from serving.errors import ServingError

NOT_SERVED = "I did not roll back: the model server does not take the earlier version now ({}). Nothing was changed."


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of the command."""

    async def on_command(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        words = str(body.get("text") or "").split()
        try:
            said = await _answer(parts, body, words[0].casefold() if words else "help")
        except Denied as denied:
            said = str(denied)
        except DatabaseUnavailable:
            said = FORGETFUL
        if said:
            await respond(text=said, response_type="ephemeral")

    # With `should_escape` a command keeps its name in every workspace; the pattern takes exactly ours.
    app.command(re.compile(f"^{re.escape(parts.settings.slack.command)}$"))(on_command)


async def _answer(parts: Parts, body: Body, word: str) -> str:
    user, channel, command = str(body["user_id"]), str(body["channel_id"]), parts.settings.slack.command
    delivery = f"command:{body['trigger_id']}"
    match word:
        case "retrain":
            return await parts.retraining.retrain(user, channel, delivery)
        case "cancel":
            return await parts.retraining.cancel(user)
        case "rollback":
            return await _roll_back(parts, user, channel, delivery)
        case "review":
            await open_review(parts, str(body["trigger_id"]), user)
            return ""
        case "help":
            return listings.usage(command)
        case "undo":
            return await parts.reviewing.undo(user, str(body.get("text") or ""))
        case "follow":
            return await parts.following.command(user, channel, str(body.get("text") or ""))
        case "probes":
            return listings.probe_list(*await parts.database.run(listings.read_probes, parts.persona.slug))
        case "status" | "adapters" | "cases":
            return await _listing(parts, user, word)
        case unknown:
            return listings.usage(command, unknown)


async def _listing(parts: Parts, user: str, word: str) -> str:
    if word == "cases":  # they show what people asked, and who
        await parts.permissions.admin(user, "see every case")
    seen = await parts.database.run(listings.read, parts.persona.slug)
    if word == "status":
        return listings.status(seen)
    return listings.adapter_list(seen.adapters) if word == "adapters" else listings.case_list(seen.cases)


async def _roll_back(parts: Parts, user: str, channel: str, delivery: str) -> str:
    try:
        said, public = await parts.retraining.roll_back(user, delivery)
    except ServingError as error:
        return NOT_SERVED.format(escape(error))
    if public:
        record = parts.settings.slack.record_channel or channel
        await parts.client.chat_postMessage(channel=record, text=public)
    return said
