"""Where the bot goes on without being named again: a thread's own word, else its channel's, else a default."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback import answers, record
from feedback.models import FollowUp

WHOLE_CHANNEL = ""


def switch(session: Session, team_id: str, channel_id: str, thread_ts: str, wanted: bool, *, by: str) -> bool:
    """Switch it on or off for a thread, or for a channel (``WHOLE_CHANNEL``); False when it was so before."""
    before = _word(session, team_id, channel_id, thread_ts)
    if before is wanted:
        return False
    row = {"team_id": team_id, "channel_id": channel_id, "thread_ts": thread_ts, "wanted": wanted}
    key = ["team_id", "channel_id", "thread_ts"]
    change = insert(FollowUp).values(**row).on_conflict_do_update(index_elements=key, set_={"wanted": wanted})
    row_id = session.execute(change.returning(FollowUp.id)).scalar_one()
    record.note(
        session, "follow_ups", row_id, actor=by, why="follow-ups switched", before=_shown(before), after=_shown(wanted)
    )
    return True


def goes_on(session: Session, team_id: str, channel_id: str, thread_ts: str, *, default: bool) -> bool:
    """Whether a message in a thread that does not name the bot is for it.

    Where a whole channel has it on, only threads count in which the bot was asked something.
    """
    thread = _word(session, team_id, channel_id, thread_ts)
    if thread is not None:
        return thread
    channel = _word(session, team_id, channel_id, WHOLE_CHANNEL)
    wanted = default if channel is None else channel
    return wanted and answers.in_thread(session, team_id, channel_id, thread_ts)


def _word(session: Session, team_id: str, channel_id: str, thread_ts: str) -> bool | None:
    query = select(FollowUp.wanted).where(
        FollowUp.team_id == team_id, FollowUp.channel_id == channel_id, FollowUp.thread_ts == thread_ts
    )
    return session.scalars(query).first()


def _shown(wanted: bool | None) -> str | None:
    return None if wanted is None else ("on" if wanted else "off")
