"""Thumbs: counted once, changed, taken back, confirmed in private, and kept while the database is away."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot.case_blocks import invitation, take_back
from bot.people import Me
from bot.permissions import Denied, Permissions, Unchecked
from bot.private import whisper
from bot.spot import Spot
from bot.unsaved import Entry, Unsaved
from feedback import answers, cases, flags, reviews, votes
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.models import Answer, Case
from feedback.states import VoteValue
from feedback.votes import Person

log = logging.getLogger(__name__)

VOTE = "vote"
LATE_TRIES, LATE_PAUSE = 4, 0.4
KEPT = "I can't reach my memory right now. Your vote is kept and counts as soon as it is back."
GOOD = "Thank you! I noted that this answer is good."
BAD = "Thank you for telling me. What should I have said?"
NOT_AN_ANSWER = "I can't find the answer that this is about any more."
TAKEN_BACK = "Your vote is taken back."
STAYS = " What you wrote that I should have said stays with the admins."

# Slack's names for the two thumbs; skin tones are cut off before.
REACTIONS = {
    "+1": VoteValue.UP,
    "thumbsup": VoteValue.UP,
    "-1": VoteValue.DOWN,
    "thumbsdown": VoteValue.DOWN,
}


def of_reaction(name: str) -> VoteValue | None:
    """The vote that a reaction stands for."""
    return REACTIONS.get(name.partition("::")[0])


@dataclass(frozen=True)
class Ballot:
    """What somebody did to a message. ``delivery`` is the same when Slack sends it again.

    ``clicked``: by a button, which answers alone have; a reaction can be on anything. ``at``: when, by Slack's clock.
    """

    spot: Spot
    user: str
    value: VoteValue
    delivery: str
    withdrawn: bool = False
    clicked: bool = False
    at: float | None = None


@dataclass(frozen=True)
class Counted:
    """What a ballot changed. ``case`` is the answer's open case; a reaction does not say which thread it is in."""

    answer_id: int
    thread_ts: str
    before: VoteValue | None
    case: Case | None


def count(
    session: Session, ballot: Ballot, person: Person, team_id: str, check: Callable[[Answer], None]
) -> Counted | None:
    """Write a vote; None when the message is no answer, or the ballot was counted before or undone since.

    Raises:
        Denied: ``check`` does not allow votes on such an answer.
    """
    answer = answers.find(session, team_id, ballot.spot.channel, ballot.spot.ts)
    if answer is not None:
        check(answer)
    if answer is None or not answers.take_delivery(session, ballot.delivery):
        return None
    if votes.is_overtaken(session, answer.id, person, ballot.value, ballot.at):
        return None
    if ballot.withdrawn:
        if not votes.withdraw(session, answer.id, person, ballot.value, ballot.at):
            return None
        before: VoteValue | None = ballot.value
    else:
        before = votes.cast(session, answer.id, person, ballot.value, ballot.at)
    if ballot.value is VoteValue.DOWN and not ballot.withdrawn:
        return Counted(answer.id, answer.thread_ts, before, cases.flag(session, answer, by=str(person)))
    if before is VoteValue.DOWN:
        return Counted(answer.id, answer.thread_ts, before, flags.settle_bare(session, answer.id, by=str(person)))
    return Counted(answer.id, answer.thread_ts, before, reviews.open_case(session, answer.id))


