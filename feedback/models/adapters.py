"""Adapters, what their probes said, and the experiments that try one beside another."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.base import Base, Json, Row, enum_of
from feedback.states import AdapterStatus, Arm

if TYPE_CHECKING:
    from feedback.models.runs import Run


class Adapter(Row, Base):
    """One saved LoRA, under a name that is never reused."""

    __tablename__ = "adapters"
    __table_args__ = (
        Index("uq_adapters_one_live", "persona", unique=True, postgresql_where=sql("status = 'live'")),
        Index("uq_adapters_one_candidate", "run_id", unique=True, postgresql_where=sql("status = 'candidate'")),
    )
    persona: Mapped[str]
    version: Mapped[int]  # the same for all candidates of a run
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[AdapterStatus] = mapped_column(enum_of(AdapterStatus, "adapter_status"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"))
    base_model: Mapped[str]
    base_fingerprint: Mapped[str]
    sha256: Mapped[str]  # of adapter_model.safetensors
    config_sha256: Mapped[str | None]  # of adapter_config.json; null: recorded before it was kept
    rank: Mapped[int]
    blend: Mapped[float | None]  # its share of the way from the parent to what was trained; null: as it was trained
    live_at: Mapped[datetime | None]  # when it last went live

    parent: Mapped["Adapter | None"] = relationship(remote_side="Adapter.id")


class Report(Row, Base):
    """All probes of one adapter, or of the base model, in one run."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_adapter", "adapter_id", "id"),)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    adapter_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"))  # null: base model
    results: Mapped[list[Json]]  # see feedback.reports.Result
    seconds: Mapped[float]


class Experiment(Row, Base):
    """A canary beside the live adapter: each answers its share of people until their votes have decided."""

    __tablename__ = "experiments"
    __table_args__ = (
        Index("uq_experiments_one_running", "persona", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_experiments_untold", "id", postgresql_where=sql("told IS DISTINCT FROM 'ended'")),
    )
    persona: Mapped[str]
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), unique=True)
    adapter_id: Mapped[int] = mapped_column(ForeignKey("adapters.id"))  # the canary; its name decides who is in its arm
    live_id: Mapped[int] = mapped_column(ForeignKey("adapters.id"))
    rules: Mapped[Json]  # see feedback.experiments.Rules
    evidence: Mapped[Json | None]  # see feedback.experiments.Evidence; null: nobody has looked yet
    tallies: Mapped[Json | None]  # feedback.arms.Tally by arm, at the last look
    outcome: Mapped[str | None]  # why it ended as it did, in words for people
    told: Mapped[str | None]  # the last that the channel of record was told: started, overdue or ended
    ended_at: Mapped[datetime | None]

    adapter: Mapped["Adapter"] = relationship(foreign_keys=[adapter_id])
    live: Mapped["Adapter"] = relationship(foreign_keys=[live_id])
    run: Mapped["Run"] = relationship()


class Assignment(Base):
    """The arm in which an answer was given. Answers in threads that are older than the experiment have none."""

    __tablename__ = "assignments"
    __table_args__ = (Index("ix_assignments_experiment", "experiment_id", "answer_id"),)
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiments.id"))
    arm: Mapped[Arm] = mapped_column(enum_of(Arm, "arm"))
    opener: Mapped[str]  # who began the thread, as TEAM/USER: the arm is theirs
