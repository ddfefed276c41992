"""Questions and answers: taken in once, finished once, found again by their Slack message."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from feedback import answer_counts
from feedback.models import Answer, AnswerMessage, Case, Delivery, Json
from feedback.states import CLOSED_CASES, AnswerStatus

P = ParamSpec("P")
T = TypeVar("T")

UNLEASED = datetime.min.replace(tzinfo=UTC)
DELIVERIES_KEPT = timedelta(hours=1)  # Slack's last redelivery comes after about 6 minutes


@dataclass(frozen=True)
class Question:
    """A question as it came from Slack. Ids and timestamps are Slack's own."""

    persona: str
    team_id: str
    channel_id: str
    thread_ts: str
    question_ts: str
    asker_id: str
    asker_team_id: str
    text: str
    shared: bool = False  # in a channel that people of other organisations are in


@dataclass(frozen=True)
class Outcome:
    """What became of a question. Times in milliseconds."""

    status: AnswerStatus
    text: str | None = None
    messages: list[Json] | None = None
    adapter_id: int | None = None
    served_name: str | None = None
    base_model: str | None = None
    sampling: Json | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str | None = None


def take_delivery(session: Session, event_id: str) -> bool:
    """Remember a Slack event id; False when it was seen before. Forgets ids older than an hour."""
    session.execute(delete(Delivery).where(Delivery.created_at < datetime.now(UTC) - DELIVERIES_KEPT))
    taken = insert(Delivery).values(event_id=event_id).on_conflict_do_nothing().returning(Delivery.event_id)
    return session.execute(taken).first() is not None


def forget_deliveries(session: Session, event_ids: Collection[str]) -> None:
    """What was taken could not be carried out: it may be taken once more."""
    session.execute(delete(Delivery).where(Delivery.event_id.in_(event_ids)))


