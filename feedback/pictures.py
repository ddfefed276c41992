"""Drawings that Slack has: found again by what they show, and which of them a run's message carries."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.models import Picture, Run
from feedback.states import ACTIVE_RUNS

WORTH_DRAWING = timedelta(days=1)  # after a run's end


@dataclass(frozen=True)
class Drawn:
    """A new file. One with a ``subject`` takes the place of the one that the subject had."""

    file_id: str
    digest: str
    subject: str | None = None
    shows: dict[str, Any] | None = None


def find(session: Session, digest: str) -> str | None:
    """The Slack file that shows this already."""
    return session.scalar(select(Picture.file_id).where(Picture.digest == digest, Picture.replaced_at.is_(None)))


def newest(session: Session, subject: str) -> Picture | None:
    """The picture that a subject has."""
    query = select(Picture).where(Picture.subject == subject, Picture.replaced_at.is_(None))
    return session.scalars(query.order_by(Picture.created_at.desc()).limit(1)).first()


def keep(session: Session, drawn: Drawn) -> str:
    """Remember a file, and that it replaces its subject's others; the file to show.

    Of two processes that have drawn the same, the first one's counts; the other's is to be deleted like one replaced.
    """
    new = insert(Picture).values(**asdict(drawn))
    session.execute(new.on_conflict_do_nothing())
    if find(session, drawn.digest) != drawn.file_id:
        late = new.values(replaced_at=func.now())
        session.execute(late.on_conflict_do_nothing())
    elif drawn.subject:
        others = update(Picture).where(Picture.subject == drawn.subject, Picture.file_id != drawn.file_id)
        session.execute(others.where(Picture.replaced_at.is_(None)).values(replaced_at=func.now()))
    return find(session, drawn.digest) or drawn.file_id


def replaced(session: Session) -> list[str]:
    """Files that nobody is shown any more and that Slack still has."""
    query = select(Picture.file_id).where(Picture.replaced_at.is_not(None))
    return list(session.scalars(query.order_by(Picture.replaced_at)))


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
