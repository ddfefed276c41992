"""Taking back what somebody has taught: cases are withdrawn at once, and the next run starts from before them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import adapters, cases, lineage, pauses, record, runs
from feedback.lineage import Origin
from feedback.models import Adapter, Case, Run
from feedback.states import CASE_MOVES, CaseStatus


@dataclass(frozen=True)
class Consequences:
    """What taking cases back means.

    ``cases`` can be taken back, ``stay`` cannot: they are being trained on, or were closed before. ``learned`` are in
    the live adapter: ``origin`` is what a run without them goes on from, ``after_rollback`` what a rollback would make
    live at once, and ``still`` which of them that knows. ``overtaken`` is a run under way that has them too.
    """

    cases: tuple[Case, ...]
    stay: tuple[Case, ...]
    learned: tuple[int, ...]
    origin: Origin
    after_rollback: Adapter | None
    still: tuple[int, ...]
    overtaken: Run | None


def consequences(session: Session, persona: str, case_ids: Collection[int]) -> Consequences:
    """What would follow from taking these cases back now."""
    query = select(Case).where(Case.persona == persona, Case.id.in_(case_ids)).order_by(Case.id)
    found = list(session.scalars(query))
    going = tuple(case for case in found if CaseStatus.WITHDRAWN in CASE_MOVES[case.status])
    ids = [case.id for case in going]
    live = adapters.live(session, persona)
    before = adapters.rollback_target(session, live) if live else None
    run = runs.active(session, persona)
    return Consequences(
        cases=going,
        stay=tuple(case for case in found if case not in going),
        learned=tuple(sorted(lineage.holds(session, live, ids))),
        origin=lineage.origin(session, persona, without=ids),
        after_rollback=before,
        still=tuple(sorted(lineage.holds(session, before, ids))),
        overtaken=run if run and _has(session, run, ids) else None,
    )


def _has(session: Session, run: Run, case_ids: Collection[int]) -> bool:
    """Whether a run goes on from an adapter that has one of the cases, or teaches one."""
    taught = {case.id for case in cases.of_run(session, run.id)}
    frozen = runs.dataset(session, run.id)
    practised = {row.case_id for row in frozen.rows} if frozen else set()
    return bool(lineage.holds(session, run.parent, case_ids) or (taught | practised).intersection(case_ids))


def of_person(session: Session, persona: str, actor: str) -> list[int]:
    """Every case whose words are somebody's own."""
    query = select(Case.id).where(Case.persona == persona, Case.corrected_by == actor).order_by(Case.id)
    return list(session.scalars(query))


def take_back(session: Session, persona: str, case_ids: Collection[int], *, by: str, why: str) -> Consequences:
    """Withdraw the cases, and ask a run that has them to stop; what could not be withdrawn is left as it is."""
    pauses.hold_runs(session, persona)  # no run starts meanwhile that would have them
    query = select(Case).where(Case.persona == persona, Case.id.in_(case_ids)).order_by(Case.id).with_for_update()
    session.scalars(query.execution_options(populate_existing=True)).all()
    follows = consequences(session, persona, case_ids)
    for case in follows.cases:
        record.move(session, case, CaseStatus.WITHDRAWN, actor=by, why=why)
    if follows.overtaken:
        runs.request_cancel(session, follows.overtaken.id, by=by)
    return follows
