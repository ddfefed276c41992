"""What an answer should have said: the window that asks for it, and writing it down.

While the database is away the window stays open and says so: the words are safest where they were written.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot import modals
from bot.case_blocks import fingerprint, invitation
from bot.people import Me
from bot.permissions import Denied, Permissions
from bot.private import whisper
from bot.slack_errors import REFUSALS, code
from bot.spot import Body, Spot, field
from bot.text import escape, how_many
from bot.voting import BAD, NOT_AN_ANSWER
from feedback import answers, cases, flags, record, reviews, votes
from feedback.cases import CorrectionError
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.models import Answer, Case
from feedback.states import CLOSED_CASES, CaseStatus, IllegalMove, VoteValue
from feedback.votes import Person

log = logging.getLogger(__name__)

LOOK, SAVE = 1.0, 2.2  # seconds, of the three that Slack gives for opening a window and for a submission
FORGETFUL = "I can't reach my memory right now. Nothing is lost: leave this window open and send again in a minute."
FORGETFUL_CLICK = "I can't reach my memory right now. Please try again in a minute."
LEARNING = "I am learning a correction of this answer right now. Please send again when that run is over."
DECIDED = "An admin has already approved a correction of this answer. An admin can change it."
QUOTA = "Thank you for all of these! I take at most {} a day from one person; please go on tomorrow."
UNTEACHABLE = "I can't learn a correction here: the question {}. Your thumbs-down counts, and an admin sees it."
NO_LONGER_YOURS = {
    CaseStatus.APPROVED: "An admin has approved this correction already, so only an admin can take it back.",
    CaseStatus.TRAINING: "I am learning this correction right now. Please try again when that run is over.",
    CaseStatus.MENDED: "I have learned this already. “Still wrong” in its thread opens it again.",
}
LATE = "That took me too long to open. Please try once more:"


@dataclass(frozen=True)
class Known:
    """What the record has on an answer; ``case`` is its open case."""

    answer: Answer
    case: Case | None


def look_up(session: Session, team_id: str, spot: Spot, answer_id: int | None) -> Known | None:
    """The answer in a message, or the one with an id."""
    answer = session.get(Answer, answer_id) if answer_id else answers.find(session, team_id, spot.channel, spot.ts)
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

    def pack(self, spot: Spot, answer_id: int | None, seen: str = "") -> dict[str, Any]:
        """For the window's private metadata; ``seen`` is the correction that the window shows."""
        more = {"thumb": self.thumb, "note": self.note, "seen": seen}
        return spot.pack(answer=answer_id, **{key: value for key, value in more.items() if value})


@dataclass(frozen=True)
class Taken:
    """What became of a window that was sent: errors to show in it by block, or the case that is written."""

    errors: dict[str, str] = field_of(default_factory=dict)
    case_id: int | None = None


@dataclass(frozen=True)
class Sent:
    """What came out of a window. ``delivery`` is the same when Slack sends it again.

    ``seen`` tells which correction the window has shown its author; empty for none.
    """

    spot: Spot
    answer_id: int | None
    text: str
    reason: str | None
    wordings: list[str]
    delivery: str
    seen: str = ""


@dataclass(frozen=True)
class Author:
    """Who sent it, and how many corrections a day they may."""

    person: Person
    is_admin: bool
    quota: int


