"""Admins decide on cases, one at a time; two at once never decide the same one twice."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy.orm import Session

from bot import modals
from bot.case_blocks import fingerprint
from bot.contradictions import Known, persona_hints
from bot.languages import language_hint
from bot.likeness import hints
from bot.permissions import Permissions
from feedback import answers, cases, patches, reviews
from feedback.cases import CorrectionError
from feedback.database import AsyncDatabase
from feedback.models import Answer, Case
from feedback.reviews import WAITING, AlreadyDecided, NotTheSecond, Queue
from feedback.states import CaseStatus

log = logging.getLogger(__name__)

Decide = Callable[..., Case]
TURNS_BEFORE = 2
COMPARED = 1000  # earlier cases that one to decide on is held against: some 5 ms of the record's time
MAY = "review corrections"
APPROVED_ONLY = (CaseStatus.APPROVED,)
NOT_THE_SECOND = (
    "Case {} has its first approval. The second has to come from another admin, and not from whose words they are."
)
LEARNING = "Case {} is being trained on right now. It can be changed when that run is over."


@dataclass(frozen=True)
class Looking:
    """Which cases an admin looks at: those that wait, or those that are approved already; without those skipped."""

    skipped: tuple[int, ...] = ()
    approved: bool = False

    @property
    def among(self) -> tuple[CaseStatus, ...]:
        """The states of the cases looked at."""
        return APPROVED_ONLY if self.approved else WAITING

    def past(self, case_id: int) -> "Looking":
        """The same without a case."""
        return replace(self, skipped=(*self.skipped, case_id))

    def pack(self) -> dict[str, object]:
        """For a window's private metadata."""
        return {"skipped": list(self.skipped), "approved": self.approved}

    @classmethod
    def unpack(cls, metadata: dict[str, object]) -> "Looking":
        """What ``pack`` has packed."""
        skipped = metadata.get("skipped")
        return cls(tuple(skipped) if isinstance(skipped, list) else (), bool(metadata.get("approved")))


@dataclass(frozen=True)
class Next:
    """What a reviewer sees next."""

    case: Case | None
    queue: Queue
    hints: Sequence[str] = ()  # what earlier cases and the persona have to say about it
    before: Sequence[Answer] = ()  # in its thread


def next_case(session: Session, persona: str, looking: Looking, known: Known, second: str) -> Next:
    """The next case and the length of the queue."""
    case = reviews.next_waiting(session, persona, looking.skipped, among=looking.among, second=second)
    queue = reviews.queue(session, persona)
    if case is None:
        return Next(None, queue)
    others = cases.to_compare(session, persona, limit=COMPARED)
    before = answers.earlier_in_thread(session, case.answer, limit=TURNS_BEFORE) if case.answer else ()
    language = language_hint(case.question, case.correction)
    own = [*_patch_hint(session, case), *([language] if language else [])]
    own += persona_hints(case.question, case.correction, known)
    return Next(case, queue, [*own, *hints(case, others)], before)


def _patch_hint(session: Session, case: Case) -> list[str]:
    """Where the wrong answer came from, if a correction in the prompt may have led to it."""
    used = patches.of_answer(session, case.answer_id) if case.answer_id is not None else []
    return (
        [f"That answer was given with the correction of case {', '.join(map(str, used))} in its prompt."]
        if used
        else []
    )


class Rewritten(Exception):
    """The case's words are others than those that an admin was shown."""


def approve(session: Session, case_id: int, shown: str, *, by: str, two: bool) -> Case:
    """Approve a claimed case, if its words still have the fingerprint of those that were shown.

    Raises:
        Rewritten: they have not.
        NotTheSecond: another admin has to.
        CorrectionError: they cannot be taught.
    """
    if fingerprint(cases.get(session, case_id)) != shown:
        raise Rewritten
    return reviews.approve(session, case_id, by=by, two=two)


def revise(session: Session, case_id: int, text: str, *, by: str, two: bool) -> Case:
    """Write an admin's own correction, and approve it."""
    case = cases.get(session, case_id)
    cases.correct(session, case_id, text, case.reason, by=by)
    return reviews.approve(session, case_id, by=by, two=two)


