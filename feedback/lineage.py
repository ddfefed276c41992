"""Where an adapter comes from, and what a run has to start from when something was taken back.

An adapter holds all that the datasets of its own run and of the runs before it in its line had rows of, whether it
mended that or not; but the line of one that learned everything anew from the base model begins with itself. What was
taken back is out of it only when none of these has a row of it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, CompoundSelect, Row, Select, any_, literal, select, union
from sqlalchemy.orm import Session

from feedback import adapters, lessons
from feedback.datasets import FROM_BASE
from feedback.models import Adapter, Case, Dataset, DatasetRow, RunCase
from feedback.states import CaseStatus


@dataclass(frozen=True)
class Origin:
    """What the next run goes on from.

    ``parent`` None: the base model. ``without``: cases that were taken back and are in the live adapter; for their
    sake the parent is an older one, and ``again`` are the cases that were learned since then.
    """

    live: Adapter | None
    parent: Adapter | None
    again: tuple[int, ...] = ()
    without: tuple[int, ...] = ()


def origin(session: Session, persona: str, *, without: Collection[int] = ()) -> Origin:
    """What a run would go on from now, or if ``without`` were taken back as well."""
    live = adapters.live(session, persona)
    line = adapters.lineage(session, live)
    also = select(Case.id).where(Case.id.in_(without))
    held = _held(session, line, union(_withdrawn(persona), also) if without else _withdrawn(persona))
    anew = _anew(session, line) if held else set()
    gone = set().union(*(held.get(one.run_id or 0, set()) for one in _inside(line, anew)))
    if not gone:
        return Origin(live, live)
    kept = _clean(line, held, anew)
    lost = lessons.newest([one.id for one in line[: len(line) - len(kept)]]).subquery()
    still_known = lessons.newest([one.id for one in kept]).subquery()
    again = (
        select(Case.id)
        .where(Case.persona == persona, Case.status == CaseStatus.MENDED, Case.id.not_in(gone))
        .where(Case.id.in_(select(lost.c.case_id)), Case.id.not_in(select(still_known.c.case_id)))
        .order_by(Case.id)
    )
    return Origin(live, kept[0] if kept else None, tuple(session.scalars(again)), tuple(sorted(gone)))


def holds(session: Session, adapter: Adapter | None, case_ids: Collection[int]) -> set[int]:
    """Those of the cases that an adapter, or one that it was trained from, had rows of."""
    return _within(session, adapter, select(Case.id).where(Case.id.in_(case_ids)))


def taken_back(session: Session, adapter: Adapter) -> set[int]:
    """The withdrawn cases that an adapter, or one that it was trained from, had rows of."""
    return _within(session, adapter, _withdrawn(adapter.persona))


def _within(session: Session, adapter: Adapter | None, which: Select[int]) -> set[int]:
    line = adapters.lineage(session, adapter)
    return set().union(*_held(session, _inside(line, _anew(session, line)), which).values())


def _withdrawn(persona: str) -> Select[int]:
    """What was taken back of all that runs have had; by far the most are flags that nothing came of."""
    return select(Case.id).where(Case.persona == persona, Case.status == CaseStatus.WITHDRAWN, Case.taught)


def named(case_ids: Collection[int]) -> tuple[str, str]:
    """Cases as the subject of a sentence, with its verb: ("Case 3", "was"), ("Cases 3 and 4", "were")."""
    *most, last = map(str, sorted(case_ids))
    return (f"Cases {', '.join(most)} and {last}", "were") if most else (f"Case {last}", "was")


def left_out(session: Session, adapter: Adapter, replaced: Adapter | None) -> tuple[int, ...]:
    """What was taken back, is in the adapter that was live before, and is not in this one."""
    if replaced is None or replaced.id == adapter.parent_id:  # it has all that its parent has
        return ()
    gone = taken_back(session, replaced)
    return tuple(sorted(gone - taken_back(session, adapter))) if gone else ()


def _held(session: Session, line: Sequence[Adapter], which: Select[int] | CompoundSelect[int]) -> dict[int, set[int]]:
    """By run of the line: which of these cases it was given as new, or had rows of."""
    case_ids = list(session.scalars(which))
    if not case_ids:
        return {}
    # As arrays, one parameter each: thousands of parameters take longer than what they ask for.
    one_of_runs = any_(literal([one.run_id for one in line if one.run_id is not None], ARRAY(BigInteger)))
    one_of_cases = any_(literal(case_ids, ARRAY(BigInteger)))
    rows = select(Dataset.run_id, DatasetRow.case_id).join(DatasetRow, DatasetRow.dataset_id == Dataset.id)
    rows = rows.where(Dataset.run_id == one_of_runs, DatasetRow.case_id == one_of_cases)
    new = select(RunCase.run_id, RunCase.case_id).where(RunCase.run_id == one_of_runs, RunCase.case_id == one_of_cases)
    held: dict[int, set[int]] = {}
    found: Iterable[Row[int, int | None]] = session.execute(union(rows, new))
    for row in found:
        held.setdefault(row.run_id, set()).add(row.case_id)
    return held


def _clean(line: Sequence[Adapter], held: Collection[int], anew: Collection[int]) -> list[Adapter]:
    """The longest older end of a line, newest first, whose newest adapter holds nothing of it."""
    for place in range(len(line)):
        if not any(one.run_id in held for one in _inside(line[place:], anew)):
            return list(line[place:])
    return []


def _inside(line: Sequence[Adapter], anew: Collection[int]) -> Sequence[Adapter]:
    """Those of a line, newest first, whose rows are in its newest adapter."""
    for place, one in enumerate(line):
        if one.run_id in anew:
            return line[: place + 1]
    return line


def _anew(session: Session, line: Sequence[Adapter]) -> set[int]:
    """The runs of a line that learned everything anew."""
    one_of_runs = any_(literal([one.run_id for one in line if one.run_id is not None], ARRAY(BigInteger)))
    query = select(Dataset.run_id).where(Dataset.run_id == one_of_runs, Dataset.manifest.has_key(FROM_BASE))
    return set(session.scalars(query))
