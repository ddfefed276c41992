"""Every table of the record. Times are UTC; durations are in milliseconds; Slack ids are kept as Slack writes them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Enum, ForeignKey, Identity, Index, MetaData, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from feedback.states import (
    ACTIVE_RUNS,
    CLOSED_CASES,
    AdapterStatus,
    AnswerStatus,
    Arm,
    CaseStatus,
    RunStatus,
    VoteValue,
)

Json = dict[str, Any]


class Base(DeclarativeBase):
    """Declarative base; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own interface)
        datetime: TIMESTAMP(timezone=True),
        Json: JSONB(none_as_null=True),  # None is "not known", not the JSON text null
        list[Json]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        int: BigInteger,
    }


def _enum(kind: type[StrEnum], name: str) -> Enum:
    return Enum(kind, name=name, values_callable=lambda members: [member.value for member in members])


def _quoted(statuses: frozenset[Any]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))


class _Row:
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Delivery(Base):
    """A Slack event id that was taken in; Slack sends the same one again when it is unsure."""

    __tablename__ = "deliveries"
    event_id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Answer(_Row, Base):
    """A question asked of the bot and what it posted, with all that is needed to reproduce it."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("team_id", "channel_id", "question_ts"),
        Index("ix_answers_thread", "team_id", "channel_id", "thread_ts", "question_ts"),
        Index("ix_answers_pending", "id", postgresql_where=sql("status = 'pending'")),
    )
    persona: Mapped[str]
    team_id: Mapped[str]
    channel_id: Mapped[str]
    thread_ts: Mapped[str]
    question_ts: Mapped[str]
    asker_id: Mapped[str]
    asker_team_id: Mapped[str]
    shared: Mapped[bool] = mapped_column(server_default=sql("false"))  # people of other organisations read along
    question: Mapped[str]
    status: Mapped[AnswerStatus] = mapped_column(_enum(AnswerStatus, "answer_status"))
    messages: Mapped[list[Json] | None]  # the exact messages sent to the model
    text: Mapped[str | None]
    adapter_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"), index=True)  # null: base model
    served_name: Mapped[str | None]  # the model name sent to vLLM
    base_model: Mapped[str | None]
    sampling: Mapped[Json | None]
    first_token_ms: Mapped[float | None]
    total_ms: Mapped[float | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    error: Mapped[str | None]
    apologised: Mapped[bool] = mapped_column(server_default=sql("false"))
    lease_until: Mapped[datetime | None]  # a bot process is at work on it until then
    finished_at: Mapped[datetime | None]

    adapter: Mapped["Adapter | None"] = relationship()


class AnswerMessage(Base):
    """One Slack message of an answer; a long answer has several."""

    __tablename__ = "answer_messages"
    team_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), index=True)


class FollowUp(_Row, Base):
    """Whether the bot answers in a thread, or in a channel's threads, without being named again."""

    __tablename__ = "follow_ups"
    __table_args__ = (UniqueConstraint("team_id", "channel_id", "thread_ts"),)
    team_id: Mapped[str]
    channel_id: Mapped[str]
    thread_ts: Mapped[str]  # empty: the whole channel
    wanted: Mapped[bool]


class Vote(_Row, Base):
    """One person's thumb on one answer; the last one counts."""

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("answer_id", "team_id", "user_id"),
        Index("ix_votes_down", "created_at", postgresql_where=sql("value = 'down'")),
    )
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))
    team_id: Mapped[str]
    user_id: Mapped[str]
    value: Mapped[VoteValue] = mapped_column(_enum(VoteValue, "vote_value"))
    acted_at: Mapped[float | None]  # by Slack's clock, in seconds; null: not known


class Withdrawal(Base):
    """When somebody last took such a thumb back: one that was given before, and is heard of later, does not count."""

    __tablename__ = "withdrawals"
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    team_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[VoteValue] = mapped_column(_enum(VoteValue, "vote_value"), primary_key=True)
    acted_at: Mapped[float]  # by Slack's clock, in seconds