@dataclass(frozen=True)
class Click:
    """Who decides on which case, where they have seen it. ``delivery`` tells a click that is sent again."""

    user: str
    case_id: int
    delivery: str
    looking: Looking = Looking()


def once(session: Session, click: Click, decide: Decide, words: Sequence[str], by: str) -> Case | None:
    """Decide on a case that is where it was seen, unless this very click was taken before.

    Raises:
        AlreadyDecided: it has moved on.
    """
    if not answers.take_delivery(session, click.delivery):
        return None
    reviews.claim(session, click.case_id, click.looking.among)  # from here on nobody else writes to it
    return decide(session, click.case_id, *words, by=by)


class Reviewing:
    """Builds the review window and carries out what is clicked in it.

    With ``two``, two admins have to approve; with ``at_once``, what is approved goes into prompts until it is learned.
    """

    def __init__(
        self,
        database: AsyncDatabase,
        permissions: Permissions,
        persona: str,
        known: Known,
        *,
        two: bool,
        at_once: bool = False,
    ) -> None:
        self._database, self._permissions, self._persona = database, permissions, persona
        self._known, self._two = known, two
        self._approved = "approved. It answers similar questions from now on" if at_once else "approved"

    async def window(self, user: str, looking: Looking, notice: str = "") -> modals.View:
        """The next case to decide on.

        Raises:
            Denied: the user is no admin.
            DatabaseUnavailable.
        """
        by = str(await self._permissions.admin(user, MAY))
        second = by if self._two else ""
        found = await self._database.run(next_case, self._persona, looking, self._known, second)
        if looking.approved:
            return modals.approved(found.case, found.queue, looking.pack(), notice=notice, hints=found.hints)
        return modals.review(
            found.case, found.queue, looking.pack(), notice=notice, hints=found.hints, before=found.before
        )

    async def case(self, user: str, case_id: int) -> Case:
        """One case, for an admin."""
        await self._permissions.admin(user, MAY)
        return await self._database.run(cases.get, case_id)

    async def approve(self, click: Click, shown: str) -> str:
        """Approve a case as the admin was shown it; word of what happened. ``shown`` is its fingerprint there."""
        number = click.case_id
        try:
            return await self._decide(click, partial(approve, two=self._two), [shown], self._approved)
        except Rewritten:
            return f"Case {number} was rewritten while you read it, so it is not approved. Please read it again."
        except NotTheSecond:
            return NOT_THE_SECOND.format(number)
        except CorrectionError as refused:
            return f"Case {number} is not approved: {refused}"

    async def revise(self, click: Click, text: str) -> str:
        """Approve a case with the admin's own words.

        Raises:
            CorrectionError: they cannot be taught.
        """
        return await self._decide(click, partial(revise, two=self._two), [text], f"edited and {self._approved}")

    async def reject(self, click: Click, why: str) -> str:
        """Turn a case down.

        Raises:
            CorrectionError: no reason was given; its reporter is shown one.
        """
        if not why.strip():
            raise CorrectionError("Please say why; the person who flagged the answer is told.")
        return await self._decide(click, cases.reject, [why.strip()], "turned down")

    async def take_back(self, click: Click) -> str:
        """Put an approved case back into the queue; word of what happened."""
        return await self._decide(click, cases.take_back, [], "taken back; it waits for a decision again")

    async def _decide(self, click: Click, decide: Decide, words: Sequence[str], done: str) -> str:
        by = str(await self._permissions.admin(click.user, MAY))
        number = click.case_id
        try:
            decided = await self._database.run(once, click, decide, words, by)
        except AlreadyDecided as already:
            if already.status is CaseStatus.TRAINING:
                return LEARNING.format(number)
            return f"Case {number} was decided by somebody else meanwhile: it is {already.status}."
        if decided is None:
            return ""
        log.info("case decided", extra={"action": "case_decided", "case_id": number, "decision": done})
        if decided.first_approved_by == by and decided.status is not CaseStatus.APPROVED:
            said = "has your words and your approval" if decided.corrected_by == by else "has your approval"
            return f"Case {number} {said}; it needs one more, from another admin."
        return f"Case {number} {done}."
