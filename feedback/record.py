"""Changing a state and writing down who did it, in one transaction."""

from typing import TypeVar

from sqlalchemy.orm import Session

from feedback.models import Adapter, Case, Event, Run
from feedback.states import AdapterStatus, CaseStatus, RunStatus, check_move

Subject = TypeVar("Subject", Case, Run, Adapter)


def note(
    session: Session, subject: str, subject_id: int, *, actor: str, why: str, before: str | None, after: str | None
) -> None:
    """Append one event. ``subject`` is a table's name."""
    session.add(Event(subject=subject, subject_id=subject_id, actor=actor, why=why, before=before, after=after))


def move(
    session: Session, row: Subject, to: CaseStatus | RunStatus | AdapterStatus, *, actor: str, why: str
) -> Subject:
    """Move ``row`` to another state and record it.

    The row is locked and read again first, so of two people who decide at once the second gets IllegalMove.
    """
    session.flush()
    session.refresh(row, with_for_update=True)
    table = row.__tablename__
    check_move(f"{table[:-1]} {row.id}", row.status, to)
    note(session, table, row.id, actor=actor, why=why, before=row.status, after=to)
    row.status = to  # type: ignore[assignment]  # check_move has compared the kinds
    session.flush()
    return row
