"""When the model server sleeps because a training has its GPU, and until when: in the audit trail, as a run's events.

It is written before the server is put to sleep and crossed out when it answers again. So whoever finds a nap with no
worker at work on its run knows that somebody has to wake the server.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Integer, cast, func, select, text
from sqlalchemy.orm import Session

from feedback import record
from feedback.models import Event, Run
from feedback.states import RunStatus

SUBJECT = "naps"  # of events; their subject's id is the run's
ASLEEP, AWAKE = "asleep", "awake"
LOOKED_AT = 5  # earlier runs


@dataclass(frozen=True)
class Nap:
    """The server sleeps for a run. ``ends`` is an estimate; None: nothing is known to judge by."""

    run_id: int
    since: datetime
    ends: datetime | None
    training: bool
    """Its training goes on, as far as is known; else it is over and the server was not woken."""


def training_lock(persona: str) -> str:
    """The name of the lock in PostgreSQL that a worker holds while it is at work on a run (trainer.lock)."""
    return f"mend-train-{persona}"


def begin(session: Session, run_id: int, why: str) -> None:
    """The server is about to be put to sleep; again changes nothing."""
    if _of_run(session, run_id) != ASLEEP:
        record.note(session, SUBJECT, run_id, actor="worker", why=why, before=AWAKE, after=ASLEEP)


def end(session: Session, run_id: int, why: str, *, by: str = "worker") -> None:
    """The server answers again; again changes nothing."""
    if _of_run(session, run_id) == ASLEEP:
        record.note(session, SUBJECT, run_id, actor=by, why=why, before=ASLEEP, after=AWAKE)


def had(session: Session, run_id: int) -> bool:
    """Whether the server has ever slept for a run."""
    return _of_run(session, run_id) is not None


def current(session: Session, persona: str) -> Nap | None:
    """The nap that goes on."""
    last = _last(session, persona)
    if last is None or last.after != ASLEEP:
        return None
    run = session.get_one(Run, last.subject_id)
    return Nap(run.id, last.created_at, _ends(session, run, last.created_at), run.status is RunStatus.TRAINING)


def woken_at(session: Session, persona: str) -> datetime | None:
    """When the last nap ended, or, where nobody has woken the server yet, its run; None while that goes on, or where
    there was none."""
    last = _last(session, persona)
    if last is not None and last.after == ASLEEP:
        return session.get_one(Run, last.subject_id).finished_at
    return last.created_at if last else None


def attended(session: Session, persona: str) -> bool:
    """Whether a living worker is at work on the persona's run."""
    key = session.execute(select(cast(func.hashtext(training_lock(persona)), Integer))).scalar_one()
    held = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid = CAST(:high AS bigint)::oid AND objid = CAST(:low AS bigint)::oid)"
    )
    # PostgreSQL shows the two halves of the lock's 64 bits, into which hashtext's 32 were widened with their sign.
    halves = {"high": (key >> 32) & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}
    return bool(session.execute(held, halves).scalar_one())


def _of_run(session: Session, run_id: int) -> str | None:
    query = select(Event.after).where(Event.subject == SUBJECT, Event.subject_id == run_id)
    return session.scalars(query.order_by(Event.id.desc()).limit(1)).first()


def _last(session: Session, persona: str) -> Event | None:
    query = select(Event).join(Run, Run.id == Event.subject_id)
    mine = query.where(Event.subject == SUBJECT, Run.persona == persona)
    return session.scalars(mine.order_by(Event.subject_id.desc(), Event.id.desc()).limit(1)).first()


def _ends(session: Session, run: Run, began: datetime) -> datetime | None:
    """When the training will be over: by its own count of steps, before the first one by earlier trainings."""
    left = run.progress.get("eta_seconds")
    if run.status is RunStatus.TRAINING and left is not None:
        return run.updated_at + timedelta(seconds=float(left))
    before = select(Run.progress["seconds"]["training"].as_float()).where(
        Run.persona == run.persona, Run.base_model == run.base_model, Run.id < run.id
    )
    known = [spent for spent in session.scalars(before.order_by(Run.id.desc()).limit(LOOKED_AT)) if spent]
    return began + timedelta(seconds=median(known)) if known else None
