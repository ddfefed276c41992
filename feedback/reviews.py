"""Cases as the people around them look at them: the queue of those who decide, and the list of those who flagged.

Where two have to approve, a case stays in the queue with its first approval; who that leaves as the second is decided
by ``states.may_second``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import Session, selectinload

from feedback import cases, record
from feedback.models import Adapter, Answer, Case, Event, Vote
from feedback.states import CLOSED_CASES, CaseStatus, VoteValue, may_second
from feedback.votes import Person

# A flag without a correction waits as well: an admin can write what the answer should have been. So does a case that
# training has not mended: it is tried again, put in other words, or turned down.
WAITING = (CaseStatus.CORRECTED, CaseStatus.UNMENDED, CaseStatus.FLAGGED)


@dataclass(frozen=True)
class Queue:
    """What waits for admins, by what it waits for."""

    corrected: int
    flagged: int
    approved: int
    unmended: int
    halfway: int = 0  # those of the corrected and unmended ones that one admin has approved, and need a second

    @property
    def waiting(self) -> int:
        """Cases that somebody has to decide on."""
        return self.corrected + self.unmended + self.flagged


def queue(session: Session, persona: str) -> Queue:
    """How much is where on its way to training."""
    counted = cases.counts(session, persona, (*WAITING, CaseStatus.APPROVED))
    return Queue(
        corrected=counted.get(CaseStatus.CORRECTED, 0),
        flagged=counted.get(CaseStatus.FLAGGED, 0),
        approved=counted.get(CaseStatus.APPROVED, 0),
        unmended=counted.get(CaseStatus.UNMENDED, 0),
        halfway=_halfway(session, persona),
    )


def _halfway(session: Session, persona: str) -> int:
    query = select(func.count()).select_from(Case)
    query = query.where(Case.persona == persona, Case.status.in_(WAITING), Case.first_approved_by.is_not(None))
    return session.execute(query).scalar_one()


def next_waiting(
    session: Session,
    persona: str,
    skipped: Collection[int] = (),
    *,
    among: Sequence[CaseStatus] = WAITING,
    second: str = "",
) -> Case | None:
    """The oldest case to look at that was not skipped: corrected ones first, then unmended ones, then bare flags.

    ``second`` names the admin who looks, where two have to approve: what waits for somebody else is left out.
    """
    for status in among:
        query = select(Case).where(Case.persona == persona, Case.status == status, Case.id.not_in(skipped))
        if second:
            query = query.where(Case.first_approved_by.is_(None) | _may_second(second))
        if case := session.scalars(query.order_by(Case.id).limit(1)).first():
            return case
    return None


def _may_second(by: str) -> ColumnElement[bool]:
    """``states.may_second`` as a condition."""
    return (Case.first_approved_by != by) & Case.corrected_by.is_distinct_from(by)


def _second(case: Case, by: str) -> bool:
    return may_second(by, first=case.first_approved_by, corrected_by=case.corrected_by)


class AlreadyDecided(Exception):
    """Somebody else has decided on the case meanwhile; ``status`` is what it is now."""

    def __init__(self, status: CaseStatus) -> None:
        super().__init__(f"the case is {status}")
        self.status = status


def claim(session: Session, case_id: int, among: Collection[CaseStatus] = WAITING) -> None:
    """Hold a case until the transaction ends, if it still is where whoever decides on it has seen it.

    Raises:
        AlreadyDecided: it has moved on.
    """
    status = session.scalars(select(Case.status).where(Case.id == case_id).with_for_update()).one()
    if status not in among:
        raise AlreadyDecided(status)


class NotTheSecond(Exception):
    """The case has its first approval, and the second is for another admin to give."""


def approve(session: Session, case_id: int, *, by: str, two: bool) -> Case:
    """Approve a case that was claimed; where ``two`` have to, the first approval leaves it where it is.

    Raises:
        NotTheSecond: the first approval, or the correction, is by the same person.
        CorrectionError, IllegalMove: see cases.approve.
    """
    case = session.get_one(Case, case_id)
    if not two:
        return cases.approve(session, case_id, by=by)
    if case.first_approved_by is None:
        cases.check_teachable(case)
        case.first_approved_by = by
        record.note(session, "cases", case.id, actor=by, why="first approval", before=case.status, after=case.status)
        return case
    if not _second(case, by):
        raise NotTheSecond
    return cases.approve(session, case_id, by=by)


def reported_by(session: Session, persona: str, actor: str, *, limit: int = 20) -> list[Case]:
    """The cases that somebody flagged, as the first or after others, or corrected; newest first."""
    person = Person.parse(actor)
    newest = select(Case.id).where(Case.persona == persona).order_by(Case.id.desc()).limit(limit)
    # Each by an index of its own: with an "or" between them all cases would be read.
    theirs = [newest.where(Case.flagged_by == actor), newest.where(Case.corrected_by == actor)]
    if person:
        thumb = newest.join(Vote, Vote.answer_id == Case.answer_id).where(Vote.value == VoteValue.DOWN)
        theirs.append(thumb.where(Vote.team_id == person.team_id, Vote.user_id == person.user_id))
    ids = union(*(select(each.subquery().c.id) for each in theirs))
    query = select(Case).where(Case.id.in_(ids)).order_by(Case.id.desc()).limit(limit)
    return list(session.scalars(query.options(selectinload(Case.adapter))))


def learned_since(session: Session, persona: str, since: datetime, *, limit: int = 10) -> list[Case]:
    """The cases that went live since then and are still known, newest first."""
    query = (
        select(Case)
        .join(Adapter, Adapter.id == Case.adapter_id)
        .where(Case.persona == persona, Case.status == CaseStatus.MENDED, Adapter.created_at >= since)
    )
    return list(session.scalars(query.order_by(Case.id.desc()).limit(limit)))


def corrected_since(session: Session, persona: str, actor: str, since: datetime) -> int:
    """For how many cases somebody has written a correction since then, whatever became of it."""
    wrote = Event.why.startswith(cases.WRITTEN) | Event.why.startswith(cases.REWRITTEN)
    written = (Event.subject == Case.__tablename__, Event.actor == actor, wrote)
    query = select(func.count(Event.subject_id.distinct())).join(Case, Case.id == Event.subject_id)
    query = query.where(Case.persona == persona, Event.created_at >= since, *written)
    return session.execute(query).scalar_one()


def open_case(session: Session, answer_id: int) -> Case | None:
    """The case of an answer that is not rejected or withdrawn."""
    query = select(Case).where(Case.answer_id == answer_id, Case.status.not_in(CLOSED_CASES))
    return session.scalars(query).first()


def flagged_among(session: Session, answer_ids: Collection[int]) -> set[int]:
    """Those of the answers that have an open case: somebody has said that they are wrong."""
    if not answer_ids:
        return set()
    query = select(Case.answer_id).where(Case.answer_id.in_(answer_ids), Case.status.not_in(CLOSED_CASES))
    return {answer_id for answer_id in session.scalars(query) if answer_id is not None}


def told(session: Session, case_id: int, status: CaseStatus) -> None:
    """The thread knows that the case is in this state; a state that it has moved to since is still to be told."""
    case = session.get_one(Case, case_id, with_for_update=True)
    if case.status is status:
        case.announce = False


def complete(case: Case, answer: Answer) -> None:
    """Give a case the answer's words when it was flagged before the answer was whole."""
    if case.bad_answer is None:
        case.bad_answer = answer.text
