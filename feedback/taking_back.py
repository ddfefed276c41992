"""Taking back what somebody has taught: cases are withdrawn at once, and the next run starts from before them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import adapters, cases, experiments, lineage, pauses, record, runs
from feedback.lineage import Origin
from feedback.models import Adapter, Case, Experiment, Run
from feedback.states import CASE_MOVES, CaseStatus


@dataclass(frozen=True)
class Consequences:
    """What taking cases back means.

    ``cases`` can be taken back, ``stay`` cannot: they are being trained on, or were closed before. ``learned`` are in
    the live adapter: ``origin`` is what a run without them goes on from, ``after_rollback`` what a rollback would make
    live at once, and ``still`` which of them that knows. ``overtaken`` is a run under way that has them too; where its
    adapter is out as a canary already, ``canary`` is that experiment instead, which ends with them.
    """

    cases: tuple[Case, ...]
    stay: tuple[Case, ...]
    learned: tuple[int, ...]
    origin: Origin
    after_rollback: Adapter | None
    still: tuple[int, ...]
    overtaken: Run | None
    canary: Experiment | None = None


def consequences(session: Session, persona: str, case_ids: Collection[int]) -> Consequences:
    """What would follow from taking these cases back now."""
    query = select(Case).where(Case.persona == persona, Case.id.in_(case_ids)).order_by(Case.id)
    found = list(session.scalars(query))
    out = experiments.running(session, persona)
    going = tuple(case for case in found if _may_go(case, out))
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
        overtaken=run if run and not out and _has(session, run, ids) else None,
        canary=out if out and lineage.holds(session, out.adapter, ids) else None,
    )


def _may_go(case: Case, out: Experiment | None) -> bool:
    """Whether a case can be withdrawn: what a canary's run holds can, since the experiment ends at once."""
    return CaseStatus.WITHDRAWN in CASE_MOVES[case.status] or (case.status is CaseStatus.TRAINING and out is not None)


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
    """Withdraw the cases, end the experiment with a canary that has them, and ask a run that has them to stop.

    What could not be withdrawn is left as it is.
    """
    adapters.hold_live(session, persona)  # the canary does not go live meanwhile
    pauses.hold_runs(session, persona)  # no run starts meanwhile that would have them
    query = select(Case).where(Case.persona == persona, Case.id.in_(case_ids)).order_by(Case.id).with_for_update()
    session.scalars(query.execution_options(populate_existing=True)).all()
    follows = consequences(session, persona, case_ids)
    if follows.canary:  # before they are withdrawn: its run lets go of them
        has = lineage.holds(session, follows.canary.adapter, [case.id for case in follows.cases])
        gone = experiments.gone(has)
        experiments.take_back(session, persona, follows.canary.id, by=by, why=gone, harmful=False)
    for case in follows.cases:
        record.move(session, case, CaseStatus.WITHDRAWN, actor=by, why=why)
    if follows.overtaken:
        runs.request_cancel(session, follows.overtaken.id, by=by)
    return follows
