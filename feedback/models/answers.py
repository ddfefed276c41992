"""Answers, the Slack messages that carry them, and the thumbs under them."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.base import Base, Json, Row, enum_of
from feedback.states import AnswerStatus, VoteValue

if TYPE_CHECKING:
    from feedback.models.adapters import Adapter


class Answer(Row, Base):
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
    status: Mapped[AnswerStatus] = mapped_column(enum_of(AnswerStatus, "answer_status"))
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


class AnswerCount(Row, Base):
    """A part of how many answers an adapter has given, and of how many were thumbed down: its rows add up."""

    __tablename__ = "answer_counts"
    persona: Mapped[str] = mapped_column(index=True)
    adapter_id: Mapped[int | None] = mapped_column(ForeignKey("adapters.id"))  # null: base model
    answers: Mapped[int]
    down: Mapped[int]


class Vote(Row, Base):
    """One person's thumb on one answer; the last one counts."""

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("answer_id", "team_id", "user_id"),
        Index("ix_votes_person", "team_id", "user_id", "answer_id"),
        Index("ix_votes_down", "created_at", postgresql_where=sql("value = 'down'")),
    )
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))
    team_id: Mapped[str]
    user_id: Mapped[str]
    value: Mapped[VoteValue] = mapped_column(enum_of(VoteValue, "vote_value"))
    acted_at: Mapped[float | None]  # by Slack's clock, in seconds; null: not known
    # Of the answer, so that the pace of thumbs is read without it: its persona, and who has asked, as TEAM/USER.
    persona: Mapped[str]
    asker: Mapped[str]


class Withdrawal(Base):
    """When somebody last took such a thumb back: one that was given before, and is heard of later, does not count."""

    __tablename__ = "withdrawals"
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    team_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[VoteValue] = mapped_column(enum_of(VoteValue, "vote_value"), primary_key=True)
    acted_at: Mapped[float]  # by Slack's clock, in seconds
