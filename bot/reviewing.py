"""Admins decide on cases, one at a time; two at once never decide the same one twice."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot import modals
from bot.case_blocks import fingerprint
from bot.likeness import hints
from bot.permissions import Permissions
from feedback import answers, cases, reviews
from feedback.cases import CorrectionError
from feedback.database import AsyncDatabase
from feedback.models import Case
from feedback.reviews import AlreadyDecided, Queue

log = logging.getLogger(__name__)

Decide = Callable[..., Case]
_NAMED = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
MAY = "review corrections"
FORGETFUL = "I can't reach my memory right now; nothing was changed. Please try again in a minute."


@dataclass(frozen=True)
class Next:
    """What a reviewer sees next."""

    case: Case | None
    queue: Queue
    hints: Sequence[str] = ()  # what earlier cases have to say about it


def next_case(session: Session, persona: str, skipped: Sequence[int]) -> Next:
    """The next case and the length of the queue."""
    case, waiting = reviews.next_waiting(session, persona, skipped), reviews.queue(session, persona)
    return Next(case, waiting, hints(case, cases.listed(session, persona, limit=2000, newest=True)) if case else ())


class Rewritten(Exception):
    """The case's words are others than those that an admin was shown."""


def approve(session: Session, case_id: int, shown: str, *, by: str) -> Case:
    """Approve a claimed case, if its words still have the fingerprint of those that were shown.

    Raises:
        Rewritten: they have not.
        CorrectionError: they cannot be taught.
    """
    if fingerprint(cases.get(session, case_id)) != shown:
        raise Rewritten
    return cases.approve(session, case_id, by=by)


def revise(session: Session, case_id: int, text: str, *, by: str) -> Case:
    """Write an admin's own correction, and approve it."""
    case = cases.get(session, case_id)
    cases.correct(session, case_id, text, case.reason, by=by)
    return cases.approve(session, case_id, by=by)


def once(session: Session, delivery: str, decide: Decide, case_id: int, words: Sequence[str], by: str) -> Case | None:
    """Decide on a case that waits, unless this very click was taken before.

    Raises:
        AlreadyDecided: it no longer waits.
    """
    if not answers.take_delivery(session, delivery):
        return None
    reviews.claim(session, case_id)  # from here on nobody else writes to it
    return decide(session, case_id, *words, by=by)


class Reviewing:
    """Builds the review window and carries out what is clicked in it."""

    def __init__(self, database: AsyncDatabase, permissions: Permissions, persona: str) -> None:
        self._database, self._permissions, self._persona = database, permissions, persona

    async def window(self, user: str, skipped: Sequence[int] = (), notice: str = "") -> modals.View:
        """The next case to decide on.

        Raises:
            Denied: the user is no admin.
            DatabaseUnavailable.
        """
        await self._permissions.admin(user, MAY)
        found = await self._database.run(next_case, self._persona, skipped)
        return modals.review(found.case, found.queue, skipped, notice=notice, hints=found.hints)

    async def case(self, user: str, case_id: int) -> Case:
        """One case, for an admin."""
        await self._permissions.admin(user, MAY)
        return await self._database.run(cases.get, case_id)

    async def approve(self, user: str, case_id: int, shown: str, delivery: str) -> str:
        """Approve a case as the admin was shown it; word of what happened. ``shown`` is its fingerprint there."""
        try:
            return await self._decide(user, case_id, delivery, approve, [shown], "approved")
        except Rewritten:
            return f"Case {case_id} was rewritten while you read it, so it is not approved. Please read it again."
        except CorrectionError as refused:
            return f"Case {case_id} is not approved: {refused}"

    async def revise(self, user: str, case_id: int, text: str, delivery: str) -> str:
        """Approve a case with the admin's own words.

        Raises:
            CorrectionError: they cannot be taught.
        """
        return await self._decide(user, case_id, delivery, revise, [text], "edited and approved")

    async def reject(self, user: str, case_id: int, why: str, delivery: str) -> str:
        """Turn a case down.

        Raises:
            CorrectionError: no reason was given; its reporter is shown one.
        """
        if not why.strip():
            raise CorrectionError("Please say why; the person who flagged the answer is told.")
        return await self._decide(user, case_id, delivery, cases.reject, [why.strip()], "turned down")

    async def undo(self, user: str, text: str) -> str:
        """Withdraw everything that somebody has taught; word of how much that was, in escaped mrkdwn."""
        by = str(await self._permissions.admin(user, "undo what somebody taught me"))
        named = _NAMED.search(text)
        if not named:
            return "Whose corrections? Write `undo @somebody`."
        person = (await self._permissions.standing(named.group(1))).person
        gone = await self._database.run(reviews.undo, self._persona, str(person), by=by)
        log.info("undone", extra={"action": "contributions_undone", "person": str(person), "cases": len(gone)})
        learned = any(case.adapter_id for case in gone)
        until = " What is learned already stays so until the next training or a rollback." if learned else ""
        return f"{len(gone)} case(s) of <@{person.user_id}> taken back.{until}"

    async def _decide(
        self, user: str, case_id: int, delivery: str, decide: Decide, words: Sequence[str], done: str
    ) -> str:
        by = str(await self._permissions.admin(user, MAY))
        try:
            decided = await self._database.run(once, delivery, decide, case_id, words, by)
        except AlreadyDecided as already:
            return f"Case {case_id} was decided by somebody else meanwhile: it is {already.status}."
        if decided is None:
            return ""
        log.info("case decided", extra={"action": "case_decided", "case_id": case_id, "decision": done})
        return f"Case {case_id} {done}."
