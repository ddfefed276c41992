"""The payloads of clicks, submissions, closed views and slash commands. Pure.

Not imitated: shortcuts, block suggestions, the deprecated verification of tokens.
"""

from sandbox.directory import APP_ID, BOT_ID, Channel, Person, Team
from sandbox.events import TOKEN
from sandbox.messages import Message
from sandbox.payload import Payload


def _common(kind: str, person: Person, team: Team) -> Payload:
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP_ID,
        "token": TOKEN,
        "team": {"id": team.id, "domain": team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_click(
    person: Person, team: Team, channel: Channel, message: Message, shown: Payload, action: Payload, state: Payload
) -> Payload:
    """`shown` is the message as the Web API shows it."""
    container: Payload = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_for is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = {
        **_common("block_actions", person, team),
        "container": container,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "state": {"values": state},
        "actions": [action],
    }
    if message.ephemeral_for is None:
        payload["message"] = {**shown, "bot_id": BOT_ID, "app_id": APP_ID}
    return payload


def view_click(person: Person, team: Team, view: Payload, action: Payload) -> Payload:
    return {
        **_common("block_actions", person, team),
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [action],
    }


def view_submission(person: Person, team: Team, view: Payload) -> Payload:
    return {**_common("view_submission", person, team), "view": view, "response_urls": []}


def view_closed(person: Person, team: Team, view: Payload, *, is_cleared: bool) -> Payload:
    return {**_common("view_closed", person, team), "view": view, "is_cleared": is_cleared}


def slash_command(person: Person, team: Team, channel: Channel, command: str, text: str) -> Payload:
    return {
        "token": TOKEN,
        "team_id": person.team_id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
    }


def channel_name(channel: Channel) -> str:
    return "directmessage" if channel.kind == "im" else channel.name
