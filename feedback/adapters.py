"""Adapters in the record: which one is live, which came from which, and moving the live mark."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from feedback import lessons, record
from feedback.models import Adapter, Case, Lesson, Run
from feedback.states import AdapterStatus, CaseStatus, RunStatus

SERVING = frozenset({AdapterStatus.LIVE, AdapterStatus.CANARY, AdapterStatus.CANDIDATE})


class NothingToRollBack(Exception):
    """No adapter is live."""


@dataclass(frozen=True)
class Saved:
    """A trained adapter in the adapters' folder, named ``<persona>-v<version>-<first 8 of sha256>``."""

    name: str
    version: int
    sha256: str
    rank: int
    base_model: str
    base_fingerprint: str
    config_sha256: str | None = None


@dataclass(frozen=True)
class Seal:
    """The hashes of an adapter's two files, as they were when it was recorded."""

    sha256: str
    config_sha256: str | None  # None: recorded before it was kept


def seal(session: Session, name: str) -> Seal | None:
    """What the files of an adapter have to hash to; None for a name that is not in the record."""
    row = by_name(session, name)
    return Seal(row.sha256, row.config_sha256) if row else None


def version_of_run(session: Session, persona: str, run_id: int) -> int:
    """The number that all candidates of a run have; numbers are never used by another run."""
    if known := of_run(session, run_id):
        return known.version
    newest = session.scalar(select(func.max(Adapter.version)).where(Adapter.persona == persona))
    return (newest or 0) + 1


def add(
    session: Session, persona: str, run_id: int, parent_id: int | None, saved: Saved, *, blend: float | None = None
) -> Adapter:
    """Record a run's candidate; a second call with the same weights returns the first one's row.

    A candidate of the run that is still open (of a training that a killed worker has begun) is passed over. A
    ``blend``, so far on the way from the parent to such a candidate, is itself passed over, until it is taken up.
    """
    if known := by_name(session, saved.name):
        return known
    if blend is not None:
        return _recorded(session, persona, run_id, parent_id, saved, AdapterStatus.REJECTED, blend)
    before = of_run(session, run_id)
    if before and before.status is AdapterStatus.CANDIDATE:
        reject(session, before, why="its training was begun again")
        session.flush()
    return _recorded(session, persona, run_id, parent_id, saved, AdapterStatus.CANDIDATE, None)


def _recorded(
    session: Session,
    persona: str,
    run_id: int,
    parent_id: int | None,
    saved: Saved,
    status: AdapterStatus,
    blend: float | None,
) -> Adapter:
    adapter = Adapter(persona=persona, run_id=run_id, parent_id=parent_id, status=status, blend=blend, **vars(saved))
    session.add(adapter)
    session.flush()
    why = f"run {run_id}" if blend is None else f"run {run_id}, {blend:.0%} of the way"
    record.note(session, "adapters", adapter.id, actor="worker", why=why, before=None, after=status)
    return adapter


def of_run(session: Session, run_id: int) -> Adapter | None:
    """The adapter that a run stands for: the one that was not passed over, or else the one that its verdict is of, or
    the last that was trained."""
    passed_over = (Adapter.status == AdapterStatus.REJECTED).asc()
    judged = select(Run.decision["adapter"].as_integer()).where(Run.id == run_id).scalar_subquery()
    others = Adapter.id.is_distinct_from(judged).asc()
    return session.scalars(
        select(Adapter)
        .where(Adapter.run_id == run_id)
        .order_by(passed_over, others, Adapter.blend.is_not(None), Adapter.id.desc())
    ).first()


def live(session: Session, persona: str) -> Adapter | None:
    """The adapter that answers people; None while the base model does."""
    return session.scalars(
        select(Adapter).where(Adapter.persona == persona, Adapter.status == AdapterStatus.LIVE)
    ).first()


def by_name(session: Session, name: str) -> Adapter | None:
    """An adapter by its name."""
    return session.scalars(select(Adapter).where(Adapter.name == name)).first()


def listed(session: Session, persona: str, *, limit: int | None = None) -> list[Adapter]:
    """Every adapter, or so many, newest first."""
    newest_first = select(Adapter).where(Adapter.persona == persona).order_by(Adapter.version.desc(), Adapter.id.desc())
    return list(session.scalars(newest_first.limit(limit)))


def lineage(session: Session, adapter: Adapter | None) -> list[Adapter]:
    """An adapter and those it was warm-started from, newest first; two queries, however many they are."""
    if adapter is None or adapter.parent_id is None:
        return [adapter] if adapter else []
    pairs = session.execute(select(Adapter.id, Adapter.parent_id).where(Adapter.persona == adapter.persona))
    parents: dict[int, int | None] = {number: parent for number, parent in pairs}
    line = [adapter.parent_id]
    while (older := parents[line[-1]]) is not None:
        line.append(older)
    found = {one.id: one for one in session.scalars(select(Adapter).where(Adapter.id.in_(line)))}
    return [adapter, *(found[number] for number in line)]


def wanted(session: Session, persona: str) -> list[Adapter]:
    """The adapters that every replica should have loaded: live, canary, candidate of a run, and the one to roll
    back to."""
    rows = list(session.scalars(select(Adapter).where(Adapter.persona == persona, Adapter.status.in_(SERVING))))
    current = live(session, persona)
    previous = rollback_target(session, current) if current else None
    return rows + ([previous] if previous else [])


