"""The audit trail."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from feedback.models.base import Base, Row


class Event(Row, Base):
    """Who changed what, when and why. Rows are added, never changed: a trigger refuses it."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_subject", "subject", "subject_id", "id"),
        Index("ix_events_actor", "actor", "created_at"),
    )
    subject: Mapped[str]  # the table's name
    subject_id: Mapped[int]
    before: Mapped[str | None]
    after: Mapped[str | None]
    actor: Mapped[str]  # a Slack id as TEAM/USER, worker, or cli:LOGIN
    why: Mapped[str]
