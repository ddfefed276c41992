"""Reaching Slack at the start: one client with manners, and who we are there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.people import Me
from bot.slack_errors import REFUSALS, code, passes
from settings import SlackSettings

log = logging.getLogger(__name__)

CALL_TIMEOUT, PAUSE = 10, 2.0
# Appends widen their interval instead; a window's trigger is dead before a retry.
NEVER_AGAIN = ("chat.appendStream", "views.open", "views.push")


class BotSetupError(Exception):
    """The bot cannot start as it is configured; the message says what to change."""


class PoliteRetry(AsyncRateLimitErrorRetryHandler):
    """Waits as Slack asks, where waiting is of use."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if request.url.endswith(NEVER_AGAIN):
            return False
        return await super()._can_retry_async(state=state, request=request, response=response, error=error)


def make_client(settings: SlackSettings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The Web API under the configured address; every listener's client shares its connections."""
    token = settings.bot_token.get_secret_value()
    if not token:
        raise BotSetupError("No bot token: set MEND_SLACK__BOT_TOKEN to the one that starts with xoxb-.")
    return AsyncWebClient(
        token=token,
        base_url=settings.api_url.rstrip("/") + "/",
        timeout=CALL_TIMEOUT,
        session=session,
        retry_handlers=[AsyncConnectionErrorRetryHandler(max_retry_count=1), PoliteRetry(max_retry_count=2)],
    )


async def check_app_token(client: AsyncWebClient, token: str) -> None:
    """Find out whether sockets may be opened: the Socket Mode client would ask again and again, for ever.

    Raises:
        BotSetupError: there is no app-level token, or it is refused.
    """
    if not token:
        raise BotSetupError("Socket Mode needs MEND_SLACK__APP_TOKEN, the app-level token that starts with xapp-.")
    try:
        await _patiently(client, lambda: client.apps_connections_open(app_token=token))
    except SlackApiError as error:
        raise BotSetupError(
            f"Slack refuses the app-level token ({code(error)}): set MEND_SLACK__APP_TOKEN to one with the scope"
            " connections:write, and switch Socket Mode on."
        ) from error


async def introduce(client: AsyncWebClient, seconds: float = 60.0) -> Me:
    """Ask Slack who we are, waiting for it to be reachable.

    Raises:
        BotSetupError: the token is refused, or Slack is not reachable for that long.
    """
    try:
        found = await _patiently(client, client.auth_test, seconds)
    except SlackApiError as error:
        raise BotSetupError(
            f"Slack refuses the bot token ({code(error)}): set MEND_SLACK__BOT_TOKEN to the token of the installed"
            " app, and install the app again after its scopes have changed."
        ) from error
    me = Me(str(found["user_id"]), str(found["team_id"]), str(found.get("enterprise_id") or ""))
    log.info("introduced", extra={"action": "slack_connected", "bot": me.user_id, "team": me.team_id})
    return me


async def _patiently(
    client: AsyncWebClient, call: Callable[[], Awaitable[AsyncSlackResponse]], seconds: float = 60.0
) -> AsyncSlackResponse:
    """What a call gives, once Slack is there.

    Raises:
        SlackApiError: it is there, and refuses.
        BotSetupError: it is not there for that long.
    """
    waited = 0.0
    while True:
        try:
            return await call()
        except REFUSALS as error:
            if not passes(error):
                raise
            if waited >= seconds:
                raise BotSetupError(f"Slack cannot be reached at {client.base_url} ({error}).") from error
            log.warning("slack unreachable", extra={"action": "slack_unreachable", "url": client.base_url})
        await asyncio.sleep(PAUSE)
        waited += PAUSE
