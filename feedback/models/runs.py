"""Runs and the rows that they train on."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.base import Base, Json, Row, enum_of, quoted
from feedback.states import ACTIVE_RUNS, RunStatus

if TYPE_CHECKING:
    from feedback.models.adapters import Adapter


class Run(Row, Base):
    """One trip from approved cases to a decision."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "uq_runs_one_active",
            "persona",
            unique=True,
            postgresql_where=sql(f"status IN ({quoted(ACTIVE_RUNS)})"),
        ),
        Index("ix_runs_persona", "persona", "id"),
    )
    persona: Mapped[str]
    status: Mapped[RunStatus] = mapped_column(enum_of(RunStatus, "run_status"))
    requested_by: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey("adapters.id", use_alter=True)
    )  # warm start; null: from the base model
    replaces_id: Mapped[int | None] = mapped_column(
        ForeignKey("adapters.id", use_alter=True)
    )  # what was live when it started: the parent, unless something in that was taken back; null: the base model
    base_model: Mapped[str]
    config: Mapped[Json]  # the copy of the training configuration that this run uses
    seed: Mapped[int]
    progress: Mapped[Json]  # see feedback.runs.Progress
    decision: Mapped[Json | None]  # see feedback.runs.Decision
    error: Mapped[str | None]
    cancel_requested_by: Mapped[str | None]
    channel_id: Mapped[str | None]  # where the progress message is; without a message_ts: where it is wanted
    message_ts: Mapped[str | None]
    announced: Mapped[Json | None]  # what the progress message shows now
    pictures: Mapped[Json | None]  # Slack file ids by kind, for the message at its end; null: not drawn yet
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    finished_at: Mapped[datetime | None]

    parent: Mapped["Adapter | None"] = relationship(foreign_keys=[parent_id])
    replaces: Mapped["Adapter | None"] = relationship(foreign_keys=[replaces_id])


class RunCase(Base):
    """A case that a run trains on as new."""

    __tablename__ = "run_cases"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)


class Pause(Row, Base):
    """While there is one, no run of the persona starts."""

    __tablename__ = "pauses"
    persona: Mapped[str] = mapped_column(unique=True)
    paused_by: Mapped[str]
    why: Mapped[str]


class Dataset(Row, Base):
    """The rows of one run, frozen."""

    __tablename__ = "datasets"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), unique=True)
    sha256: Mapped[str]
    manifest: Mapped[Json]

    rows: Mapped[list["DatasetRow"]] = relationship(order_by="DatasetRow.position")


class DatasetRow(Base):
    """One training example and where it comes from."""

    __tablename__ = "dataset_rows"
    __table_args__ = (Index("ix_dataset_rows_case_id_dataset_id", "case_id", "dataset_id"),)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]  # case, earlier, identity, general or own_answer
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    messages: Mapped[list[Json]]


class OwnAnswer(Row, Base):
    """What a base model says to a general prompt by itself; mixed in, it holds the model to what it was."""

    __tablename__ = "own_answers"
    __table_args__ = (UniqueConstraint("base_fingerprint", "asked"),)
    base_fingerprint: Mapped[str]
    asked: Mapped[str]  # hash of all that the answer depends on beside the base model
    prompt: Mapped[str]
    answer: Mapped[str]
    rejected_because: Mapped[str | None]  # null: it is trained on
    sha256: Mapped[str]  # of prompt and answer
