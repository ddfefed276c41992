"""Telling one person something that nobody else sees."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.blocks import Block, section
from bot.slack_errors import NETWORK, REFUSALS, code

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ear:
    """Where somebody is to be told: a channel, and the thread if the talk is in one.

    ``note`` is the response_url of an earlier private note whose place this one takes.
    """

    channel: str
    user: str
    thread_ts: str | None = None
    note: str | None = None


async def whisper(client: AsyncWebClient, ear: Ear, text: str, blocks: Sequence[Block] = ()) -> None:
    """Show a note to one person where they are; in a direct message where Slack does not do that.

    ``text`` is mrkdwn that the caller has escaped; what is in ``blocks`` is drawn under it.
    """
    drawn = [section(text), *blocks] if blocks else None
    if ear.note and await _replaced(client, ear.note, text, drawn):
        return
    try:
        await client.chat_postEphemeral(
            channel=ear.channel, user=ear.user, thread_ts=ear.thread_ts, text=text, blocks=drawn
        )
    except REFUSALS as error:
        log.info("no ephemeral", extra={"action": "ephemeral_refused", "error": code(error) or repr(error)})
        try:
            await client.chat_postMessage(channel=ear.user, text=text, blocks=drawn)
        except REFUSALS as second:
            log.warning("person not told", extra={"action": "person_not_told", "error": code(second) or repr(second)})


async def _replaced(client: AsyncWebClient, note: str, text: str, drawn: list[Block] | None) -> bool:
    """Whether the note now says this. Slack lets a private note be changed for 30 minutes after a click on it."""
    webhook = AsyncWebhookClient(note, session=client.session)
    try:
        answer = await webhook.send(text=text, blocks=drawn, replace_original=True)
    except NETWORK as error:
        log.info("note not replaced", extra={"action": "note_not_replaced", "error": repr(error)})
        return False
    if answer.status_code != 200:
        log.info("note not replaced", extra={"action": "note_not_replaced", "error": answer.body})
    return answer.status_code == 200
