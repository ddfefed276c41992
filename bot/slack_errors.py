"""What Slack says when it says no, and what that means for a message under way. Pure."""

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
EVERYWHERE = frozenset({"unknown_method", "missing_scope"})  # no channel of this workspace will stream


def code(error: BaseException) -> str:
    """Slack's error code; empty for an error without one."""
    return str(error.response.get("error") or "") if isinstance(error, SlackApiError) else ""


def trouble(error: BaseException) -> Trouble:
    """What a failed call to Slack means. Anything unlisted is met by posting and editing."""
    if isinstance(error, NETWORK):
        return Trouble.UNKNOWN
    if isinstance(error, SlackApiError) and getattr(error.response, "status_code", 200) == 429:
        return Trouble.SLOW_DOWN
    known = _BY_CODE.get(code(error))
    if known is None and code(error).startswith("restricted_action"):
        return Trouble.GIVE_UP
    return known or Trouble.FALL_BACK


def retry_after(error: BaseException) -> float:
    """Seconds that Slack asks to wait."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after" and str(value).isdigit():
            return float(value)
    return 1.0
