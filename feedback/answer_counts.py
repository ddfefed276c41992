"""How many answers each adapter has given, and how many of them somebody has thumbed down, without reading them all.

The counts are kept as rows that add up. Whoever changes what an answer counts for adds a row and waits for nobody who
changes another; now and then somebody makes one row of all that an adapter has.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Row, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from feedback import patches
from feedback.models import Adapter, Answer, AnswerCount, Vote
from feedback.states import AnswerStatus, VoteValue

ADDED_UP = 256  # rows, about; more than there are adapters in use, few enough to be read at once


@dataclass(frozen=True)
class _Counted:
    """What an answer counts for; one with a correction in its prompt was not the adapter's own, and does not count."""

    persona: str
    adapter_id: int | None
    down: bool


@contextmanager
def changing(session: Session, answer_ids: Collection[int]) -> Iterator[None]:
    """Hold some answers, and write down how the block changes what they count for: by their end, or by votes."""
    if not answer_ids:
        yield
        return
    # A statement of its own: the next one is to see what was done by whoever has held them until now.
    held = select(Answer.id).where(Answer.id.in_(answer_ids)).order_by(Answer.id)
    session.execute(held.with_for_update(key_share=True)).all()
    before = _read(session, answer_ids)
    yield
    session.flush()
    after = _read(session, answer_ids)
    answers, down = Counter[tuple[str, int | None]](), Counter[tuple[str, int | None]]()
    for found, sign in ((before, -1), (after, 1)):
        for one in found.values():
            answers[one.persona, one.adapter_id] += sign
            down[one.persona, one.adapter_id] += sign * one.down
    for key in answers:
        if answers[key] or down[key]:
            _add(session, key, answers[key], down[key])


def _read(session: Session, answer_ids: Collection[int]) -> dict[int, _Counted]:
    disliked = exists().where(Vote.answer_id == Answer.id, Vote.value == VoteValue.DOWN)
    query = (
        select(Answer.id, Answer.persona, Answer.adapter_id, disliked)
        .where(Answer.id.in_(answer_ids), Answer.status.in_([AnswerStatus.ANSWERED, AnswerStatus.STOPPED]))
        .where(~patches.patched())
    )
    return {number: _Counted(persona, adapter, down) for number, persona, adapter, down in session.execute(query)}


def _add(session: Session, key: tuple[str, int | None], answers: int, down: int) -> None:
    persona, adapter_id = key
    row = insert(AnswerCount).values(persona=persona, adapter_id=adapter_id, answers=answers, down=down)
    number = session.execute(row.returning(AnswerCount.id)).scalar_one()
    if number % ADDED_UP == 0:
        add_up(session, persona)


def add_up(session: Session, persona: str) -> None:
    """Make one row of all that an adapter has, unless somebody else is at it."""
    lock = func.pg_try_advisory_xact_lock(func.hashtext(f"mend-answer-counts-{persona}"))
    if not session.execute(select(lock)).scalar_one():
        return
    gone = (
        delete(AnswerCount)
        .where(AnswerCount.persona == persona)
        .returning(AnswerCount.adapter_id, AnswerCount.answers, AnswerCount.down)
        .cte("gone")
    )
    added = select(
        func.min(persona), gone.c.adapter_id, func.sum(gone.c.answers), func.sum(gone.c.down)
    ).group_by(gone.c.adapter_id)  # fmt: skip
    session.execute(insert(AnswerCount).from_select(["persona", "adapter_id", "answers", "down"], added))


def by_version(session: Session, persona: str) -> list[Row[int | None, int, int]]:
    """Answers and those thumbed down, by the version that gave them, oldest first; the base model (None) before all."""
    answers, down = func.sum(AnswerCount.answers), func.sum(AnswerCount.down)
    query = (
        select(Adapter.version, answers, down)
        .select_from(AnswerCount)
        .outerjoin(Adapter, Adapter.id == AnswerCount.adapter_id)
        .where(AnswerCount.persona == persona)
        .group_by(Adapter.version)
        .having(answers > 0)
        .order_by(Adapter.version.nulls_first())
    )
    return list(session.execute(query))
