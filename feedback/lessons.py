"""Which adapters have learned a case in the words that it has now; other words are another lesson."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.models import Lesson


def learned(session: Session, case_id: int, adapter_id: int) -> None:
    """An adapter that went live has learned a case."""
    session.execute(insert(Lesson).values(case_id=case_id, adapter_id=adapter_id).on_conflict_do_nothing())


def forget(session: Session, case_id: int) -> None:
    """The case has other words now, and nobody has learned them."""
    session.execute(delete(Lesson).where(Lesson.case_id == case_id))


def known_to(session: Session, adapters: Collection[int]) -> dict[int, int]:
    """Every case that one of the adapters has learned, with the newest of those."""
    query = select(Lesson.case_id, Lesson.adapter_id).where(Lesson.adapter_id.in_(adapters)).order_by(Lesson.adapter_id)
    return {case_id: adapter_id for case_id, adapter_id in session.execute(query)}