def to_serve(session: Session, persona: str) -> tuple[list[str], str | None]:
    """The names that every replica should have loaded, and the live one."""
    current = live(session, persona)
    return [adapter.name for adapter in wanted(session, persona)], current.name if current else None


def kept(session: Session, adapter: Adapter) -> bool:
    """Whether an adapter stays loaded where it is, though nobody's answers use it.

    While its run is probing, one that was passed over may be asked a second time; the worker unloads it itself.
    """
    if adapter.status in SERVING:
        return True
    run = session.get(Run, adapter.run_id) if adapter.run_id is not None else None
    return run is not None and run.status is RunStatus.PROBING


def promote(session: Session, adapter: Adapter, *, by: str, why: str) -> Adapter:
    """Make an adapter live and retire the one before it, in one transaction.

    The caller has made sure that every replica serves it (``serving.adapters.deploy``).

    Raises:
        IllegalMove: the adapter is live already, or was rejected.
    """
    hold_live(session, adapter.persona)
    current = live(session, adapter.persona)
    if current and current.id != adapter.id:
        record.move(session, current, AdapterStatus.RETIRED, actor=by, why=f"replaced by {adapter.name}: {why}")
    record.move(session, adapter, AdapterStatus.LIVE, actor=by, why=why)
    adapter.live_at = datetime.now(UTC)
    agree_cases(session, adapter.persona, adapter, was=current, by=by)
    return adapter


def reject(session: Session, adapter: Adapter, *, why: str) -> None:
    """The gate said no, or a later candidate of the run is to be had."""
    record.move(session, adapter, AdapterStatus.REJECTED, actor="worker", why=why)


def take_up(session: Session, adapter: Adapter, *, instead_of: Adapter, why: str) -> None:
    """A candidate that was passed over is the best of its run after all; the one that stood in its place goes."""
    reject(session, instead_of, why=f"{adapter.name} is better: {why}")
    session.flush()  # a run has one candidate at a time
    record.move(session, adapter, AdapterStatus.CANDIDATE, actor="worker", why=why)


def all_of_run(session: Session, run_id: int) -> list[Adapter]:
    """Every candidate that a run has had, in the order of training."""
    return list(session.scalars(select(Adapter).where(Adapter.run_id == run_id).order_by(Adapter.id)))


def rollback_target(session: Session, current: Adapter) -> Adapter | None:
    """The adapter that the live one was trained from, or None: the base model."""
    return session.get(Adapter, current.parent_id) if current.parent_id else None


def roll_back(session: Session, persona: str, *, by: str, why: str = "rolled back") -> tuple[Adapter, Adapter | None]:
    """Retire the live adapter and make its parent live again (None: the base model answers).

    Returns (retired, live now). What only the retired one had learned goes back to approved.

    Raises:
        NothingToRollBack: no adapter is live.
    """
    hold_live(session, persona)
    current = live(session, persona)
    if current is None:
        raise NothingToRollBack("No adapter is live; the base model is answering.")
    previous = rollback_target(session, current)
    record.move(session, current, AdapterStatus.RETIRED, actor=by, why=why)
    if previous:
        record.move(session, previous, AdapterStatus.LIVE, actor=by, why=f"{why}: {current.name}")
        previous.live_at = datetime.now(UTC)
    agree_cases(session, persona, previous, was=current, by=by)
    return current, previous


def hold_live(session: Session, persona: str) -> None:
    """Wait for whoever else is moving the persona's live mark; nobody moves it until this transaction ends.

    First of all in a transaction: what decides about the move is to be read under it, and everybody takes it before
    the run's row.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"mend-live-{persona}"))))


def agree_cases(session: Session, persona: str, now_live: Adapter | None, *, was: Adapter | None, by: str) -> None:
    """A case is mended exactly when the live adapter, or one it was trained from, has learned its words.

    ``was`` was live before: most cases were learned by what is in both lines, and are not read. Which one learned it
    last does not count: after a rollback and another training, an older adapter that is promoted still knows what it
    has learned. Cases that a run is training on are left to the run.
    """
    line = [adapter.id for adapter in lineage(session, now_live)]
    ours = select(Case).where(Case.persona == persona).order_by(Case.id)
    learned = exists().where(Lesson.case_id == Case.id, Lesson.adapter_id.in_(line))
    again = session.scalars(ours.where(Case.status.in_((CaseStatus.APPROVED, CaseStatus.UNMENDED)), learned)).all()
    new = set(line) - {adapter.id for adapter in lineage(session, was)}
    of_new = list(session.scalars(select(Lesson.case_id).where(Lesson.adapter_id.in_(new))))
    others = list(session.scalars(select(Adapter.id).where(Adapter.persona == persona, Adapter.id.not_in(line))))
    mended = ours.where(Case.status == CaseStatus.MENDED, Case.adapter_id.in_(others) | Case.id.in_(of_new))
    doubtful = session.scalars(mended).all()
    known = lessons.known_to(session, line, among=[case.id for case in (*again, *doubtful)])
    for case in again:
        record.move(session, case, CaseStatus.MENDED, actor=by, why="its adapter is live again")
        case.outcome = None
    for case in doubtful:
        if case.id not in known:
            record.move(session, case, CaseStatus.APPROVED, actor=by, why="its adapter is no longer live")
    for case in (*again, *doubtful):
        case.adapter_id = known.get(case.id, case.adapter_id)