class Voting:
    """Counts ballots and tells people what happened."""

    def __init__(
        self,
        database: AsyncDatabase,
        client: AsyncWebClient,
        permissions: Permissions,
        me: Me,
        unsaved: Unsaved,
    ) -> None:
        self._database, self._client, self._permissions = database, client, permissions
        self._me, self._unsaved = me, unsaved

    async def vote(self, ballot: Ballot, *, quiet: bool = False, note: str | None = None) -> None:
        """Count a ballot and confirm it to its person alone, in the place of a ``note`` if one was clicked.

        ``quiet``: a window is open that will end with a word of its own.
        """
        try:
            person = await self._permissions.teacher(ballot.user)
            await self._count_kept(ballot)
            counted = await self._count(ballot, person)
        except Denied as denied:
            if thread_ts := await self._thread_of(ballot.spot):
                await whisper(self._client, replace(ballot.spot, thread_ts=thread_ts).ear(ballot.user), str(denied))
            return
        except DatabaseUnavailable:
            self._unsaved.keep(VOTE, _key(ballot), _pack(ballot))
            log.warning("vote kept", extra={"action": "vote_kept_in_file"})
            await whisper(self._client, ballot.spot.ear(ballot.user), KEPT)
            return
        if counted and not quiet:
            await self._confirm(ballot, counted, person, note)
        elif not counted and ballot.clicked and not await self._is_known(ballot.spot):
            await whisper(self._client, ballot.spot.ear(ballot.user), NOT_AN_ANSWER)

    async def resave(self, entry: Entry) -> bool:
        """Count a ballot that was kept; True when it needs no further try."""
        ballot = _unpack(entry.data)
        try:
            person = await self._permissions.teacher(ballot.user)
            counted = await self._database.run(count, ballot, person, self._me.team_id, self._permissions.place)
        except Unchecked:
            return False
        except Denied:
            return True
        if counted and ballot.value is VoteValue.DOWN and not ballot.withdrawn:
            await self._confirm(ballot, counted, person)
        return True

    async def _count_kept(self, ballot: Ballot) -> None:
        """Count what the same person did to the same message before this and still waits: the last vote counts."""
        for entry in self._unsaved.entries():
            its = entry.kind == VOTE and f"{entry.key}:".startswith(f"{_whose(ballot)}:")
            if its and await self.resave(entry):
                self._unsaved.drop(entry)

    async def take_back(self, answer_id: int, value: VoteValue, ballot: Ballot, note: str | None) -> None:
        """Withdraw a vote by the button of its confirmation, which knows the answer but not its message."""
        found = await self._database.run(answers.message_ts, answer_id)
        if found:
            spot = Spot(ballot.spot.channel, found[-1], ballot.spot.thread_ts)
            await self.vote(replace(ballot, spot=spot), note=note)

    async def _count(self, ballot: Ballot, person: Person) -> Counted | None:
        """Count a ballot; one on a message that is only just posted gets a moment until the record knows it."""
        for late in range(LATE_TRIES + 1):
            if late:
                await asyncio.sleep(LATE_PAUSE)
            # Before it is counted: what the record learns of in between is counted the next time.
            known = await self._thread_of(ballot.spot)
            counted = await self._database.run(count, ballot, person, self._me.team_id, self._permissions.place)
            if counted or known or not ballot.spot.is_fresh(time.time()):
                break
        return counted

    async def _thread_of(self, spot: Spot) -> str | None:
        """The thread of the answer that a message carries; None when it carries none, or nobody knows now."""
        try:
            answer = await self._database.run(answers.find, self._me.team_id, spot.channel, spot.ts)
        except DatabaseUnavailable:
            return None
        return answer.thread_ts if answer else None

    async def _is_known(self, spot: Spot) -> bool:
        """Whether a message carries an answer, as far as anybody knows now."""
        try:
            return await self._database.run(answers.find, self._me.team_id, spot.channel, spot.ts) is not None
        except DatabaseUnavailable:
            return True

    async def _confirm(self, ballot: Ballot, counted: Counted, person: Person, note: str | None = None) -> None:
        log.info("vote", extra={"action": "vote_counted", "answer_id": counted.answer_id, "value": ballot.value})
        text, blocks = confirmation(ballot, counted, person)
        ear = replace(ballot.spot, thread_ts=counted.thread_ts).ear(ballot.user, note)
        await whisper(self._client, ear, text, blocks)


def confirmation(ballot: Ballot, counted: Counted, person: Person) -> tuple[str, list[dict[str, Any]]]:
    """What the voter is told: text, and buttons. Pure."""
    wrote = counted.case is not None and counted.case.corrected_by == str(person)
    if ballot.withdrawn:
        return TAKEN_BACK + (STAYS if wrote else ""), []
    changed = counted.before is not None and counted.before is not ballot.value
    if ballot.value is VoteValue.UP:
        text = "Changed: you now say that this answer is good." if changed else GOOD
        return text + (STAYS if wrote else ""), take_back(counted.answer_id)
    return (f"Changed. {BAD}" if changed else BAD), invitation(counted.answer_id)


def _whose(ballot: Ballot) -> str:
    return f"{ballot.spot.channel}:{ballot.spot.ts}:{ballot.user}"


def _key(ballot: Ballot) -> str:
    """Taking a thumbs-up back says nothing about a thumbs-down: each deed is kept for itself."""
    deed = f"{'not ' if ballot.withdrawn else ''}{ballot.value}"
    return f"{_whose(ballot)}:{deed}"


def _pack(ballot: Ballot) -> dict[str, Any]:
    return asdict(ballot)


def _unpack(data: dict[str, Any]) -> Ballot:
    return Ballot(**{**data, "spot": Spot(**data["spot"]), "value": VoteValue(data["value"])})
