"""Opening windows and drawing them anew. People close them, and the trigger that opens one is dead in three seconds."""

import logging

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.modals import View
from bot.replies import LATE, NOTHING, Reply
from bot.slack_errors import REFUSALS, code, passes

log = logging.getLogger(__name__)

DEAD_TRIGGER = frozenset({"expired_trigger_id", "exchanged_trigger_id", "trigger_expired"})


async def open_window(client: AsyncWebClient, trigger_id: str, view: View) -> Reply:
    """Open a window; what to tell who waits for it when it is too late or Slack is away, else nothing.

    Raises:
        SlackApiError: Slack does not take this view.
    """
    try:
        await client.views_open(trigger_id=trigger_id, view=view)
    except REFUSALS as error:
        if code(error) not in DEAD_TRIGGER and not passes(error):
            raise
        log.warning("no window", extra={"action": "view_refused", "error": code(error) or repr(error)})
        return LATE
    return NOTHING


async def draw(client: AsyncWebClient, view_id: str, view: View) -> None:
    """Show this in a window, if it is still open: who has closed it has decided all the same.

    Raises:
        SlackApiError: Slack does not take this view.
    """
    try:
        await client.views_update(view_id=view_id, view=view)
    except SlackApiError as error:
        if code(error) != "not_found":
            raise
        log.info("window closed", extra={"action": "view_gone"})
