"""Which events are questions."""

from typing import Any

import pytest

from bot.people import Me
from bot.questions import Kind, edited, read

ME = Me("UBOT", "T1")


def event(**more: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "user": "UMIA",
        "ts": "2.0",
        "text": "hi",
    } | more


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"channel_type": "im", "channel": "D1"}, Kind.DIRECT),
        ({"type": "app_mention", "text": "<@UBOT> hi"}, Kind.MENTION),
        ({"text": "hi <@UBOT>"}, Kind.MENTION),
        ({"thread_ts": "1.0"}, Kind.FOLLOW_UP),
        ({"thread_ts": "1.0", "subtype": "thread_broadcast"}, Kind.FOLLOW_UP),
        ({"text": "<@UBOT> look", "subtype": "file_share"}, Kind.MENTION),
    ],
)
def test_a_question_and_how_it_reached_us(more: dict[str, Any], kind: Kind) -> None:
    asked = read(event(**more), ME, "pip", "T1")
    assert asked is not None and asked.kind is kind
    assert asked.question.thread_ts == more.get("thread_ts", "2.0")
    assert asked.question.text in {"hi", "look"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"bot_id": "B1", "text": "<@UBOT> hi"},
        {"user": "UBOT", "channel_type": "im"},
        {"user": None},
        {"thread_ts": "1.0", "text": "<@UADA> what do you think?"},
    ],
)
def test_what_is_no_question(more: dict[str, Any]) -> None:
    assert read(event(**more), ME, "pip", "T1") is None


def test_an_outsider_is_asked_for_in_their_own_team() -> None:
    asked = read(event(text="<@UBOT> hi", user_team="T9"), ME, "pip", None)
    assert asked and (asked.question.team_id, asked.question.asker_team_id) == ("T1", "T9")


def test_an_edit_is_read_as_the_new_message_and_an_unfurl_is_not() -> None:
    new, old = {"user": "UMIA", "ts": "2.0", "text": "new"}, {"user": "UMIA", "ts": "2.0", "text": "old"}
    change = event(subtype="message_changed", message=new, previous_message=old, channel_type="im")
    message = edited(change)
    assert message and message["text"] == "new" and message["channel"] == "C1"
    assert edited(change | {"previous_message": new}) is None
    assert edited(event()) is None
