"""Questions that their asker edits: answered again in place, for a short while, unless somebody has voted."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import record
from feedback.models import Answer, Vote
from feedback.reviews import open_case
from feedback.states import AnswerStatus

EDITABLE = timedelta(minutes=1)


def reword(
    session: Session, team_id: str, channel_id: str, question_ts: str, text: str, *, lease: timedelta
) -> int | None:
    """Make a finished question pending again with its new words, leased to the caller; None when it stays as it is.

    A question that is being answered stays: its answer would come twice.
    """
    query = select(Answer).where(
        Answer.team_id == team_id, Answer.channel_id == channel_id, Answer.question_ts == question_ts
    )
    answer = session.scalars(query.with_for_update()).first()
    if answer is None or answer.status is AnswerStatus.PENDING or answer.question == text:
        return None
    now = datetime.now(UTC)
    voted = session.scalars(select(Vote.id).where(Vote.answer_id == answer.id).limit(1)).first()
    if now - answer.created_at > EDITABLE or voted is not None or open_case(session, answer.id):
        return None
    record.note(
        session, "answers", answer.id, actor=f"{answer.asker_team_id}/{answer.asker_id}", why="question edited",
        before=answer.status, after=AnswerStatus.PENDING,
    )  # fmt: skip
    answer.question, answer.status, answer.finished_at = text, AnswerStatus.PENDING, None
    answer.lease_until, answer.apologised = now + lease, False
    return answer.id
