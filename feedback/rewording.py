"""Questions that their asker edits. One that waits for its answer gets its new words; one that is answered is answered
again in place, for a short while, unless somebody has judged the answer.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import answer_counts, record
from feedback.models import Answer, Vote
from feedback.reviews import open_case
from feedback.states import AnswerStatus

EDITABLE = timedelta(minutes=1)


class NotAsked(LookupError):
    """The message that was edited is no question that the record knows."""


def is_recent(question_ts: str, at: datetime) -> bool:
    """Whether a message was written so shortly before its edit that the two are one."""
    written = float(question_ts) if question_ts.replace(".", "", 1).isdigit() else 0.0
    return at.timestamp() - written <= EDITABLE.total_seconds()


def reword(
    session: Session, team_id: str, channel_id: str, question_ts: str, text: str, *, at: datetime, lease: timedelta
) -> int | None:
    """Give a question the words it was edited to ``at`` some time; its id when the caller is to answer it.

    A finished question becomes pending again, leased to the caller. Whoever answers a pending one at the moment
    finds out by ``outdated`` and ``settled``, so None is returned for that, as for one that stays as it is.

    Raises:
        NotAsked: there is no such question.
    """
    query = select(Answer).where(
        Answer.team_id == team_id, Answer.channel_id == channel_id, Answer.question_ts == question_ts
    )
    answer = session.scalars(query.with_for_update()).first()
    if answer is None:
        raise NotAsked
    pending = answer.status is AnswerStatus.PENDING
    late = not pending and at - answer.created_at > EDITABLE
    if answer.question == text or late or _is_judged(session, answer.id):
        return None
    _note(session, answer, f"{answer.asker_team_id}/{answer.asker_id}", "question edited")
    answer.question = text
    if pending:
        return None
    with answer_counts.changing(session, [answer.id]):
        answer.status, answer.finished_at = AnswerStatus.PENDING, None
        answer.lease_until, answer.apologised = datetime.now(UTC) + lease, False
    return answer.id


def outdated(session: Session, answer: Answer) -> bool:
    """Whether a question has other words by now than when it was read."""
    return session.scalars(select(Answer.question).where(Answer.id == answer.id)).one() != answer.question


def settled(session: Session, answer: Answer) -> bool:
    """Whether what was answered is what is asked, so that the answer can be recorded.

    An edit that somebody's vote on the answer has overtaken is given up: the record says what was answered.
    """
    row = session.get_one(Answer, answer.id, with_for_update=True)
    if row.question == answer.question:
        return True
    if not _is_judged(session, answer.id):
        return False
    _note(session, row, "bot", "edit given up: its answer was judged")
    row.question = answer.question
    return True


def _is_judged(session: Session, answer_id: int) -> bool:
    voted = session.scalars(select(Vote.id).where(Vote.answer_id == answer_id).limit(1)).first()
    return voted is not None or open_case(session, answer_id) is not None


def _note(session: Session, answer: Answer, actor: str, why: str) -> None:
    record.note(session, "answers", answer.id, actor=actor, why=why, before=answer.status, after=AnswerStatus.PENDING)
