"""Going on in a thread without being named: "@Pip follow this thread" in it, or an admin's word for a channel."""

import re

from sqlalchemy.orm import Session

from bot.permissions import Permissions
from feedback import answers, follow_ups
from feedback.answers import Question
from feedback.database import AsyncDatabase

FOLLOWS = "I follow this thread now: no need to name me here. “Stop following”, with my name, ends it."
FOLLOWS_NOT = "I no longer follow this thread. Name me when you want me."
WAS_SO = "It was so already. "
CHANNEL_ON = "From now on I go on in every thread here in which I was asked something, without being named again."
CHANNEL_OFF = "From now on I answer here only when I am named; a thread can still ask me to follow it."
HOW = "Write `{0} follow on` or `{0} follow off` in the channel that it is for."

_POLITE = r"(?:(?:please|can you|could you|would you) )*"
_ON = re.compile(rf"^{_POLITE}follow (?:this|the) (?:thread|conversation)(?: please)?$|^关注(?:这个|本)话题$")
_OFF = re.compile(
    rf"^{_POLITE}(?:stop following|unfollow|do not follow|don't follow)(?: (?:this|the) (?:thread|conversation))?"
    r"(?: please)?$|^取消关注(?:(?:这个|本)话题)?$"
)


def wish(text: str) -> bool | None:
    """Whether a message is the wish to follow its thread (True) or to stop that (False); None: it is something else."""
    plain = text.casefold().replace("’", "'").replace(",", " ")
    words = " ".join(plain.split()).strip(" .!?:;。，！？：")
    if _ON.match(words):
        return True
    return False if _OFF.match(words) else None


def switch(session: Session, question: Question, wanted: bool) -> bool | None:
    """Switch a thread; None when this message was taken before (a mention comes as two events)."""
    if not answers.take_delivery(session, f"follow:{question.channel_id}:{question.question_ts}"):
        return None
    by = f"{question.asker_team_id}/{question.asker_id}"
    return follow_ups.switch(session, question.team_id, question.channel_id, question.thread_ts, wanted, by=by)


def answer(wanted: bool, changed: bool) -> str:
    """What the thread is told."""
    return ("" if changed else WAS_SO) + (FOLLOWS if wanted else FOLLOWS_NOT)


class Following:
    """The switch of a whole channel, for admins."""

    def __init__(self, database: AsyncDatabase, permissions: Permissions, team_id: str, command: str) -> None:
        self._database, self._permissions, self._team_id, self._command = database, permissions, team_id, command

    async def command(self, user: str, channel: str, text: str) -> str:
        """`/mend follow <text>`, with on or off; the answer in mrkdwn.

        Raises:
            Denied: the user is no admin.
        """
        by = str(await self._permissions.admin(user, "switch follow-ups for a channel"))
        word = text.strip().casefold()
        if word not in ("on", "off"):
            return HOW.format(self._command)
        wanted = word == "on"
        changed = await self._database.run(
            follow_ups.switch, self._team_id, channel, follow_ups.WHOLE_CHANNEL, wanted, by=by
        )
        return ("" if changed else WAS_SO) + (CHANNEL_ON if wanted else CHANNEL_OFF)
