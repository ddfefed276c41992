"""What an answer should have said: the window that asks for it, and writing it down.

While the database is away the window stays open and says so: the words are safest where they were written.
"""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot import modals
from bot.case_blocks import invitation
from bot.people import Me
from bot.permissions import Denied, Permissions
from bot.private import whisper
from bot.slack_errors import NETWORK, code
from bot.spot import Body, Spot, field
from bot.voting import BAD
from feedback import answers, cases, reviews, votes
from feedback.cases import CorrectionError
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.models import Answer, Case
from feedback.states import CaseStatus, IllegalMove, VoteValue
from feedback.votes import Person

log = logging.getLogger(__name__)

LOOK, SAVE = 1.0, 2.2  # seconds, of the three that Slack gives for opening a window and for a submission
FORGETFUL = "I can't reach my memory right now. Nothing is lost: leave this window open and send again in a minute."
FORGETFUL_CLICK = "I can't reach my memory right now. Please try again in a minute."
LEARNING = "I am learning a correction of this answer right now. Please send again when that run is over."
DECIDED = "An admin has already approved a correction of this answer. An admin can change it."
QUOTA = "Thank you for all of these! I take at most {} corrections a day from one person; please go on tomorrow."
NOT_AN_ANSWER = "I can't find the answer that this is about any more."
LATE = "That took me too long to open. Please try once more:"


@dataclass(frozen=True)
class Known:
    """What the record has on an answer; ``case`` is its open case."""

    answer: Answer
    case: Case | None


def look_up(session: Session, team_id: str, spot: Spot, answer_id: int | None) -> Known | None:
    """The answer in a message, or the one with an id."""
    answer = answers.get(session, answer_id) if answer_id else answers.find(session, team_id, spot.channel, spot.ts)
    return Known(answer, reviews.open_case(session, answer.id)) if answer else None


def look_up_once(session: Session, team_id: str, spot: Spot, answer_id: int | None, delivery: str) -> Known | None:
    """The same, for a delivery that was not taken before."""
    known = look_up(session, team_id, spot, answer_id)
    return known if known and answers.take_delivery(session, delivery) else None


@dataclass(frozen=True)
class Opened:
    """How a window comes to be opened.

    ``shown``: the words of the message. ``thumb``: with a thumbs-down. ``note``: by a private note, which is replaced
    when the window is sent; Slack lets no other be changed.
    """

    answer_id: int | None = None
    shown: str = ""
    thumb: bool = False
    note: str | None = None

    def pack(self, spot: Spot, answer_id: int | None) -> dict[str, Any]:
        """For the window's private metadata."""
        more = {"thumb": self.thumb, "note": self.note}
        return spot.pack(answer=answer_id, **{key: value for key, value in more.items() if value})


@dataclass(frozen=True)
class Taken:
    """What became of a window that was sent: errors to show in it by block, or the case that is written."""

    errors: dict[str, str] = field_of(default_factory=dict)
    case_id: int | None = None


@dataclass(frozen=True)
class Sent:
    """What came out of a window. ``delivery`` is the same when Slack sends it again."""

    spot: Spot
    answer_id: int | None
    text: str
    reason: str | None
    wordings: list[str]
    delivery: str


@dataclass(frozen=True)
class Author:
    """Who sent it, and how many corrections a day they may."""

    person: Person
    is_admin: bool
    quota: int


def write(session: Session, team_id: str, sent: Sent, author: Author, check: Callable[[Answer], None]) -> Case | None:
    """Flag the answer if nobody has, and write what it should have said; None when it was sent before.

    Raises:
        CorrectionError: the text cannot be taught, the answer is unknown, or it is not for this author to change.
        IllegalMove: the case is being trained on.
        Denied: ``check`` does not allow that anything is taught about such an answer.
    """
    known = look_up(session, team_id, sent.spot, sent.answer_id)
    if known is None:
        raise CorrectionError(NOT_AN_ANSWER)
    check(known.answer)
    if not answers.take_delivery(session, sent.delivery):
        return None
    by = str(author.person)
    votes.cast(session, known.answer.id, author.person, VoteValue.DOWN)
    case = cases.flag(session, known.answer, by=by)
    if case.corrected_by != by and not author.is_admin:
        _check_rights(session, case, author)
    reviews.complete(case, known.answer)
    return cases.correct(session, case.id, sent.text, sent.reason, by=by, wordings=sent.wordings)


def _check_rights(session: Session, case: Case, author: Author) -> None:
    """A member neither undoes what an admin has approved, nor floods the admins."""
    if case.status is CaseStatus.APPROVED:
        raise CorrectionError(DECIDED)
    since = datetime.now(UTC) - timedelta(days=1)
    if reviews.corrected_since(session, case.persona, str(author.person), since) >= author.quota:
        raise CorrectionError(QUOTA.format(author.quota))


def withdraw_own(session: Session, case_id: int, by: str) -> None:
    """Take a case back, if it is one's own."""
    case = cases.get(session, case_id)
    if by in {case.flagged_by, case.corrected_by}:
        cases.withdraw(session, case_id, by=by)


