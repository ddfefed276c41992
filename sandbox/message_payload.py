"""A message as the Web API and the events show it. Pure.

Not imitated: `client_msg_id` on edits, bot icons (their addresses lead nowhere), subscription state of threads.
"""

from collections.abc import Sequence
from typing import Any

from sandbox.derived import derived_block
from sandbox.directory import APP_ID, BOT_ID, Directory
from sandbox.messages import Message
from sandbox.payload import Payload

_ICON = "https://sandbox.invalid/bot.png"


def message_payload(message: Message, directory: Directory, files: Sequence[Payload] = ()) -> Payload:
    payload: Payload = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": directory.people[message.user].team_id,
    }
    if message.by_app:
        payload.update(_app_fields(message, directory))
    if message.subtype:
        payload["subtype"] = message.subtype
    if message.blocks:
        payload["blocks"] = list(message.blocks)
    elif message.by_app and message.text and not message.markdown:
        payload["blocks"] = [derived_block(message.text, message.ts)]
    if message.thread_ts:
        payload["thread_ts"] = message.thread_ts
    if message.edited_ts:
        payload["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.reactions:
        payload["reactions"] = reaction_payloads(message)
    if files:
        payload["files"] = list(files)
    if message.metadata:
        payload["metadata"] = message.metadata
    return payload


def _app_fields(message: Message, directory: Directory) -> Payload:
    name = message.username or directory.bot.real_name
    fields: Payload = {
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "bot_profile": {
            "id": BOT_ID,
            "app_id": APP_ID,
            "name": name,
            "team_id": directory.team.id,
            "deleted": False,
            "updated": 0,
            "icons": {"image_36": _ICON, "image_48": _ICON, "image_72": _ICON},
        },
    }
    if message.username:
        fields["username"] = message.username
    if message.streaming:
        fields["streaming_state"] = "in_progress"
    return fields


def reaction_payloads(message: Message) -> list[dict[str, Any]]:
    return [{"name": name, "users": list(people), "count": len(people)} for name, people in message.reactions.items()]


def thread_summary(replies: Sequence[Message]) -> Payload:
    """What the first message of a thread says about its replies."""
    if not replies:
        return {}
    people = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "reply_count": len(replies),
        "reply_users": people,
        "reply_users_count": len(people),
        "latest_reply": replies[-1].ts,
    }
