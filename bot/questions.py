"""Slack's message events, read as questions. Pure: what is not a question for the bot is None."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot import text
from bot.people import Me
from feedback.answers import Question

Event = dict[str, Any]

# What a person writes with a file, or sends to the channel as well, is a message like any other.
ASKING_SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})


class Kind(Enum):
    """Why a message may be for the bot."""

    DIRECT = "direct"
    MENTION = "mention"
    FOLLOW_UP = "follow-up"  # only where that is switched on, and the bot was asked in the thread before


@dataclass(frozen=True)
class Asked:
    """A question, and how it reached the bot."""

    kind: Kind
    question: Question


def read(event: Event, me: Me, persona: str, asker_team_id: str | None, *, shared: bool = False) -> Asked | None:
    """The question in a ``message`` or ``app_mention`` event; its text may be empty.

    ``shared``: the event's envelope says that its channel is shared with another organisation.
    """
    if event.get("subtype") not in ASKING_SUBTYPES or event.get("bot_id") or not event.get("user"):
        return None
    if event["user"] == me.user_id or "ts" not in event or not event.get("channel"):
        return None
    written = str(event.get("text") or "")
    kind = _kind(event, written, me)
    if kind is None:
        return None
    ts = str(event["ts"])
    return Asked(
        kind,
        Question(
            persona=persona,
            team_id=me.team_id,
            channel_id=str(event["channel"]),
            thread_ts=str(event.get("thread_ts") or ts),
            question_ts=ts,
            asker_id=str(event["user"]),
            asker_team_id=str(event.get("user_team") or asker_team_id or me.team_id),
            text=text.question(written, me.user_id),
            shared=shared,
        ),
    )


def _kind(event: Event, written: str, me: Me) -> Kind | None:
    if event.get("channel_type") == "im":
        return Kind.DIRECT
    if event.get("type") == "app_mention" or text.mentions(written, me.user_id):
        return Kind.MENTION
    if event.get("thread_ts") and not text.addressed_to_other(written, me.user_id):
        return Kind.FOLLOW_UP
    return None


def edited(event: Event) -> Event | None:
    """The new message of an edit by a person, in the form of a message event."""
    if event.get("subtype") != "message_changed":
        return None
    new, old = event.get("message") or {}, event.get("previous_message") or {}
    if new.get("text") == old.get("text") or new.get("subtype") not in ASKING_SUBTYPES:
        return None  # Slack sends the same event when it unfurls a link
    kept = ("channel", "channel_type", "event_ts")
    return {**new, **{key: event[key] for key in kept if key in event}, "type": "message"}
