"""Training runs: started once at a time, moved through their stages, cancelled, and shown to people."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from feedback import adapters, cases, lessons, lineage, pauses, record
from feedback.models import Adapter, Case, Dataset, Event, Json, Pause, Run, RunCase
from feedback.states import ACTIVE_RUNS, CaseStatus, RunStatus

WORTH_SHOWING = timedelta(days=1)  # after a run's end
WORTH_EDITING = timedelta(days=30)  # its message, however late it comes to be
MOST_CASES = 50  # new ones in a run: more would drown what is practised against forgetting, and fail all together


class RunRefused(Exception):
    """A run cannot start now; the message says why and what to do."""


class RunActive(RunRefused):
    """Another run of the same persona is under way."""

    def __init__(self, run: Run) -> None:
        out = " People are trying its canary: promote that, or take it back, before another run can start."
        tail = out if run.status is RunStatus.CANARY else ""
        super().__init__(f"Run {run.id}, started by {run.requested_by}, is {run.status}.{tail}")
        self.run_id = run.id


class NothingApproved(RunRefused):
    """There is nothing new to train on."""

    def __init__(self, waiting: int) -> None:
        tail = f"Corrected cases that wait for review: {waiting}." if waiting else "No corrected case waits for review."
        super().__init__(f"No approved case to train on. {tail}")
        self.waiting = waiting


class RunsPaused(RunRefused):
    """An admin has paused training."""

    def __init__(self, pause: Pause) -> None:
        why = f": {pause.why}" if pause.why else ""
        since = f"{pause.created_at:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"Training is paused since {since} by {pause.paused_by}{why}. Resume it in Slack first.")
        self.pause = pause


class RunCancelled(Exception):
    """An admin asked for the run to stop."""


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``eta_seconds`` counts to the end of the current stage."""

    stage: str
    detail: str = ""
    step: int = 0
    steps: int = 0
    loss: float | None = None
    eta_seconds: float | None = None
    losses: tuple[tuple[int, float], ...] = ()  # (step, loss), for the curve
    seconds: Mapping[str, float] = field(default_factory=dict)  # finished stages
    marks: Mapping[str, float] = field(default_factory=dict)  # when what happened, in seconds since 1970
    trainer: str = ""  # how it trains, warm or cold, and why


# The names of what the gate looks at.
NEW_CASES, WORKED_BEFORE, ABILITY, IDENTITY, RIGOUR = (
    "New cases",
    "What worked before",
    "General ability",
    "Identity",
    "Rigour",
)
BLEND = "Blend"
"""What is said beside them of a candidate that is a part of the way."""


@dataclass(frozen=True)
class Check:
    """One line of the gate's verdict, in words for people."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """The gate's verdict on a candidate."""

    accepted: bool
    checks: tuple[Check, ...]
    unmended: Mapping[int, str] = field(default_factory=dict)  # case id -> why its probes fail

    @property
    def reasons(self) -> list[str]:
        """What speaks against the candidate, or for it when nothing does."""
        return [check.reason for check in self.checks if check.passed is self.accepted]


