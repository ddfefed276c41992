"""Drawings that Slack has: found again by what they show, and which of them a run's message carries."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import String, cast, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.models import Picture, Run
from feedback.states import ACTIVE_RUNS

WORTH_DRAWING = timedelta(days=1)  # after a run's end


def find(session: Session, digest: str) -> str | None:
    """The Slack file that shows this already."""
    picture = session.get(Picture, digest)
    return picture.file_id if picture else None


def keep(session: Session, digest: str, file_id: str) -> None:
    """Remember a file. Of two processes that have drawn the same, the later one's counts."""
    row = insert(Picture).values(digest=digest, file_id=file_id)
    session.execute(row.on_conflict_do_update(index_elements=["digest"], set_={"file_id": file_id}))


def forget(session: Session, file_id: str) -> None:
    """Slack does not have the file any more, or will not show it."""
    session.execute(delete(Picture).where(Picture.file_id == file_id))


def runs_without(session: Session, persona: str) -> list[int]:
    """Runs that are over, and shown to be so, whose message lacks its pictures."""
    shown = Run.announced["status"].astext == cast(Run.status, String)
    query = (
        select(Run.id)
        .where(Run.persona == persona, Run.pictures.is_(None), Run.message_ts.is_not(None))
        .where(Run.status.not_in(ACTIVE_RUNS), shown, Run.finished_at > datetime.now(UTC) - WORTH_DRAWING)
    )
    return list(session.scalars(query.order_by(Run.id)))


def set_of_run(session: Session, run_id: int, files: dict[str, str]) -> None:
    """The files that a run's message carries, by kind; a kind that is missing is shown as text."""
    session.get_one(Run, run_id).pictures = files
