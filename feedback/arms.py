"""What people made of the answers of each arm, read through the experiment's assignments and never from all answers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import distinct, exists, extract, func, select
from sqlalchemy.orm import Session

from feedback.models import Answer, Assignment, Case, Vote
from feedback.states import CLOSED_CASES, AnswerStatus, Arm, VoteValue

SOON = 600.0  # seconds in which somebody's next question in the same channel counts as a follow-up
PACE_DAYS = 28


@dataclass(frozen=True)
class Member:
    """Somebody who has begun a thread since the experiment did: their arm, and when they first asked."""

    person: str
    arm: Arm
    since: datetime


@dataclass(frozen=True)
class ThumbsDown:
    """A thumbs-down on an answer: whose thread it is in, and who gave it when."""

    opener: str
    voter: str
    at: datetime


@dataclass(frozen=True)
class Draw:
    """The arm of somebody who dislikes something for the first time, and how many of each arm had not until then.

    Who dislikes something is not counted again, so the arm that is disliked more runs out of people sooner. Without the
    people who are left, it would look the better one in the end.
    """

    arm: Arm
    canary: int
    live: int


@dataclass(frozen=True)
class Tally:
    """One arm in numbers. ``seconds_to_next`` is the median time to the asker's next question in the channel."""

    people: int = 0
    answers: int = 0
    up: int = 0  # answers with a thumbs-up
    down: int = 0  # answers with a thumbs-down
    corrections: int = 0  # answers that somebody has corrected
    follow_ups: int = 0  # answers after which the asker soon asked again
    seconds_to_next: float | None = None


def each_once(given: Iterable[ThumbsDown]) -> list[ThumbsDown]:
    """The thumbs-down that count: the first in anybody's threads, and the first that anybody gives. Pure.

    Arms are drawn for people, so people are what can be counted: one who dislikes everything, or asks all day, says no
    more than another. What is left is one draw of the arm for each, whatever people are like.
    """
    openers: set[str] = set()
    voters: set[str] = set()
    counted: list[ThumbsDown] = []
    for one in given:
        if one.opener not in openers and one.voter not in voters:
            counted.append(one)
            openers.add(one.opener)
            voters.add(one.voter)
    return counted


def draws(members: Iterable[Member], given: Iterable[ThumbsDown]) -> list[Draw]:
    """What the thumbs-down say about the arms, oldest first. Pure."""
    arm_of = {one.person: one for one in members}
    arrived = sorted(arm_of.values(), key=lambda one: one.since)
    left, here, drawn = Counter[Arm](), 0, []
    for one in each_once(given):
        while here < len(arrived) and arrived[here].since <= one.at:
            left[arrived[here].arm] += 1
            here += 1
        if one.opener in arm_of:
            arm = arm_of[one.opener].arm
            drawn.append(Draw(arm, left[Arm.CANARY], left[Arm.LIVE]))
            left[arm] -= 1
    return drawn


def read_draws(session: Session, experiment_id: int) -> list[Draw]:
    """The draws of an experiment as its votes stand now."""
    return draws(members(session, experiment_id), thumbs_down(session, experiment_id))


def members(session: Session, experiment_id: int) -> list[Member]:
    """Everybody who has asked something in an experiment."""
    query = (
        select(Assignment.opener, Assignment.arm, func.min(Answer.created_at))
        .join(Answer, Answer.id == Assignment.answer_id)
        .where(Assignment.experiment_id == experiment_id)
        .group_by(Assignment.opener, Assignment.arm)
    )
    return [Member(person, arm, since) for person, arm, since in session.execute(query)]


def thumbs_down(session: Session, experiment_id: int) -> list[ThumbsDown]:
    """Every thumbs-down of an experiment that still stands, in the order in which they were given."""
    query = (
        select(Assignment.opener, Vote.team_id, Vote.user_id, Vote.created_at)
        .join(Vote, Vote.answer_id == Assignment.answer_id)
        .where(Assignment.experiment_id == experiment_id, Vote.value == VoteValue.DOWN)
        .order_by(Vote.id)
    )
    return [ThumbsDown(opener, f"{team}/{user}", at) for opener, team, user, at in session.execute(query)]


def tallies(session: Session, experiment_id: int) -> Mapping[Arm, Tally]:
    """Both arms in numbers."""
    voted = exists().where(Vote.answer_id == Answer.id)
    corrected = exists().where(
        Case.answer_id == Answer.id, Case.status.not_in(CLOSED_CASES), Case.correction.is_not(None)
    )
    following = func.lead(Answer.created_at).over(
        partition_by=(Answer.asker_team_id, Answer.asker_id, Answer.channel_id), order_by=Answer.created_at
    )
    each = (
        select(
            Assignment.arm,
            Assignment.opener,
            voted.where(Vote.value == VoteValue.UP).label("up"),
            voted.where(Vote.value == VoteValue.DOWN).label("down"),
            corrected.label("corrected"),
            extract("epoch", following - Answer.created_at).label("seconds"),
        )
        .join(Answer, Answer.id == Assignment.answer_id)
        .where(Assignment.experiment_id == experiment_id)
        .where(Answer.status.in_([AnswerStatus.ANSWERED, AnswerStatus.STOPPED]))
        .subquery()
    )
    query = select(
        each.c.arm,
        func.count(distinct(each.c.opener)),
        func.count(),
        func.count().filter(each.c.up),
        func.count().filter(each.c.down),
        func.count().filter(each.c.corrected),
        func.count().filter(each.c.seconds <= SOON),
        func.percentile_cont(0.5).within_group(each.c.seconds),
    ).group_by(each.c.arm)
    found = {arm: Tally(*rest) for arm, *rest in session.execute(query)}
    return {arm: found.get(arm, Tally()) for arm in Arm}


def people_a_day(session: Session, persona: str, now: datetime | None = None) -> float:
    """How many people a day would have counted in an experiment over the last weeks, whatever answered them."""
    since = (now or datetime.now(UTC)) - timedelta(days=PACE_DAYS)
    query = (
        select(Answer.asker_team_id, Answer.asker_id, Vote.team_id, Vote.user_id, Vote.created_at)
        .join(Answer, Answer.id == Vote.answer_id)
        .where(Vote.value == VoteValue.DOWN, Vote.created_at > since, Answer.persona == persona)
        .order_by(Vote.id)
    )
    rows = session.execute(query)
    given = [ThumbsDown(f"{team}/{asker}", f"{of}/{voter}", at) for team, asker, of, voter, at in rows]
    return len(each_once(given)) / PACE_DAYS
