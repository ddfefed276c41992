"""All that one person has contributed, taken back at once: their words, their flags and their votes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import flags, record
from feedback.models import Case
from feedback.states import CASE_MOVES, CaseStatus
from feedback.votes import Person


def undo(session: Session, persona: str, person: Person, *, by: str) -> list[Case]:
    """Withdraw every case whose words are somebody's own, or that only their flag has kept open; those cases.

    What is being trained on right now stays, and so does what others have written where this person has flagged.
    """
    query = select(Case).where(Case.persona == persona, Case.corrected_by == str(person)).order_by(Case.id)
    gone: list[Case] = []
    for case in session.scalars(query):
        if CaseStatus.WITHDRAWN in CASE_MOVES[case.status]:
            record.move(session, case, CaseStatus.WITHDRAWN, actor=by, why=f"contributions of {person} undone")
            gone.append(case)
    return gone + flags.withdraw_all(session, persona, person, by=by)
