"""The events an app is told of: their payloads, and the feed that sends those the app subscribed to.

Not imitated: `message_replied`, channel lifecycle events, unfurls, presence, the legacy assistant events.
"""

import time

from sandbox.directory import APP_ID, BOT_USER_ID, Channel, Directory
from sandbox.identifiers import fresh_id
from sandbox.manifest import Manifest
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.sockets import SocketHub

TOKEN = "sandbox-verification-token"


class EventFeed:
    def __init__(self, manifest: Manifest, directory: Directory, hub: SocketHub) -> None:
        self._manifest = manifest
        self._directory = directory
        self._hub = hub

    def send(self, subscription: str, event: Payload, channel: Channel | None = None) -> None:
        """Nothing is sent for what the app did not subscribe to, or from channels that it is not in."""
        if subscription not in self._manifest.events:
            return
        if channel is not None and BOT_USER_ID not in channel.members:
            return
        shared = channel is not None and channel.is_ext_shared
        self._hub.send_event(subscription, event_callback(event, self._directory.team.id, shared=shared))

    def send_message(self, event: Payload, channel: Channel) -> None:
        family = {"im": "im", "group": "groups", "channel": "channels"}[channel.kind]
        self.send(f"message.{family}", event, channel)


def event_callback(event: Payload, team_id: str, *, shared: bool) -> Payload:
    return {
        "token": TOKEN,
        "team_id": team_id,
        "context_team_id": team_id,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": fresh_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team_id,
                "user_id": BOT_USER_ID,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "event_context": fresh_id("4-"),
    }


def posted(payload: Payload, channel: Channel, directory: Directory, parent: Message | None) -> Payload:
    """`message`. The sender of another workspace is named by `user_team`, as apps need for a stream's recipient."""
    event = {**payload, "channel": channel.id, "channel_type": channel.kind, "event_ts": payload["ts"]}
    event.update(_outside_fields(payload, directory))
    if parent is not None:
        event["parent_user_id"] = parent.user
    return event


def mention(payload: Payload, channel: Channel, directory: Directory) -> Payload:
    kept = ("user", "ts", "client_msg_id", "text", "team", "thread_ts", "blocks", "files")
    event = {"type": "app_mention", **{key: payload[key] for key in kept if key in payload}}
    event.update(_outside_fields(payload, directory))
    return {**event, "channel": channel.id, "event_ts": payload["ts"]}


def _outside_fields(payload: Payload, directory: Directory) -> Payload:
    person = directory.people[payload["user"]]
    if person.team_id == directory.team.id:
        return {}
    return {"user_team": person.team_id, "source_team": person.team_id}


def changed(new: Payload, old: Payload, channel: Channel, ts: str) -> Payload:
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": new,
        "previous_message": old,
        **_where(channel, ts),
    }


def deleted(old: Payload, channel: Channel, ts: str) -> Payload:
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "deleted_ts": old["ts"],
        "previous_message": old,
        **_where(channel, ts),
    }


def _where(channel: Channel, ts: str) -> Payload:
    return {"channel": channel.id, "channel_type": channel.kind, "ts": ts, "event_ts": ts}


def reaction(kind: str, person: str, name: str, message: Message, ts: str) -> Payload:
    """`kind` is reaction_added or reaction_removed."""
    return {
        "type": kind,
        "user": person,
        "reaction": name,
        "item_user": message.user,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "event_ts": ts,
    }


def home_opened(person: str, channel: str, tab: str, ts: str, view: Payload | None) -> Payload:
    event: Payload = {"type": "app_home_opened", "user": person, "channel": channel, "tab": tab, "event_ts": ts}
    if tab == "home" and view is not None:
        event["view"] = view
    return event


def context_changed(person: str, channel: str, entities: list[Payload], ts: str) -> Payload:
    return {
        "type": "app_context_changed",
        "user": person,
        "channel": channel,
        "context": {"entities": entities},
        "event_ts": ts,
    }
