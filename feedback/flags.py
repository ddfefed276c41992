"""Flags: who has said that an answer is wrong, and how a flag that nobody has corrected is taken back."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import cases, record, reviews, votes
from feedback.models import Answer, Case, Vote
from feedback.states import CaseStatus, VoteValue
from feedback.votes import Person


def flaggers(session: Session, case: Case) -> list[str]:
    """Everybody whose thumb is down on a case's answer, in the order they gave it; else who flagged the case."""
    query = select(Vote.team_id, Vote.user_id).where(Vote.answer_id == case.answer_id, Vote.value == VoteValue.DOWN)
    found = [str(Person(*row)) for row in session.execute(query.order_by(Vote.id))] if case.answer_id else []
    return found or [case.flagged_by]


def settle_bare(session: Session, answer_id: int, *, by: str) -> Case | None:
    """See what is left of an answer's case after a thumbs-down is no more; the case, if it is open still.

    A case that nobody has corrected stays for as long as somebody objects, and is that person's then.
    """
    # Of two who take their votes back at once each would see the other's: they wait here for one another.
    session.get_one(Answer, answer_id, with_for_update={"key_share": True})
    case = reviews.open_case(session, answer_id)
    if case is None or case.status is not CaseStatus.FLAGGED:
        return case
    if not votes.count(session, answer_id, VoteValue.DOWN):
        cases.withdraw(session, case.id, by=by, why="thumbs-down taken back")
        return None
    left = flaggers(session, case)
    if case.flagged_by not in left:
        record.note(session, "cases", case.id, actor=by, why="flag passed on", before=case.flagged_by, after=left[0])
        case.flagged_by = left[0]
    return case


def withdraw_all(session: Session, persona: str, person: Person, *, by: str) -> list[Case]:
    """Take back every vote of somebody's, and the cases that nothing but their flags has kept open; those cases."""
    gone: list[Case] = []
    for answer_id in votes.withdraw_all(session, persona, person, by=by):
        case = reviews.open_case(session, answer_id)
        settle_bare(session, answer_id, by=by)
        if case is not None and case.status is CaseStatus.WITHDRAWN:
            gone.append(case)
    return gone
