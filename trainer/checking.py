"""Which mended cases a run looks at again. Their number is fixed, so that an examination costs the same however much
was learned before it; only what learned everything anew is asked about all of it.

First come those that were answered wrong when they were last asked, then those that came closest to it (as far as their
corrections were read to the live adapter, see `trainer.replay`), then those that the line has not practised for
longest, this run included. What is asked last in that order is practised next, so every
case has its turn; where more rows are practised in a run than cases are asked about, by chance.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from feedback import adapters, cases, datasets, reports
from feedback.datasets import NEVER
from feedback.models import Case, Run
from trainer.replay import Earlier, by_need, standing
from trainer.variants import CaseText

MOST = 24  # cases, in two wordings each: some 17 s of a CPU, and at most half as much again to read them


def to_check(mended: Sequence[Earlier], seed: int) -> list[int]:
    """The cases to ask about, by number; the same arguments give the same. Pure."""
    return sorted(one.case.case_id for one in by_need(mended, MOST, seed)[:MOST])


def earlier_cases(session: Session, run: Run) -> list[Case]:
    """The cases that the run's parent has learned."""
    line = adapters.lineage(session, run.parent)
    new = {case.id for case in cases.of_run(session, run.id)}
    return [case for case in cases.learned_by(session, [adapter.id for adapter in line]) if case.id not in new]


def checked(session: Session, run: Run) -> list[Case]:
    """The mended cases that a run asks about; the same from when its dataset is frozen to its end."""
    known = earlier_cases(session, run)
    if len(known) <= MOST or (run.parent_id and datasets.from_base(session, run)):
        return known  # what learns everything anew has to show that it did; its recipe bounds their number
    line = [adapter.run_id for adapter in adapters.lineage(session, run.parent) if adapter.run_id is not None]
    practised = datasets.practised(session, [case.id for case in known], [*line, run.id])
    # What this run finds out does not count: it would change what it has to find out.
    results = reports.known(session, run.parent_id, before_run=run.id) if run.parent_id else ()
    mended = [
        standing(CaseText(case.id, case.question, case.correction or ""), results, practised.get(case.id, NEVER))
        for case in known
    ]
    chosen = set(to_check(mended, run.seed))
    return [case for case in known if case.id in chosen]
