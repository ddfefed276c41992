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


def lock(session: Session, row: Subject) -> Subject:
    """Lock ``row`` until the transaction ends, and read it again: the session may have read it before a change."""
    session.flush()
    session.refresh(row, with_for_update=True)
    return row


def move(
    session: Session, row: Subject, to: CaseStatus | RunStatus | AdapterStatus, *, actor: str, why: str
) -> Subject:
    """Move ``row`` to another state and record it.

    The row is locked and read again first, so of two people who decide at once the second gets IllegalMove.
    A case whose thread is to be told of its new state gets ``announce`` from the caller, after the move.
    """
    lock(session, row)
    table = row.__tablename__
    check_move(f"{table[:-1]} {row.id}", row.status, to)
    note(session, table, row.id, actor=actor, why=why, before=row.status, after=to)
    if isinstance(row, Case):
        row.announce = False  # what its thread was to be told is not so any more
    row.status = to  # type: ignore[assignment]  # check_move has compared the kinds
    session.flush()
    return row