def start(
    session: Session,
    persona: str,
    base_model: str,
    seed: int,
    *,
    by: str,
    why: str = "retrain",
    channel: str | None = None,
    again: int | None = None,
) -> Run:
    """Queue a run over the approved cases, warm-started from the live adapter. The first run may have no case.

    At most ``MOST_CASES``, with those that are taught again; the other approved ones stay so.

    ``seed`` is the settings'. After runs that were refused it is another one: the same would come to the same.

    ``again`` is a run that was refused: of the approved cases, only those that it taught are taught.

    ``channel`` is where its progress message is wanted: whoever starts it may die before the message is posted.

    When something in the live adapter was taken back, the run goes on from the last one without it, and cases that
    were learned since then are taught again; until it is live, these stay mended. Those for which there is no room are
    approved from then on, and come with the next runs.

    Raises:
        RunActive: one is under way; the error carries its id.
        RunsPaused: an admin has paused training; the error carries the pause.
        NothingApproved: an adapter is live, nothing in it was taken back, and no case is approved.
    """
    pauses.hold_runs(session, persona)
    parent, taught = startable(session, persona, again)
    live = adapters.live(session, persona)
    run = Run(
        persona=persona,
        status=RunStatus.QUEUED,
        requested_by=by,
        parent_id=parent.id if parent else None,
        replaces_id=live.id if live else None,
        base_model=base_model,
        config={},
        seed=seed + _refused(session, persona, parent),
        progress=asdict(Progress(stage=RunStatus.QUEUED)),
        channel_id=channel or None,
    )
    session.add(run)
    session.flush()
    record.note(session, "runs", run.id, actor=by, why=why, before=None, after=run.status)
    for case in taught:
        session.add(RunCase(run_id=run.id, case_id=case.id))
        case.taught = True
        if case.status is not CaseStatus.MENDED:
            record.move(session, case, CaseStatus.TRAINING, actor=by, why=f"run {run.id}")
    return run


def _refused(session: Session, persona: str, parent: Adapter | None) -> int:
    """How many runs from this parent the gate has refused."""
    from_here = Run.parent_id.is_not_distinct_from(parent.id if parent else None)
    refused = select(func.count()).where(Run.persona == persona, from_here, Run.status == RunStatus.REJECTED)
    return session.scalars(refused).one()


def startable(session: Session, persona: str, again: int | None = None) -> tuple[Adapter | None, list[Case]]:
    """What a run would start from, and the cases that it would teach: approved ones (of those of the run ``again``, if
    there is one), and those to be taught again.

    Raises:
        RunActive, RunsPaused, NothingApproved: see ``start``.
    """
    if running := active(session, persona):
        raise RunActive(running)
    if paused := pauses.current(session, persona):
        session.expunge(paused)  # it is shown after the transaction that is given up here
        raise RunsPaused(paused)
    origin = lineage.origin(session, persona)
    # Those that were tried in vain last come last, so that they do not keep the others out for ever.
    query = select(Case).where(Case.persona == persona, Case.status == CaseStatus.APPROVED)
    if again is not None:
        query = query.where(Case.id.in_(select(RunCase.case_id).where(RunCase.run_id == again)))
    of_lost = select(Case).where(Case.id.in_(origin.again[:MOST_CASES]), Case.persona == persona)
    lost = list(session.scalars(of_lost))
    approved = list(session.scalars(query.order_by(Case.updated_at, Case.id).limit(MOST_CASES - len(lost))))
    if origin.live and not approved and not origin.without:
        raise NothingApproved(cases.counts(session, persona, [CaseStatus.CORRECTED])[CaseStatus.CORRECTED])
    return origin.parent, sorted([*approved, *lost], key=lambda case: case.id)


def get(session: Session, run_id: int) -> Run:
    """One run by id, with the adapters that it goes on from and replaces."""
    run = session.get_one(Run, run_id)
    _ = run.parent, run.replaces
    return run


def started_because(session: Session, run_id: int) -> str:
    """Why a run was started, as it was written down then."""
    query = select(Event.why).where(Event.subject == Run.__tablename__, Event.subject_id == run_id)
    return session.scalars(query.order_by(Event.id).limit(1)).first() or ""


def active(session: Session, persona: str) -> Run | None:
    """The run that is under way."""
    return session.scalars(select(Run).where(Run.persona == persona, Run.status.in_(ACTIVE_RUNS))).first()


def latest(session: Session, persona: str, *, limit: int = 10) -> list[Run]:
    """Runs, newest first."""
    return list(session.scalars(select(Run).where(Run.persona == persona).order_by(Run.id.desc()).limit(limit)))


