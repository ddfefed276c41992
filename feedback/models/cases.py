"""Cases, the wordings of their questions, and what knows them."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.base import Base, Row, enum_of, quoted
from feedback.states import CLOSED_CASES, CaseStatus

if TYPE_CHECKING:
    from feedback.models.adapters import Adapter
    from feedback.models.answers import Answer


class Case(Row, Base):
    """An answer to mend, with the text it should have had."""

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "uq_cases_open_answer",
            "answer_id",
            unique=True,
            postgresql_where=sql(f"status NOT IN ({quoted(CLOSED_CASES)})"),
        ),
        Index("ix_cases_status", "persona", "status", "id"),
        Index("ix_cases_unannounced", "id", postgresql_where=sql("announce")),
        Index("ix_cases_answer", "answer_id"),
        Index("ix_cases_taken_back", "persona", "id", postgresql_where=sql("taught AND status = 'withdrawn'")),
        Index("ix_cases_flagged_by", "persona", "flagged_by", "id"),
        Index("ix_cases_corrected_by", "persona", "corrected_by", "id"),
        Index("ix_cases_halfway", "persona", "status", postgresql_where=sql("first_approved_by IS NOT NULL")),
    )
    persona: Mapped[str]
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("answers.id"))  # null: imported from a file
    status: Mapped[CaseStatus] = mapped_column(enum_of(CaseStatus, "case_status"))
    question: Mapped[str]
    bad_answer: Mapped[str | None]
    correction: Mapped[str | None]
    wordings: Mapped[list[str] | None]  # other ways to ask, as whoever corrected it has written them
    reason: Mapped[str | None]
    flagged_by: Mapped[str]
    corrected_by: Mapped[str | None]
    first_approved_by: Mapped[str | None]  # waits for a second admin, where two have to approve
    decided_by: Mapped[str | None]
    outcome: Mapped[str | None]  # why it is rejected or unmended, in words for people
    adapter_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"), index=True)  # newest that learned it
    taught: Mapped[bool] = mapped_column(server_default=sql("false"))  # a run has had it, whatever came of that
    announce: Mapped[bool] = mapped_column(server_default=sql("false"))  # the thread has not been told yet
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    answer: Mapped["Answer | None"] = relationship()
    adapter: Mapped["Adapter | None"] = relationship()


class Variant(Row, Base):
    """A paraphrase of a case's question: trained on, held out for its probes, or turned down with a reason."""

    __tablename__ = "variants"
    __table_args__ = (UniqueConstraint("case_id", "text"),)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    text: Mapped[str]
    generator: Mapped[str]  # model, rewording or person
    held_out: Mapped[bool]
    rejected_because: Mapped[str | None]


class Lesson(Base):
    """A case that an adapter has learned, in the words that the case has now. Several adapters can know one case."""

    __tablename__ = "lessons"
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    adapter_id: Mapped[int] = mapped_column(ForeignKey("adapters.id"), primary_key=True, index=True)


class Patch(Base):
    """A correction that was in the prompt of an answer, because the adapter that answered had not learned it yet."""

    __tablename__ = "patches"
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)