def once(
    session: Session, delivery: str, do: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """Do what a delivery asks for, in the transaction that remembers it; None when it was done before."""
    return do(session, *args, **kwargs) if take_delivery(session, delivery) else None


def take_question(session: Session, question: Question, *, lease: timedelta) -> int | None:
    """Record a question as pending and lease it to the caller; its id, or None when it was taken before.

    A mention reaches the bot as two events with the same channel and timestamp; one of them gets None.
    """
    statement = (
        insert(Answer)
        .values(
            persona=question.persona,
            team_id=question.team_id,
            channel_id=question.channel_id,
            thread_ts=question.thread_ts,
            question_ts=question.question_ts,
            asker_id=question.asker_id,
            asker_team_id=question.asker_team_id,
            shared=question.shared,
            question=question.text,
            status=AnswerStatus.PENDING,
            lease_until=datetime.now(UTC) + lease,
        )
        .on_conflict_do_nothing()
        .returning(Answer.id)
    )
    return session.execute(statement).scalar_one_or_none()


def take_unfinished(
    session: Session, persona: str, *, lease: timedelta, limit: int = 10, untold: bool = False
) -> list[int]:
    """Lease the oldest pending questions that nobody works on: those of a dead process, or of a time without vLLM.

    ``untold``: only those whose askers do not know that they wait.
    """
    free = (
        select(Answer.id)
        .where(Answer.persona == persona, Answer.status == AnswerStatus.PENDING)
        .where((Answer.lease_until.is_(None)) | (Answer.lease_until < datetime.now(UTC)))
        .where(Answer.apologised.is_(False) if untold else true())
        .order_by(Answer.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(session.scalars(free))
    session.execute(update(Answer).where(Answer.id.in_(ids)).values(lease_until=datetime.now(UTC) + lease))
    return sorted(ids)


def renew_lease(session: Session, answer_id: int, *, lease: timedelta) -> None:
    """Keep a long answer from being taken by another process."""
    session.execute(update(Answer).where(Answer.id == answer_id).values(lease_until=datetime.now(UTC) + lease))


def postpone(session: Session, answer_id: int, *, error: str, retry_in: timedelta) -> bool:
    """Leave a question pending for a later try; True when its asker has not been told yet."""
    row = session.get_one(Answer, answer_id, with_for_update=True)
    first = not row.apologised
    row.apologised, row.error, row.lease_until = True, error, datetime.now(UTC) + retry_in
    return first


def wait_for_waking(session: Session, answer_id: int, *, error: str) -> bool:
    """Leave a question pending until the model server is awake; True when nobody has been told so in its thread yet."""
    told = bool(_waiting(session, row := session.get_one(Answer, answer_id)))
    session.refresh(row, with_for_update=True)
    if row.status is not AnswerStatus.PENDING:
        return False
    row.apologised, row.error, row.lease_until = True, error, datetime.now(UTC)
    return not told


def stop_waiting(session: Session, answer_id: int, asker: str) -> tuple[int, int]:
    """Give up what somebody has asked in a question's thread and still waits for: how many that were, and how many of
    others go on waiting there."""
    everybody = _waiting(session, session.get_one(Answer, answer_id))
    # One that is leased is being answered by now.
    mine = [row for row in everybody if row.asker_id == asker and (row.lease_until or UNLEASED) <= datetime.now(UTC)]
    for row in mine:
        # Not as stopped: nothing was answered that would count for a version.
        finish(session, row.id, Outcome(AnswerStatus.FAILED, error="stopped by its asker"))
    return len(mine), len(everybody) - len(mine)


def _waiting(session: Session, row: Answer) -> list[Answer]:
    """The questions of a thread that wait, and whose askers know it; nobody else changes them meanwhile."""
    thread = f"{row.team_id}/{row.channel_id}/{row.thread_ts}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(thread))))  # before any row is locked
    same = (Answer.team_id == row.team_id, Answer.channel_id == row.channel_id, Answer.thread_ts == row.thread_ts)
    query = select(Answer).where(*same, Answer.status == AnswerStatus.PENDING, Answer.apologised)
    return list(session.scalars(query.order_by(Answer.id).with_for_update()))


def get(session: Session, answer_id: int) -> Answer:
    """One answer by id, with the adapter that gave it."""
    row = session.get_one(Answer, answer_id)
    _ = row.adapter
    return row


def finish(session: Session, answer_id: int, outcome: Outcome) -> None:
    """Write what became of a question, over all that an earlier try has left; a second call changes nothing.

    An outcome without a served name leaves the one that ``start`` has written, and its adapter. A case that was
    flagged while the answer was being written gets its words.
    """
    values = dict(vars(outcome))
    if outcome.served_name is None:
        del values["served_name"], values["adapter_id"]
    with answer_counts.changing(session, [answer_id]):
        session.execute(
            update(Answer)
            .where(Answer.id == answer_id, Answer.status == AnswerStatus.PENDING)
            .values(**values, lease_until=None, finished_at=datetime.now(UTC))
        )
    is_open = Case.status.not_in(CLOSED_CASES)  # also what the index on answers is for
    flagged_early = update(Case).where(Case.answer_id == answer_id, is_open, Case.bad_answer.is_(None))
    session.execute(flagged_early.values(bad_answer=outcome.text))


def add_message(session: Session, answer_id: int, team_id: str, channel_id: str, ts: str) -> None:
    """Remember that a Slack message carries (part of) an answer; again is harmless."""
    row = {"team_id": team_id, "channel_id": channel_id, "ts": ts, "answer_id": answer_id}
    session.execute(insert(AnswerMessage).values(**row).on_conflict_do_nothing())


def find(session: Session, team_id: str, channel_id: str, ts: str) -> Answer | None:
    """The answer that a Slack message carries, or None when the message is not one."""
    message = session.get(AnswerMessage, (team_id, channel_id, ts))
    return get(session, message.answer_id) if message else None


def message_ts(session: Session, answer_id: int) -> list[str]:
    """Timestamps of the Slack messages that carry an answer, oldest first."""
    return sorted(session.scalars(select(AnswerMessage.ts).where(AnswerMessage.answer_id == answer_id)))


def earlier_in_thread(session: Session, answer: Answer, *, limit: int = 500) -> list[Answer]:
    """The thread's earlier finished answers, oldest first; the newest ``limit`` of them, more than any window holds.

    Without the messages that each of them was made from: those repeat the thread.
    """
    if answer.question_ts == answer.thread_ts:
        return []  # it begins the thread
    rows = session.scalars(
        select(Answer)
        .options(defer(Answer.messages, raiseload=True))
        .where(
            Answer.team_id == answer.team_id,
            Answer.channel_id == answer.channel_id,
            Answer.thread_ts == answer.thread_ts,
            Answer.question_ts < answer.question_ts,
            Answer.status.in_([AnswerStatus.ANSWERED, AnswerStatus.STOPPED]),
        )
        .order_by(Answer.question_ts.desc())
        .limit(limit)
    )
    return list(reversed(list(rows)))


def newest_in_thread(session: Session, answer: Answer) -> int | None:
    """The id of the last finished answer in an answer's thread."""
    query = select(func.max(Answer.id)).where(
        Answer.team_id == answer.team_id,
        Answer.channel_id == answer.channel_id,
        Answer.thread_ts == answer.thread_ts,
        Answer.status != AnswerStatus.PENDING,
    )
    return session.execute(query).scalar_one()


def in_thread(session: Session, team_id: str, channel_id: str, thread_ts: str) -> bool:
    """Whether the bot has been asked something in this thread before."""
    found = select(Answer.id).where(
        Answer.team_id == team_id, Answer.channel_id == channel_id, Answer.thread_ts == thread_ts
    )
    return session.scalars(found.limit(1)).first() is not None


def using_adapter(session: Session, adapter_id: int) -> int:
    """How many running answers may still be using an adapter: pending, leased, and started under its name."""
    running = (
        select(func.count())
        .select_from(Answer)
        .where(Answer.adapter_id == adapter_id, Answer.status == AnswerStatus.PENDING)
        .where(Answer.lease_until > datetime.now(UTC))
    )
    return session.execute(running).scalar_one()


def start(session: Session, answer_id: int, adapter_id: int | None, served_name: str) -> None:
    """Write which adapter is about to answer, before the model is asked, so that it is not unloaded meanwhile."""
    pending = update(Answer).where(Answer.id == answer_id, Answer.status == AnswerStatus.PENDING)
    session.execute(pending.values(adapter_id=adapter_id, served_name=served_name))
