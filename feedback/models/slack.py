"""What is remembered of Slack itself: deliveries, switches of threads, files."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from feedback.models.base import Base, Json, Row


class Delivery(Base):
    """A Slack event id that was taken in; Slack sends the same one again when it is unsure."""

    __tablename__ = "deliveries"
    event_id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class FollowUp(Row, Base):
    """Whether the bot answers in a thread, or in a channel's threads, without being named again."""

    __tablename__ = "follow_ups"
    __table_args__ = (UniqueConstraint("team_id", "channel_id", "thread_ts"),)
    team_id: Mapped[str]
    channel_id: Mapped[str]
    thread_ts: Mapped[str]  # empty: the whole channel
    wanted: Mapped[bool]


class Picture(Base):
    """A drawing that Slack has as a file: the same data is not drawn and uploaded twice."""

    __tablename__ = "pictures"
    file_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]  # of what is drawn
    subject: Mapped[str | None]  # pictures of one subject follow each other; None: it stays
    shows: Mapped[Json | None]  # what is drawn, to tell people what they see while a later state is not drawn yet
    replaced_at: Mapped[datetime | None]  # another one is shown instead; the row goes when Slack has deleted the file
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (
        Index("uq_pictures_shown_digest", "digest", unique=True, postgresql_where=sql("replaced_at IS NULL")),
    )
