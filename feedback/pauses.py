"""Pausing training: while a persona is paused no run starts, neither by itself nor by an admin."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback import record
from feedback.models import Pause

RUNS_ON, PAUSED = "on", "paused"


def hold_runs(session: Session, persona: str) -> None:
    """Wait for whoever starts a run, pauses or resumes, and hold them off until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"mend-run-{persona}"))))


def current(session: Session, persona: str) -> Pause | None:
    """The pause that is on."""
    return session.scalars(select(Pause).where(Pause.persona == persona)).first()


def pause(session: Session, persona: str, *, by: str, why: str) -> tuple[Pause, bool]:
    """Pause training; with a pause that is on already, that one, and False."""
    hold_runs(session, persona)
    if known := current(session, persona):
        return known, False
    made = Pause(persona=persona, paused_by=by, why=why)
    session.add(made)
    session.flush()
    session.refresh(made)
    record.note(session, "pauses", made.id, actor=by, why=why or "pause", before=RUNS_ON, after=PAUSED)
    return made, True


def resume(session: Session, persona: str, *, by: str) -> bool:
    """End the pause; False when there is none."""
    hold_runs(session, persona)
    known = current(session, persona)
    if known is None:
        return False
    record.note(session, "pauses", known.id, actor=by, why="resume", before=PAUSED, after=RUNS_ON)
    session.delete(known)
    return True
