"""Bringing the version before the live one back, as an admin asks for it. A run that is under way is asked about."""

import logging
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot.blocks import actions, button
from bot.case_blocks import who
from bot.permissions import Permissions
from bot.replies import NOTHING, Reply
from bot.run_preview import DISMISS
from bot.slack_errors import REFUSALS, code
from bot.text import escape
from feedback import adapters, answers, runs
from feedback.adapters import NothingToRollBack
from feedback.database import AsyncDatabase
from feedback.models import Adapter, Run
from serving.adapters import Replicas
from serving.errors import ServingError

log = logging.getLogger(__name__)

CONFIRM_ROLLBACK = "mend_confirm_rollback"
LIVE_CHANGED = "Another version went live just now, so I did nothing. Please look, and try again."
NOT_SERVED = "I did not roll back: the model server does not take the earlier version now ({}). Nothing was changed."


@dataclass(frozen=True)
class Move:
    """A rollback to be made: from the live adapter to the one before it (None: the base model)."""

    live: Adapter
    target: Adapter | None
    overtaken: Run | None  # the run under way, which would then stand on a version that is no longer live


class LiveChanged(Exception):
    """Another adapter went live while a rollback was prepared."""


class RunStarted(Exception):
    """A run is under way that nobody was asked about."""


def planned(session: Session, persona: str) -> Move:
    """What a rollback would do now.

    Raises:
        NothingToRollBack: the base model answers.
    """
    live = adapters.live(session, persona)
    if live is None:
        raise NothingToRollBack("No adapter is live; the base model is answering.")
    return Move(live, adapters.rollback_target(session, live), runs.active(session, persona))


def roll_back(session: Session, persona: str, move: Move, by: str, delivery: str) -> bool:
    """Make a planned rollback and stop the run that it overtakes; False when this click was taken before.

    Raises:
        LiveChanged: it is not what a rollback would do any more.
        RunStarted: a run has started meanwhile.
    """
    if not answers.take_delivery(session, delivery):
        return False
    adapters.hold_live(session, persona)
    now = planned(session, persona)
    if (now.live.id, now.target and now.target.id) != (move.live.id, move.target and move.target.id):
        raise LiveChanged
    if now.overtaken and (move.overtaken is None or now.overtaken.id != move.overtaken.id):
        raise RunStarted(f"Run {now.overtaken.id} has started just now, so I did nothing. Please look, and try again.")
    if now.overtaken:
        runs.request_cancel(session, now.overtaken.id, by=by)
    adapters.roll_back(session, persona, by=by)
    return True


class RollingBack:
    """What `/mend rollback` does."""

    def __init__(
        self,
        database: AsyncDatabase,
        permissions: Permissions,
        replicas: Replicas,
        client: AsyncWebClient,
        record_channel: str,
        persona: str,
    ) -> None:
        self._database, self._permissions, self._replicas = database, permissions, replicas
        self._client, self._record_channel, self._persona = client, record_channel, persona

    async def ask(self, user: str, channel: str, delivery: str) -> Reply:
        """Roll back; with a run under way, ask first.

        Raises:
            Denied: the user is no admin.
        """
        person = await self._permissions.admin(user, "roll back")
        try:
            move = await self._database.run(planned, self._persona)
        except NothingToRollBack as nothing:
            return Reply(escape(nothing))
        return _warning(move) if move.overtaken else await self._make(move, str(person), channel, delivery)

    async def confirm(self, user: str, channel: str, shown: str, delivery: str) -> Reply:
        """Roll back as it was asked about: ``shown`` names the live adapter and the run that is overtaken."""
        person = await self._permissions.admin(user, "roll back")
        try:
            move = await self._database.run(planned, self._persona)
        except NothingToRollBack as nothing:
            return Reply(escape(nothing))
        if not move.overtaken and shown.partition(":")[0] == str(move.live.id):
            return await self._make(move, str(person), channel, delivery)  # the run has ended, and not gone live
        return await self._make(move, str(person), channel, delivery) if _value(move) == shown else Reply(LIVE_CHANGED)

    async def _make(self, move: Move, by: str, channel: str, delivery: str) -> Reply:
        try:
            if move.target:
                await self._replicas.deploy(move.target.name)  # before the mark moves: the next answer asks for it
            if not await self._database.run(roll_back, self._persona, move, by, delivery):
                return NOTHING
        except ServingError as error:
            return Reply(NOT_SERVED.format(escape(error)))
        except (LiveChanged, NothingToRollBack):
            return Reply(LIVE_CHANGED)
        except RunStarted as started:
            return Reply(str(started))
        log.info("rolled back", extra={"action": "rolled_back", "from": move.live.name, "person": by})
        now = f"`{escape(move.target.name)}`" if move.target else "the base model"
        stops = f" Run {move.overtaken.id} stops." if move.overtaken else ""
        await self._announce(channel, f"↩️ {who(by)} rolled `{escape(move.live.name)}` back. From the next message on, "
                                      f"{now} answers.{stops}")  # fmt: skip
        done = f"Done: from the next message on, {now} answers. What only the newer one knew is approved again.{stops}"
        return Reply(done)

    async def _announce(self, channel: str, public: str) -> None:
        """Say it in the channel of record; it has happened, so a refusal is for the log."""
        try:
            await self._client.chat_postMessage(channel=self._record_channel or channel, text=public)
        except REFUSALS as error:
            log.warning("record refused", extra={"action": "record_channel_refused", "error": code(error)})


def _warning(move: Move) -> Reply:
    """What a rollback means for the run that is under way."""
    assert move.overtaken is not None
    text = (
        f"Run {move.overtaken.id}, started by {who(move.overtaken.requested_by)}, is {move.overtaken.status}."
        f" It is to replace `{escape(move.live.name)}`, so it would be overtaken and could not go live."
        " Rolling back stops it too; its cases stay approved."
    )
    roll = button("Roll back and stop the run", CONFIRM_ROLLBACK, _value(move), "danger")
    return Reply(text, (actions([roll, button("Leave it", DISMISS, "rollback")]),))


def _value(move: Move) -> str:
    return f"{move.live.id}:{move.overtaken.id if move.overtaken else ''}"