class Case(_Row, Base):
    """An answer to mend, with the text it should have had."""

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "uq_cases_open_answer",
            "answer_id",
            unique=True,
            postgresql_where=sql(f"status NOT IN ({_quoted(CLOSED_CASES)})"),
        ),
        Index("ix_cases_status", "persona", "status", "id"),
        Index("ix_cases_unannounced", "id", postgresql_where=sql("announce")),
    )
    persona: Mapped[str]
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("answers.id"))  # null: imported from a file
    status: Mapped[CaseStatus] = mapped_column(_enum(CaseStatus, "case_status"))
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
    announce: Mapped[bool] = mapped_column(server_default=sql("false"))  # the thread has not been told yet
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    answer: Mapped[Answer | None] = relationship()
    adapter: Mapped["Adapter | None"] = relationship()


class Run(_Row, Base):
    """One trip from approved cases to a decision."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "uq_runs_one_active",
            "persona",
            unique=True,
            postgresql_where=sql(f"status IN ({_quoted(ACTIVE_RUNS)})"),
        ),
        Index("ix_runs_persona", "persona", "id"),
    )
    persona: Mapped[str]
    status: Mapped[RunStatus] = mapped_column(_enum(RunStatus, "run_status"))
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


class Pause(_Row, Base):
    """While there is one, no run of the persona starts."""

    __tablename__ = "pauses"
    persona: Mapped[str] = mapped_column(unique=True)
    paused_by: Mapped[str]
    why: Mapped[str]


class Variant(_Row, Base):
    """A paraphrase of a case's question: trained on, held out for its probes, or turned down with a reason."""

    __tablename__ = "variants"
    __table_args__ = (UniqueConstraint("case_id", "text"),)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    text: Mapped[str]
    generator: Mapped[str]  # model, rewording or person
    held_out: Mapped[bool]
    rejected_because: Mapped[str | None]


class Dataset(_Row, Base):
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


class OwnAnswer(_Row, Base):
    """What a base model says to a general prompt by itself; mixed in, it holds the model to what it was."""

    __tablename__ = "own_answers"
    __table_args__ = (UniqueConstraint("base_fingerprint", "asked"),)
    base_fingerprint: Mapped[str]
    asked: Mapped[str]  # hash of all that the answer depends on beside the base model
    prompt: Mapped[str]
    answer: Mapped[str]
    rejected_because: Mapped[str | None]  # null: it is trained on
    sha256: Mapped[str]  # of prompt and answer


class Adapter(_Row, Base):
    """One saved LoRA, under a name that is never reused."""

    __tablename__ = "adapters"
    __table_args__ = (
        Index("uq_adapters_one_live", "persona", unique=True, postgresql_where=sql("status = 'live'")),
        Index("uq_adapters_one_candidate", "run_id", unique=True, postgresql_where=sql("status = 'candidate'")),
    )
    persona: Mapped[str]
    version: Mapped[int]  # the same for all candidates of a run
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[AdapterStatus] = mapped_column(_enum(AdapterStatus, "adapter_status"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"))
    base_model: Mapped[str]
    base_fingerprint: Mapped[str]
    sha256: Mapped[str]  # of adapter_model.safetensors
    config_sha256: Mapped[str | None]  # of adapter_config.json; null: recorded before it was kept
    rank: Mapped[int]
    live_at: Mapped[datetime | None]  # when it last went live

    parent: Mapped["Adapter | None"] = relationship(remote_side="Adapter.id")


class Report(_Row, Base):
    """All probes of one adapter, or of the base model, in one run."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_adapter", "adapter_id", "id"),)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    adapter_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"))  # null: base model
    results: Mapped[list[Json]]  # see feedback.reports.Result
    seconds: Mapped[float]


class Experiment(_Row, Base):
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
    arm: Mapped[Arm] = mapped_column(_enum(Arm, "arm"))
    opener: Mapped[str]  # who began the thread, as TEAM/USER: the arm is theirs


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


class Event(_Row, Base):
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
