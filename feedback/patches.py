"""Approved corrections in the prompt of an answer, until the adapter that answers has learned them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback import adapters, lessons
from feedback.models import Adapter, Answer, Case, Patch, Variant
from feedback.states import CaseStatus

CONSIDERED = 200  # cases, the newest; more than wait for a training anywhere
_APPROVED = (CaseStatus.APPROVED, CaseStatus.TRAINING)


@dataclass(frozen=True)
class Correction:
    """What an approved case says; ``wordings`` are further ways to ask it."""

    case_id: int
    question: str
    correction: str
    wordings: tuple[str, ...] = ()


def not_learned(session: Session, persona: str, adapter_id: int | None) -> list[Correction]:
    """The approved corrections that an adapter (None: the base model) has not learned, newest first."""
    line = adapters.lineage(session, session.get(Adapter, adapter_id) if adapter_id is not None else None)
    query = select(Case).where(Case.persona == persona, Case.status.in_(_APPROVED), Case.correction.is_not(None))
    waiting = list(session.scalars(query.order_by(Case.id.desc()).limit(CONSIDERED)))
    known = lessons.known_to(session, [one.id for one in line], among=[case.id for case in waiting])
    found = {case.id: case for case in waiting if case.id not in known}
    wordings: dict[int, list[str]] = {}
    for variant in session.scalars(
        select(Variant).where(Variant.case_id.in_(found), Variant.rejected_because.is_(None)).order_by(Variant.id)
    ):
        wordings.setdefault(variant.case_id, []).append(variant.text)
    return [
        Correction(case.id, case.question, case.correction or "", tuple(wordings.get(case.id, ())))
        for case in found.values()
    ]


def write(session: Session, answer_id: int, case_ids: Collection[int]) -> None:
    """Record which corrections were in an answer's prompt, in place of those of an earlier try."""
    session.execute(delete(Patch).where(Patch.answer_id == answer_id, Patch.case_id.not_in(case_ids)))
    for case_id in case_ids:
        session.execute(insert(Patch).values(answer_id=answer_id, case_id=case_id).on_conflict_do_nothing())


def of_answer(session: Session, answer_id: int) -> list[int]:
    """The cases that were in an answer's prompt."""
    return list(session.scalars(select(Patch.case_id).where(Patch.answer_id == answer_id).order_by(Patch.case_id)))


def patched() -> ColumnElement[bool]:
    """Whether an answer had a correction in its prompt: what people think of it says nothing about the adapter."""
    return exists().where(Patch.answer_id == Answer.id)