class Overtaken(Exception):
    """Somebody else, ``by``, has written ``words`` that the author of this correction has not seen."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"case {case.id} has other words by now")
        self.words, self.by, self.seen = case.correction or "", case.corrected_by, seen_in(case)


def seen_in(case: Case | None) -> str:
    """Tells the correction that a case has; empty when it has none."""
    return fingerprint(case) if case is not None and case.correction is not None else ""


def write(session: Session, team_id: str, sent: Sent, author: Author, check: Callable[[Answer], None]) -> Case | None:
    """Flag the answer if nobody has, and write what it should have said; None when it was sent before.

    Raises:
        CorrectionError: nothing can be taught here, the answer is unknown, or it is not for this author to change.
        Overtaken: the author has not seen what somebody else has written.
        IllegalMove: the case is being trained on.
        Denied: ``check`` does not allow that anything is taught about such an answer.
    """
    known = look_up(session, team_id, sent.spot, sent.answer_id)
    if known is None:
        raise CorrectionError(NOT_AN_ANSWER)
    check(known.answer)
    if fault := cases.fault_in_question(known.answer.question):
        raise CorrectionError(UNTEACHABLE.format(fault))
    if not answers.take_delivery(session, sent.delivery):
        return None
    by = str(author.person)
    votes.cast(session, known.answer.id, author.person, VoteValue.DOWN)
    case = cases.flag(session, known.answer, by=by)
    if not author.is_admin:
        _check_rights(session, case, author)
    if case.corrected_by != by and seen_in(case) not in {"", sent.seen}:
        raise Overtaken(case)
    reviews.complete(case, known.answer)
    return cases.correct(session, case.id, sent.text, sent.reason, by=by, wordings=sent.wordings)


def _check_rights(session: Session, case: Case, author: Author) -> None:
    """A member neither undoes what an admin has approved, nor floods the admins."""
    if case.status is CaseStatus.APPROVED:
        raise CorrectionError(DECIDED)
    if case.corrected_by == str(author.person):
        return
    since = datetime.now(UTC) - timedelta(days=1)
    if reviews.corrected_since(session, case.persona, str(author.person), since) >= author.quota:
        raise CorrectionError(QUOTA.format(how_many(author.quota, "correction")))


def withdraw_own(session: Session, case_id: int, person: Person, is_admin: bool) -> None:
    """Take one's flag back, or a case in one's own words; nothing where that was done before.

    Raises:
        Denied: the case is not this person's to take back, or not any more.
    """
    case, by = session.get(Case, case_id), str(person)
    if case is None or case.status in CLOSED_CASES:
        return
    if case.answer_id is not None:  # the answer before its case: whoever flags it now does it in that order
        session.get_one(Answer, case.answer_id, with_for_update={"key_share": True})
    record.lock(session, case)
    flagged = by in flags.flaggers(session, case)
    if not cases.may_take_back(case, by, is_admin=is_admin) or not (flagged or case.corrected_by == by):
        raise Denied(_not_yours(case, by))
    if case.status is CaseStatus.FLAGGED and case.answer_id is not None:
        votes.withdraw(session, case.answer_id, person, VoteValue.DOWN)
        flags.settle_bare(session, case.answer_id, by=by)
    else:
        cases.withdraw(session, case_id, by=by)


def _not_yours(case: Case, by: str) -> str:
    if case.corrected_by != by:
        return "This correction is somebody else's, so it is not yours to take back."
    return NO_LONGER_YOURS.get(case.status, NO_LONGER_YOURS[CaseStatus.APPROVED])


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
        answer_id = opened.answer_id
        try:
            await self._permissions.teacher(user)
            async with asyncio.timeout(LOOK):
                known = await self._look_up(spot, opened.answer_id)
            if known is None:
                await whisper(self._client, spot.ear(user), NOT_AN_ANSWER)
                return False
            self._permissions.place(known.answer)
            view, answer_id = _view(known, spot, opened), known.answer.id
        except Denied as denied:
            await whisper(self._client, spot.ear(user), str(denied))
            return False
        except (DatabaseUnavailable, TimeoutError):
            view, answer_id = (
                modals.correction(None, opened.shown, opened.pack(spot, opened.answer_id)),
                opened.answer_id,
            )
        try:
            await self._client.views_open(trigger_id=trigger_id, view=view)
        except REFUSALS as error:
            log.warning("no window", extra={"action": "view_refused", "error": code(error) or repr(error)})
            await whisper(self._client, spot.ear(user), LATE, invitation(answer_id) if answer_id else [])
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
        """Take one's own flag or case back.

        Raises:
            Denied: it is not theirs to take back.
        """
        person = await self._permissions.teacher(user)
        standing = await self._permissions.standing(user)
        try:
            await self._database.run(withdraw_own, case_id, person, standing.is_admin)
        except Denied:
            log.info("denied", extra={"action": "withdrawal_denied", "person": str(person), "case_id": case_id})
            raise

    async def take(self, view: Body, user: str) -> Taken:
        """Take what a window sends. It waits for the answer, so whoever sent it is thanked after that.

        Raises:
            Overtaken: its author has to be shown what somebody else has written; see ``modals.overtaken``.
        """
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
        then = "When an admin has approved it and I have learned it, I tell you here."
        thanks = f"Thank you! Your correction is case {taken.case_id}. {then}"
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
        seen = str(about.get("seen") or "")
        sent = Sent(Spot.unpack(about), about.get("answer"), text, reason, wordings, delivery, seen)
        return await self._database.run(write, self._me.team_id, sent, author, self._permissions.place)


def _view(known: Known, spot: Spot, opened: Opened) -> modals.View:
    answer, case = known.answer, known.case
    if fault := cases.fault_in_question(answer.question):
        return modals.notice("Teach me", escape(UNTEACHABLE.format(fault)))
    return modals.correction(
        answer.question,
        answer.text or opened.shown,
        opened.pack(spot, answer.id, seen_in(case)),
        written=(case.correction or "") if case else "",
        chosen=(case.reason or "") if case else "",
        wordings=(case.wordings or ()) if case else (),
    )