def advance(session: Session, run_id: int, to: RunStatus, *, why: str = "") -> Run:
    """Move a run to its next stage. A run that was asked to stop does not go on.

    Raises:
        RunCancelled: an admin asked for it (not once the run is deploying).
        IllegalMove: the stage does not follow.
    """
    run = record.lock(session, session.get_one(Run, run_id))
    if run.cancel_requested_by and to not in {RunStatus.LIVE, RunStatus.FAILED, RunStatus.CANCELLED}:
        raise RunCancelled(f"cancelled by {run.cancel_requested_by}")
    record.move(session, run, to, actor="worker", why=why or f"{to}")
    return run


def leave_out(session: Session, run_id: int, case: Case, why: str) -> None:
    """Take a case out of a run that cannot teach it; it is unmended, with the reason.

    One that was to be taught again stays mended while what is live knows it, and waits for a run when that has changed.
    """
    session.execute(delete(RunCase).where(RunCase.run_id == run_id, RunCase.case_id == case.id))
    if case.status is CaseStatus.TRAINING:
        cases.settle(session, case, None, why, why=f"left out of run {run_id}")


def set_config(session: Session, run_id: int, config: Json) -> None:
    """Store the copy of the training configuration that the run uses; the worker does so when it begins."""
    session.get_one(Run, run_id).config = config


def report_progress(session: Session, run_id: int, progress: Progress) -> None:
    """Write how far a run is, for the progress message."""
    session.get_one(Run, run_id).progress = asdict(progress)


def request_cancel(session: Session, run_id: int, *, by: str) -> bool:
    """Ask a run to stop at its next step; False when it is over, or already deploying."""
    run = record.lock(session, session.get_one(Run, run_id))
    if run.status not in ACTIVE_RUNS or run.status is RunStatus.DEPLOYING:
        return False
    if not run.cancel_requested_by:
        run.cancel_requested_by = by
        record.note(session, "runs", run.id, actor=by, why="cancel", before=run.status, after=run.status)
    return True


def close(session: Session, run_id: int, to: RunStatus, *, error: str | None = None, why: str = "") -> Run:
    """End a run; cases without a verdict go back to approved, or are mended if what is live now knows them."""
    run = record.lock(session, session.get_one(Run, run_id))
    record.move(session, run, to, actor="worker", why=why or error or f"{to}")
    run.error, run.finished_at = error, datetime.now(UTC)
    cases.release(session, run_id, why=f"run {run_id} {to}", outcome=_unfinished(run, to, error or why))
    # Somebody may have promoted another adapter while the run held its cases.
    live = adapters.live(session, run.persona)
    adapters.agree_cases(session, run.persona, live, was=live, by="worker")
    return run


_IN_SHORT = {
    WORKED_BEFORE: "answers that were right before were wrong now",
    ABILITY: "it had lost too much of what it can do in general",
    IDENTITY: "it was not sure enough who it is",
    RIGOUR: "it was too sure of itself",
}


def _unfinished(run: Run, to: RunStatus, why: str) -> str | None:
    """What those who wait for a case are told of a run that ended without it; a cancelled one is nobody's news.

    The gate's figures are in the run's own message, for admins: to others they say little, and each attempt has others.
    """
    first = next((line.strip() for line in why.splitlines() if line.strip()), "no reason was written")
    match to:
        case RunStatus.FAILED:
            return f"The training broke off before it was done: {first}"
        case RunStatus.REJECTED:
            judged = decision(run)
            failed = [] if judged is None else [_IN_SHORT.get(one.name) for one in judged.checks if not one.passed]
            short = " and ".join(text for text in failed if text)
            return f"The newly trained version was not good enough to go live: {f'{short}.' if short else first}"
        case _:
            return None


def decide(session: Session, run_id: int, decision: Decision, adapter_id: int | None = None) -> None:
    """Write the gate's verdict, and which of the run's candidates it is of."""
    session.get_one(Run, run_id).decision = {
        "adapter": adapter_id,
        "accepted": decision.accepted,
        "checks": [asdict(check) for check in decision.checks],
        "unmended": {str(case_id): why for case_id, why in decision.unmended.items()},
    }


