"""Votes: one person's thumb on one answer; the last one counts, and it can be taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback import answer_counts, record
from feedback.models import Answer, Vote, Withdrawal
from feedback.states import VoteValue


@dataclass(frozen=True)
class Person:
    """Somebody in Slack. ``team_id`` is their own team (or organisation), not the channel's."""

    team_id: str
    user_id: str

    def __str__(self) -> str:
        return f"{self.team_id}/{self.user_id}"

    @classmethod
    def parse(cls, actor: str) -> "Person | None":
        """The person behind an actor text; None for the worker or the command line."""
        team, slash, user = actor.partition("/")
        return cls(team, user) if slash else None


def cast(
    session: Session, answer_id: int, person: Person, value: VoteValue, at: float | None = None
) -> VoteValue | None:
    """Set a person's vote and return the one it replaces (None: there was none). ``at`` is when, by Slack's clock."""
    before = current(session, answer_id, person)
    key = {"answer_id": answer_id, "team_id": person.team_id, "user_id": person.user_id}
    values: dict[str, Any] = {"value": value} | ({"acted_at": at} if at else {})
    if before is not value:  # another thumb, and nothing of the one before is its
        values |= {"created_at": func.now(), "acted_at": at}
    of_answer = {"persona": Answer.persona, "asker": Answer.asker_team_id + "/" + Answer.asker_id}
    copied = {name: select(what).where(Answer.id == answer_id).scalar_subquery() for name, what in of_answer.items()}
    row = insert(Vote).values(**key, **values, **copied)
    with answer_counts.changing(session, [answer_id] if before is not value else []):
        session.execute(row.on_conflict_do_update(index_elements=list(key), set_=values))
    if before is not value:
        record.note(session, "answers", answer_id, actor=str(person), why="vote", before=before, after=value)
    return before


def stands_since() -> ColumnElement[datetime]:
    """In a query over votes: since when a thumb stands as it does.

    By Slack's clock, where that is known. The same thumb given again (by a reaction, after the button) is later there,
    so that of the record, which hears of everything a little later, is then the earlier one.
    """
    return func.least(func.to_timestamp(Vote.acted_at), Vote.created_at)


def withdraw(session: Session, answer_id: int, person: Person, value: VoteValue, at: float | None = None) -> bool:
    """Take a vote back if it still has this value; False when there is none to take back."""
    key = {"answer_id": answer_id, "team_id": person.team_id, "user_id": person.user_id}
    if at:
        row = insert(Withdrawal).values(**key, value=value, acted_at=at)
        newest = {"acted_at": func.greatest(Withdrawal.acted_at, at)}
        session.execute(row.on_conflict_do_update(index_elements=[*key, "value"], set_=newest))
    with answer_counts.changing(session, [answer_id]):
        gone = session.execute(delete(Vote).filter_by(**key, value=value).returning(Vote.id)).first()
    if gone:
        record.note(session, "answers", answer_id, actor=str(person), why="vote withdrawn", before=value, after=None)
    return gone is not None


def is_overtaken(session: Session, answer_id: int, person: Person, value: VoteValue, at: float | None) -> bool:
    """Whether what somebody did ``at`` a time was undone by what they did after it, which was heard of before.

    Clicks and reactions come in by several ways at once. What is heard of one answer waits here in line.
    """
    session.get_one(Answer, answer_id, with_for_update={"key_share": True})
    if not at:
        return False
    key = {"answer_id": answer_id, "team_id": person.team_id, "user_id": person.user_id}
    voted = select(Vote.id).filter_by(**key).where(Vote.acted_at > at)
    withdrew = select(Withdrawal.answer_id).filter_by(**key, value=value).where(Withdrawal.acted_at > at)
    return session.execute(select(voted.exists() | withdrew.exists())).scalar_one()


def withdraw_all(session: Session, persona: str, person: Person, *, by: str) -> list[int]:
    """Take every vote of a person back; the answers they were on."""
    theirs = (Vote.team_id == person.team_id, Vote.user_id == person.user_id)
    voted = select(Vote.answer_id).join(Answer, Answer.id == Vote.answer_id).where(*theirs, Answer.persona == persona)
    ids = list(session.scalars(voted))
    with answer_counts.changing(session, ids):
        votes = delete(Vote).where(*theirs, Vote.answer_id.in_(ids)).returning(Vote.answer_id, Vote.value)
        gone = session.execute(votes).all()
    for answer_id, value in gone:
        why = f"contributions of {person} undone"
        record.note(session, "answers", answer_id, actor=by, why=why, before=value, after=None)
    return sorted(answer_id for answer_id, _ in gone)


def current(session: Session, answer_id: int, person: Person) -> VoteValue | None:
    """A person's vote on an answer."""
    return session.scalars(
        select(Vote.value).where(
            Vote.answer_id == answer_id, Vote.team_id == person.team_id, Vote.user_id == person.user_id
        )
    ).first()


def count(session: Session, answer_id: int, value: VoteValue) -> int:
    """How many people have this vote on an answer."""
    query = select(func.count()).select_from(Vote).where(Vote.answer_id == answer_id, Vote.value == value)
    return session.execute(query).scalar_one()


@dataclass(frozen=True)
class Thumbs:
    """How a version's answers were taken. ``version`` None: the base model. ``down``: answers with a thumbs-down."""

    version: int | None
    answers: int
    down: int


def by_version(session: Session, persona: str) -> list[Thumbs]:
    """Every version that has answered somebody, oldest first; the base model before all.

    Answers with a correction in their prompt are left out: they were not the version's own.
    """
    counted = answer_counts.by_version(session, persona)
    return [Thumbs(version, int(answers), int(down)) for version, answers, down in counted]
