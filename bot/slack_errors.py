"""What Slack says when it says no, and what that means for a message under way. Pure."""

from collections.abc import Mapping
from enum import Enum, auto

import aiohttp
from slack_sdk.errors import SlackApiError


class Trouble(Enum):
    """What to do about a refused call."""

    FALL_BACK = auto()  # streaming is not to be had here: post and edit
    ENDED = auto()  # Slack closed the stream: write the whole text over it
    DELETED = auto()  # somebody deleted the message: post anew
    STOPPED = auto()  # the person pressed stop: stop generating
    SLOW_DOWN = auto()  # wait, then go on
    HICCUP = auto()  # Slack is in trouble itself: wait, then try again
    UNKNOWN = auto()  # no reply came, so nobody knows whether the call was carried out
    GIVE_UP = auto()  # nothing can be posted here


_BY_CODE = {
    "message_not_in_streaming_state": Trouble.ENDED,
    "msg_too_long": Trouble.ENDED,
    "streaming_state_conflict": Trouble.ENDED,
    "message_not_found": Trouble.DELETED,
    "stopped_by_user": Trouble.STOPPED,
    "ratelimited": Trouble.SLOW_DOWN,
    "rate_limited": Trouble.SLOW_DOWN,
    "internal_error": Trouble.HICCUP,
    "fatal_error": Trouble.HICCUP,
    "service_unavailable": Trouble.HICCUP,
    "request_timeout": Trouble.HICCUP,
    "team_added_to_org": Trouble.HICCUP,  # the workspace is moving, and back in a while
    "channel_not_found": Trouble.GIVE_UP,
    "not_in_channel": Trouble.GIVE_UP,
    "is_archived": Trouble.GIVE_UP,
    "messages_tab_disabled": Trouble.GIVE_UP,
    "invalid_auth": Trouble.GIVE_UP,
    "token_revoked": Trouble.GIVE_UP,
    "account_inactive": Trouble.GIVE_UP,
    # A thread-only or read-only channel refuses streams but may take posts.
    "restricted_action_non_threadable_channel": Trouble.FALL_BACK,
}
NETWORK = (aiohttp.ClientError, TimeoutError)
REFUSALS = (SlackApiError, *NETWORK)
EVERYWHERE = frozenset({"unknown_method", "missing_scope"})  # no channel of this workspace will stream
# This channel will not stream, today or tomorrow. A code that is not here may be a matter of one message.
UNSTREAMABLE = EVERYWHERE | {
    "channel_type_not_supported",
    "missing_recipient_team_id",
    "missing_recipient_user_id",
    "invalid_arguments",
    "invalid_chunks",
    "cannot_reply_to_message",
    "restricted_action_non_threadable_channel",
    "messaging_processing_failed",
}


def code(error: BaseException) -> str:
    """Slack's error code; empty for an error without one, such as a proxy's page that is no JSON."""
    response = error.response if isinstance(error, SlackApiError) else None
    body = response if isinstance(response, Mapping) else getattr(response, "data", None)
    return str(body.get("error") or "") if isinstance(body, Mapping) else ""


def status(error: BaseException) -> int:
    """The HTTP status of a refused call; 200 where there is none to be had."""
    response = getattr(error, "response", None)
    # Of a body that cannot be read the SDK hands on the bare response of the HTTP client.
    return int(getattr(response, "status_code", None) or getattr(response, "status", None) or 200)


def trouble(error: BaseException) -> Trouble:
    """What a failed call to Slack means. Anything unlisted is met by posting and editing."""
    if isinstance(error, NETWORK):
        return Trouble.UNKNOWN
    if status(error) == 429:
        return Trouble.SLOW_DOWN
    if status(error) >= 500:
        return Trouble.HICCUP
    known = _BY_CODE.get(code(error))
    if known is None and code(error).startswith("restricted_action"):
        return Trouble.GIVE_UP
    return known or Trouble.FALL_BACK


def passes(error: BaseException) -> bool:
    """Whether the same call, made again in a while, may be taken."""
    return trouble(error) in {Trouble.SLOW_DOWN, Trouble.HICCUP, Trouble.UNKNOWN}


def retry_after(error: BaseException) -> float:
    """Seconds that Slack asks to wait."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after" and str(value).isdigit():
            return float(value)
    return 1.0
