"""What no listener has caught: the log has all of it, the person gets one calm sentence and a reference."""

import logging
import secrets
from typing import Any

from slack_bolt.async_app import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.private import Ear, whisper
from bot.replies import FORGETFUL
from feedback.database import DatabaseUnavailable

log = logging.getLogger(__name__)


async def on_error(
    error: Exception,
    body: dict[str, Any],
    context: AsyncBoltContext,
    client: AsyncWebClient,
    response: BoltResponse | None,
) -> BoltResponse | None:
    """Acknowledge, or Slack would send it again; and tell the person, if a person waits for something.

    ``response`` is None when the listener had acknowledged before it failed; Bolt wants none back then.
    """
    acknowledged = BoltResponse(status=200) if response is not None else None
    if isinstance(error, BoltUnhandledRequestError):
        return acknowledged
    reference = secrets.token_hex(4)
    kind = str(body.get("type") or body.get("command") or "unknown")
    away = isinstance(error, DatabaseUnavailable)
    extra = {"action": "database_away" if away else "listener_crashed", "request": kind, "reference": reference}
    log.error("listener failed", exc_info=None if away else error, extra=extra)
    user = context.get("user_id")
    if user and kind != "event_callback":  # who only reads along, or reacts, does not wait
        text = FORGETFUL if away else f"Something went wrong on my side (reference {reference}). Please try again."
        await whisper(client, Ear(str(context.get("channel_id") or user), str(user), None), text)
    return acknowledged
