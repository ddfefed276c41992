"""Which adapters have learned a case in the words that it has now; other words are another lesson."""

from collections.abc import Collection

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.models import Lesson


def learned(session: Session, case_id: int, adapter_id: int) -> None:
    """An adapter that went live has learned a case."""
    session.execute(insert(Lesson).values(case_id=case_id, adapter_id=adapter_id).on_conflict_do_nothing())


def forget(session: Session, case_id: int) -> None:
    """The case has other words now, and nobody has learned them."""
    session.execute(delete(Lesson).where(Lesson.case_id == case_id))


def newest(adapters: Collection[int]) -> Select[int, int]:
    """As a query: every case that one of the adapters has learned, with the newest of those."""
    newest_of = func.max(Lesson.adapter_id).label("adapter_id")
    return select(Lesson.case_id, newest_of).where(Lesson.adapter_id.in_(adapters)).group_by(Lesson.case_id)


def count(session: Session, adapters: Collection[int], *, without: Collection[int] = ()) -> int:
    """How many cases, but for some, the adapters have learned."""
    learned = select(func.count(Lesson.case_id.distinct())).where(Lesson.adapter_id.in_(adapters))
    return session.execute(learned.where(Lesson.case_id.not_in(without))).scalar_one()


def known_to(session: Session, adapters: Collection[int], *, among: Collection[int] | None = None) -> dict[int, int]:
    """Every case (or those ``among`` some) that one of the adapters has learned, with the newest of those."""
    query = newest(adapters)
    found = session.execute(query if among is None else query.where(Lesson.case_id.in_(among)))
    return {case_id: adapter_id for case_id, adapter_id in found}