class Correcting:
    """Opens the window and takes what is sent."""

    def __init__(
        self, database: AsyncDatabase, client: AsyncWebClient, permissions: Permissions, me: Me, quota: int
    ) -> None:
        self._database, self._client, self._permissions, self._me = database, client, permissions, me
        self._quota = quota

    async def open(self, trigger_id: str, user: str, spot: Spot, opened: Opened) -> bool:
        """Open the window for an answer; False when it is none, or the person may not correct it.

        The trigger lives for three seconds, so this comes before anything is stored, and a database that does not
        answer in one is done without: then the window shows the words of the message itself.
        """
        try:
            await self._permissions.teacher(user)
            async with asyncio.timeout(LOOK):
                known = await self._look_up(spot, opened.answer_id)
            if known is None:
                return False
            self._permissions.place(known.answer)
            view = _view(known, spot, opened)
        except Denied as denied:
            await whisper(self._client, spot.ear(user), str(denied))
            return False
        except (DatabaseUnavailable, TimeoutError):
            view = modals.correction(None, opened.shown, opened.pack(spot, opened.answer_id))
        try:
            await self._client.views_open(trigger_id=trigger_id, view=view)
        except (SlackApiError, *NETWORK) as error:
            log.warning("no window", extra={"action": "view_refused", "error": code(error) or repr(error)})
            await whisper(self._client, spot.ear(user), LATE, invitation(opened.answer_id) if opened.answer_id else [])
        return True

    async def _look_up(self, spot: Spot, answer_id: int | None) -> Known | None:
        known = await self._database.run(look_up, self._me.team_id, spot, answer_id)
        while known is None and spot.is_fresh(time.time()):  # only just posted: the record knows it in a moment
            await asyncio.sleep(0.1)
            known = await self._database.run(look_up, self._me.team_id, spot, answer_id)
        return known

    async def reopen(self, trigger_id: str, user: str, spot: Spot, case_id: int) -> None:
        """Open the window for a case that was learned and is still wrong; what is sent re-opens it."""
        try:
            case = await self._database.run(cases.get, case_id)
        except DatabaseUnavailable:
            await whisper(self._client, spot.ear(user), FORGETFUL_CLICK)
            return
        if case.answer_id is not None:
            await self.open(trigger_id, user, spot, Opened(case.answer_id))

    async def withdraw(self, user: str, case_id: int) -> None:
        """Take one's own case back."""
        person = await self._permissions.teacher(user)
        with contextlib.suppress(IllegalMove):  # it is being trained on, or was taken back before
            await self._database.run(withdraw_own, case_id, str(person))

    async def take(self, view: Body, user: str) -> Taken:
        """Take what a window sends. It waits for the answer, so whoever sent it is thanked after that."""
        text, reason = field(view, modals.TEXT), field(view, modals.REASON)
        try:
            wordings = cases.check_wordings(field(view, modals.WORDINGS))
        except CorrectionError as refused:
            return Taken({modals.WORDINGS: str(refused)})
        try:
            cases.check_correction(None, text)  # before anything is asked of anybody
            async with asyncio.timeout(SAVE):
                case = await self._write(view, user, text, reason or None, wordings)
        except CorrectionError as refused:
            return Taken({modals.TEXT: str(refused)})
        except Denied as denied:
            return Taken({modals.TEXT: denied.plain})
        except IllegalMove:
            return Taken({modals.TEXT: LEARNING})
        except (DatabaseUnavailable, TimeoutError):
            log.warning("correction waits in its window", extra={"action": "correction_not_saved"})
            return Taken({modals.TEXT: FORGETFUL})
        if case:
            log.info("correction", extra={"action": "correction_written", "case_id": case.id})
        return Taken(case_id=case.id if case else None)

    async def thank(self, view: Body, user: str, taken: Taken) -> None:
        """Say in private what became of it, in the place of the note that asked for it."""
        if taken.case_id is None:
            return  # sent before
        about = modals.read(view)
        thanks = f"Thank you! Your correction is case {taken.case_id}. I tell you here when it is learned."
        await whisper(self._client, Spot.unpack(about).ear(user, about.get("note")), thanks)

    async def closed(self, view: Body, user: str) -> None:
        """A thumbs-down whose window is closed unsent is confirmed, with a button for later."""
        about = modals.read(view)
        spot, answer_id = Spot.unpack(about), about.get("answer")
        if not about.get("thumb"):
            return
        try:
            known = await self._database.run(look_up_once, self._me.team_id, spot, answer_id, f"closed:{view['id']}")
            answer_id = known.answer.id if known else None
        except DatabaseUnavailable:
            log.info("window closed", extra={"action": "closed_without_database"})  # what the window knows has to do
        if answer_id is not None:  # else the vote is none, or is kept, and is confirmed when it is counted
            await whisper(self._client, spot.ear(user), BAD, invitation(answer_id))

    async def _write(self, view: Body, user: str, text: str, reason: str | None, wordings: list[str]) -> Case | None:
        standing = await self._permissions.standing(user)
        author = Author(await self._permissions.teacher(user), standing.is_admin, self._quota)
        # The same words sent twice from one window are one correction; other words are a second one.
        words = hashlib.sha256(f"{text} {reason} {wordings}".encode()).hexdigest()[:16]
        delivery = f"view:{view['id']}:{words}"
        about = modals.read(view)
        sent = Sent(Spot.unpack(about), about.get("answer"), text, reason, wordings, delivery)
        return await self._database.run(write, self._me.team_id, sent, author, self._permissions.place)


def _view(known: Known, spot: Spot, opened: Opened) -> modals.View:
    answer, case = known.answer, known.case
    return modals.correction(
        answer.question,
        answer.text or opened.shown,
        opened.pack(spot, answer.id),
        written=(case.correction or "") if case else "",
        chosen=(case.reason or "") if case else "",
        wordings=(case.wordings or ()) if case else (),
    )
