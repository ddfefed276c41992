"""What people made of the answers of each arm, read through the experiment's assignments and never from all answers.

Answers with a correction in their prompt count like any other. Both arms get the same corrections, those of the
canary's own cases too until it is live, so the arms differ by their adapter alone; and leaving such answers out would
favour the arm that has more of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Subquery, distinct, exists, extract, func, select
from sqlalchemy.orm import Session

from feedback import votes
from feedback.models import Answer, Assignment, Case, Vote
from feedback.states import CLOSED_CASES, AnswerStatus, Arm, VoteValue

SOON = 600.0  # seconds in which somebody's next question in the same channel counts as a follow-up
PACE_DAYS = 28
# Of everybody's answers so many count. Those whom nothing pleases are counted early on, and who is left dislikes little
# in either arm; without an end, a difference would seem to shrink (bench/ab_simulation.py shows the error rates).
WINDOW = 15


@dataclass(frozen=True)
class Member:
    """Somebody who has begun a thread since the experiment did: their arm, when they first asked, and from when on
    their answers do not count any more."""

    person: str
    arm: Arm
    since: datetime
    until: datetime | None = None


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
    known = {one.person: one for one in members}
    counted = each_once(one for one in given if one.opener in known and _counts(known[one.opener], one.at))
    disliked = {one.opener: one.at for one in counted}
    # At one and the same time people come before somebody is drawn from among them, and go after it.
    course = [(one.since, _COMES, one) for one in known.values()]
    course += [(at, _DRAWN, known[person]) for person, at in disliked.items()]
    course += [(one.until, _GOES, one) for one in known.values() if one.until and one.person not in disliked]
    left, drawn = Counter[Arm](), []
    for _, what, one in sorted(course, key=lambda step: step[:2]):
        if what == _DRAWN:
            drawn.append(Draw(one.arm, left[Arm.CANARY], left[Arm.LIVE]))
        left[one.arm] += 1 if what == _COMES else -1
    return drawn


_COMES, _DRAWN, _GOES = range(3)


def _counts(member: Member, at: datetime) -> bool:
    return member.since <= at and (member.until is None or at < member.until)


def read_draws(session: Session, experiment_id: int) -> list[Draw]:
    """The draws of an experiment as its votes stand now."""
    return draws(members(session, experiment_id), thumbs_down(session, experiment_id))


def members(session: Session, experiment_id: int) -> list[Member]:
    """Everybody who has asked something in an experiment."""
    each = _numbered(experiment_id)
    query = select(
        each.c.opener,
        each.c.arm,
        func.min(each.c.created_at),
        func.min(each.c.created_at).filter(each.c.number > WINDOW),
    ).group_by(each.c.opener, each.c.arm)
    return [Member(person, arm, since, until) for person, arm, since, until in session.execute(query)]


def thumbs_down(session: Session, experiment_id: int) -> list[ThumbsDown]:
    """Every thumbs-down of an experiment that still stands and counts, in the order in which they were given.

    One that was a thumbs-up before counts from when it was turned: what was looked at until then has not seen it.
    """
    each = _numbered(experiment_id)
    # Slack's clock may be behind: no thumb is older than its answer.
    given = func.greatest(votes.stands_since(), each.c.created_at)
    query = (
        select(each.c.opener, Vote.team_id, Vote.user_id, given)
        .join(Vote, Vote.answer_id == each.c.id)
        .where(each.c.number <= WINDOW, Vote.value == VoteValue.DOWN)
        .order_by(given, Vote.id)
    )
    return [ThumbsDown(opener, f"{team}/{user}", at) for opener, team, user, at in session.execute(query)]


def _numbered(experiment_id: int) -> Subquery:
    """The answers of an experiment, numbered for everybody in whose threads they are."""
    number = func.row_number().over(partition_by=Assignment.opener, order_by=Assignment.answer_id)
    return (
        select(Assignment.opener, Assignment.arm, Answer.id, Answer.created_at, number.label("number"))
        .join(Answer, Answer.id == Assignment.answer_id)
        .where(Assignment.experiment_id == experiment_id)
        .subquery()
    )


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
        select(Vote.asker, Vote.team_id, Vote.user_id, Vote.created_at)
        .where(Vote.value == VoteValue.DOWN, Vote.created_at > since, Vote.persona == persona)
        .order_by(Vote.created_at, Vote.id)
    )
    given = [ThumbsDown(asker, f"{team}/{voter}", at) for asker, team, voter, at in session.execute(query)]
    return len(each_once(given)) / PACE_DAYS