def decision(run: Run) -> Decision | None:
    """The gate's verdict, once there is one."""
    if run.decision is None:
        return None
    return Decision(
        accepted=run.decision["accepted"],
        checks=tuple(Check(**check) for check in run.decision["checks"]),
        unmended={int(case_id): why for case_id, why in run.decision["unmended"].items()},
    )


def dataset(session: Session, run_id: int) -> Dataset | None:
    """The run's frozen rows, once they are built."""
    found = session.scalars(select(Dataset).where(Dataset.run_id == run_id)).first()
    if found:
        _ = found.rows
    return found


def unposted(session: Session, persona: str) -> list[int]:
    """Runs under way, or over not long ago, whose progress message is wanted and not posted."""
    recent = Run.finished_at > datetime.now(UTC) - WORTH_SHOWING
    query = (
        select(Run.id)
        .where(Run.persona == persona, Run.channel_id.is_not(None), Run.message_ts.is_(None))
        .where(Run.status.in_(ACTIVE_RUNS) | recent)
    )
    return list(session.scalars(query.order_by(Run.id)))


def set_message(session: Session, run_id: int, channel_id: str, ts: str, announced: Json) -> None:
    """Remember where the progress message is, and what it shows; see ``showing``."""
    run = session.get_one(Run, run_id)
    run.channel_id, run.message_ts, run.announced = channel_id, ts, announced


def give_message_up(session: Session, run_id: int) -> None:
    """No place takes the progress message, so it is not wanted any more."""
    session.get_one(Run, run_id).channel_id = None


def to_show(session: Session, persona: str) -> list[Run]:
    """Lock runs whose progress message does not show what is in the record; set ``announced`` when it does."""
    moved = Run.announced.op("-")("cancelled_by") != func.jsonb_build_object(
        "status", Run.status, "progress", Run.progress
    )
    cancelled = Run.announced["cancelled_by"].astext.is_distinct_from(Run.cancel_requested_by)
    rows = session.scalars(
        select(Run)
        .where(Run.persona == persona, Run.message_ts.is_not(None))
        .where(Run.finished_at.is_(None) | (Run.finished_at > datetime.now(UTC) - WORTH_EDITING))
        .where(Run.announced.is_(None) | moved | (Run.status.in_(ACTIVE_RUNS) & cancelled))
        .order_by(Run.id)
        .with_for_update(skip_locked=True)
    )
    return list(rows)


def shown(session: Session, run_id: int, announced: Json) -> None:
    """The progress message shows this now; see ``showing``."""
    session.get_one(Run, run_id).announced = announced


def showing(run: Run) -> Json:
    """What a progress message that was just updated shows."""
    return {"status": run.status.value, "progress": run.progress, "cancelled_by": run.cancel_requested_by}


def settle_unmended(session: Session, run_id: int, unmended: Mapping[int, str]) -> None:
    """The run's adapter does not go live: new cases that it had not mended say why, the others are left as they are."""
    for case in cases.of_run(session, run_id):
        # A case that was to be taught again is mended still: what is live knows it.
        if case.id in unmended and case.status is CaseStatus.TRAINING:
            cases.settle(session, case, None, unmended[case.id], why=f"run {run_id}")


def settle_live(session: Session, run_id: int, adapter_id: int, unmended: Mapping[int, str]) -> list[Case]:
    """The run's adapter is live: each new case is mended, or unmended with its reason.

    A case that was taught again is settled too, unless it has other words by now.
    """
    settled = cases.of_run(session, run_id)
    before = lessons.known_to(session, [one.id for one in adapters.lineage(session, get(session, run_id).replaces)])
    for case in settled:
        why = unmended.get(case.id)
        if case.status is CaseStatus.TRAINING:
            cases.settle(session, case, None if why else adapter_id, why, why=f"run {run_id}")
        elif case.id in before:
            cases.settle_again(session, case, adapter_id, why, why=f"run {run_id}, taught again")
    return settled
