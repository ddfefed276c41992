"""Telling one person something that nobody else sees."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Block, section
from bot.slack_errors import NETWORK, code

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ear:
    """Where somebody is to be told: a channel, and the thread if the talk is in one."""

    channel: str
    user: str
    thread_ts: str | None = None


async def whisper(client: AsyncWebClient, ear: Ear, text: str, blocks: Sequence[Block] = ()) -> None:
    """Show a note to one person where they are; in a direct message where Slack does not do that.

    ``text`` is mrkdwn that the caller has escaped; what is in ``blocks`` is drawn under it.
    """
    drawn = [section(text), *blocks] if blocks else None
    try:
        await client.chat_postEphemeral(
            channel=ear.channel, user=ear.user, thread_ts=ear.thread_ts, text=text, blocks=drawn
        )
    except (SlackApiError, *NETWORK) as error:
        log.info("no ephemeral", extra={"action": "ephemeral_refused", "error": code(error) or repr(error)})
        try:
            await client.chat_postMessage(channel=ear.user, text=text, blocks=drawn)
        except (SlackApiError, *NETWORK) as second:
            log.warning("person not told", extra={"action": "person_not_told", "error": code(second) or repr(second)})
