"""Questions taken in once, answered fairly, and kept: leases while an answer runs, later tries, a clean end.

Everything that has to survive this process is in PostgreSQL, or in ``unsaved`` while PostgreSQL is away.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from bot import following
from bot.answering import Answering, Work, place_of, prepare
from bot.fair_queue import FairQueue
from bot.napping import Napping
from bot.questions import Asked, Kind
from bot.rhythm import Rhythm
from bot.slack_messages import Place
from bot.twins import Twins
from bot.unsaved import Entry, Unsaved
from feedback import answers, follow_ups, rewording
from feedback.answers import Question
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.rewording import NotAsked
from serving.errors import ServingError
from settings import Settings

log = logging.getLogger(__name__)

QUESTION = "question"
FORGETFUL = "I can't reach my memory right now; your question is kept and I will answer when it is back."
FORGOTTEN = "I'm sorry: I was without my memory for too long, so I won't answer this one. Please ask me again."
EMPTY = "I'm here. Ask me anything: write your question in the same message as my name."
EMPTY_DIRECT = "I can read text only. Ask me anything: write your question in a message."


def take(session: Session, asked: Asked, event_id: str, lease: timedelta, follows: bool) -> int | None:
    """Record a question, unless its event or its message was taken before, or it is talk between others.

    ``follows``: whether the channel's threads go on without a mention where nobody has said anything about it.
    """
    if not answers.take_delivery(session, event_id):
        return None
    return _take_new(session, asked, lease, follows)


@dataclass(frozen=True)
class Taken:
    """A question that was just recorded, and what is needed to answer it, if that was looked up with it."""

    answer_id: int
    work: Work | None = None


def take_to_answer(
    session: Session, asked: Asked, event_id: str, lease: timedelta, follows: bool, settings: Settings
) -> Taken | None:
    """``take``, and ``prepare`` in the same transaction: one commit before the model is asked."""
    answer_id = take(session, asked, event_id, lease, follows)
    if answer_id is None:
        return None
    try:
        return Taken(answer_id, prepare(session, answer_id, settings, new=True))
    except ServingError:  # met again, and told, by whoever answers
        return Taken(answer_id)


def _take_new(session: Session, asked: Asked, lease: timedelta, follows: bool) -> int | None:
    question = asked.question
    where = (question.team_id, question.channel_id, question.thread_ts)
    if asked.kind is Kind.FOLLOW_UP and not follow_ups.goes_on(session, *where, default=follows):
        return None
    return answers.take_question(session, question, lease=lease)


@dataclass(frozen=True)
class Edit:
    """A question as it reads since its message was edited, ``at`` some time."""

    asked: Asked
    event_id: str
    at: datetime


def retake(session: Session, edit: Edit, lease: timedelta, follows: bool) -> int | None:
    """Take an edit, unless its event was taken before; the id of the question that is to be answered now.

    A message that was no question, or an empty one, has become one by its edit.
    """
    question = edit.asked.question
    where = (question.team_id, question.channel_id, question.question_ts)
    if not answers.take_delivery(session, edit.event_id):
        return None
    with contextlib.suppress(NotAsked):
        return rewording.reword(session, *where, question.text, at=edit.at, lease=lease)
    if not rewording.is_recent(question.question_ts, edit.at):
        return None
    taken = _take_new(session, edit.asked, lease, follows)
    if taken is None:  # it has just been taken, with its words before the edit; or it is talk between others
        with contextlib.suppress(NotAsked):
            return rewording.reword(session, *where, question.text, at=edit.at, lease=lease)
    return taken


class Intake:
    """The door that questions come in by; one for each process."""

    def __init__(
        self,
        database: AsyncDatabase,
        answering: Answering,
        settings: Settings,
        persona: str,
        unsaved: Unsaved,
        rhythm: Rhythm,
        napping: Napping,
    ) -> None:
        self._database, self._answering, self._settings, self._persona = database, answering, settings, persona
        self._unsaved, self._lease, self._napping = unsaved, rhythm.lease_time, napping
        self._queue = FairQueue(settings.slack.max_running_answers)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._twins, self._preparing = Twins(), 0
        self._told: set[int] = set()
        self._taking_over = asyncio.Lock()
        self._closing = False
        self._left: set[int] = set()  # leased, and not answered before the process ends

    async def ask(self, asked: Asked, event_id: str) -> None:
        """Take a question and begin to answer it; the same one again changes nothing."""
        question = asked.question
        if not question.text:
            await self._greet(asked, event_id)
            return
        try:
            message = (question.channel_id, question.question_ts)
            taken = await self._twins.once(message, lambda: self._take(asked, event_id))
        except DatabaseUnavailable:
            await self._keep(asked, event_id)
            return
        if taken is not None:
            with contextlib.suppress(DatabaseUnavailable):  # it is recorded, and taken again when its lease has ended
                await self._begin_in_turn(taken, _place(question))

    async def reword(self, asked: Asked, event_id: str) -> None:
        """A question was edited: answer it as it reads now, in place, if nobody has judged its answer yet."""
        edit = Edit(asked, event_id, datetime.now(UTC))
        if not asked.question.text:
            return
        try:
            await self._retake(edit)
        except DatabaseUnavailable:
            self._keep_in_file(asked, event_id, edited=True)

    async def _retake(self, edit: Edit) -> None:
        wanted = following.wish(edit.asked.question.text) if edit.asked.kind is Kind.MENTION else None
        if wanted is not None:
            await self._follow(edit.asked.question, wanted)
            return
        answer_id = await self._database.run(retake, edit, self._lease, self._follows(edit.asked))
        if answer_id is not None:
            self._begin(answer_id, _place(edit.asked.question))

    async def resave(self, entry: Entry) -> bool:
        """Take a question that was kept while PostgreSQL was away; True when it needs no further try."""
        data = dict(entry.data)
        event_id, kind, edited = str(data.pop("event_id")), Kind(data.pop("kind")), data.pop("edited", False)
        asked = Asked(kind, Question(**data))
        if time.time() - entry.at > self._settings.slack.patience:
            if kind is not Kind.FOLLOW_UP and not edited:
                await self._answering.say(_place(asked.question), FORGOTTEN)
            return True
        if edited:
            await self._retake(Edit(asked, event_id, datetime.fromtimestamp(entry.at, UTC)))
        elif (taken := await self._take(asked, event_id)) is not None:
            self._begin(taken.answer_id, _place(asked.question), taken.work)
        return True

    async def retry(self) -> None:
        """Take over pending questions, oldest first: those of dead processes, and those that waited for the model."""
        async with self._taking_over:
            await self._take_over()

    async def _take_over(self) -> None:
        waits = self._napping.waits
        nap = await self._napping.current()
        asleep = nap is not None and nap.training
        if asleep:
            self._napping.somebody_waits()
        free = self._queue.free
        if free == 0 or self._closing:
            return
        limit = free if self._napping.some_wait else min(free, 10)
        ids = await self._database.run(
            answers.take_unfinished, self._persona, lease=self._lease, limit=limit, untold=asleep
        )
        places = [(answer_id, place_of(await self._database.run(answers.get, answer_id))) for answer_id in ids]
        if len(ids) == limit and self._napping.on:
            self._napping.somebody_waits()
        elif nap is None and waits == self._napping.waits:
            self._napping.some_wait = False
        if self._closing:
            await self._leave(ids)
            return
        for answer_id, place in places:
            if ending := self._running.get(answer_id):  # its asker has just been told to wait
                ending.add_done_callback(partial(self._begin_again, answer_id, place))
            else:
                self._begin(answer_id, place)

    def _begin_again(self, answer_id: int, place: Place, _: asyncio.Task[None]) -> None:
        if self._closing:
            self._left.add(answer_id)
        else:
            self._begin(answer_id, place)

    async def _leave(self, ids: Iterable[int]) -> None:
        """Let the next process have them at once."""
        for answer_id in ids:
            with contextlib.suppress(DatabaseUnavailable):
                await self._database.run(answers.renew_lease, answer_id, lease=timedelta(0))

    async def renew(self) -> None:
        """Keep other processes from taking what runs, or waits its turn, here."""
        for answer_id in list(self._running):
            if answer_id in self._running and answer_id not in self._answering.put_off:
                await self._database.run(answers.renew_lease, answer_id, lease=self._lease)

    def take_over_no_more(self) -> None:
        """The process is about to end. What is asked here is still begun, and drained."""
        self._closing = True

    async def drain(self, seconds: float) -> None:
        """Let running answers end, for so long; what is left stays pending and free for the next process."""
        self.take_over_no_more()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._taking_over:
                pass  # a look that is under way leaves what it has taken
        tasks = dict(self._running)
        if tasks:
            await asyncio.wait(tasks.values(), timeout=seconds)
        for answer_id, task in tasks.items():
            if not task.done():
                task.cancel()
                self._left.add(answer_id)
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await self._leave(self._left)

    async def _begin_in_turn(self, taken: Taken, place: Place) -> None:
        """Begin a new question, after all that wait for the model server to be awake."""
        answer_id = taken.answer_id
        if not self._napping.some_wait:
            self._begin(answer_id, place, taken.work)
            return
        async with self._taking_over:  # a look that began during the nap takes those only whom nobody has told to wait
            await self._database.run(answers.renew_lease, answer_id, lease=timedelta(0))
            await self._take_over()
        if answer_id not in self._running:
            await self._answering.think(place)

    def _begin(self, answer_id: int, place: Place, work: Work | None = None) -> None:
        if answer_id in self._running:
            return
        task = asyncio.create_task(self._run(answer_id, place, work), name=f"answer-{answer_id}")
        self._running[answer_id] = task
        task.add_done_callback(lambda done: self._running.pop(answer_id, None))

    async def _run(self, answer_id: int, place: Place, work: Work | None) -> None:
        if not self._queue.free:
            work = None  # by the time of its turn another adapter may be live
            await self._answering.think(place)  # it waits its turn: show that it has arrived
        async with self._queue.turn(place.user):
            try:
                await self._answering.answer(answer_id, work)
            except DatabaseUnavailable:
                # It stays pending there, and is taken again when the database is back and its lease has ended.
                log.warning("answer without database", extra={"action": "answer_stalled", "answer_id": answer_id})
                if answer_id not in self._told:
                    self._told.add(answer_id)
                    await self._answering.say(place, FORGETFUL)
            except Exception as error:  # a bug: the asker must not wait for ever on a question that crashes each try
                log.exception("answer crashed", extra={"action": "answer_crashed", "answer_id": answer_id})
                await self._answering.fail(answer_id, place, f"{type(error).__name__}: {error}")
            else:
                self._told.discard(answer_id)

    async def _take(self, asked: Asked, event_id: str) -> Taken | None:
        """The question, once it is recorded; None when nothing is to be answered."""
        wanted = following.wish(asked.question.text) if asked.kind is Kind.MENTION else None
        if wanted is not None:
            await self._follow(asked.question, wanted)
            return None
        arguments = (asked, event_id, self._lease, self._follows(asked))
        if self._queue.free > self._preparing:
            self._preparing += 1
            try:
                return await self._database.run(take_to_answer, *arguments, self._settings)
            except DatabaseUnavailable:
                raise
            except Exception:  # a bug in what is looked up must not lose the question: its answer meets it again
                log.exception("not prepared", extra={"action": "question_not_prepared"})
            finally:
                self._preparing -= 1
        answer_id = await self._database.run(take, *arguments)
        return None if answer_id is None else Taken(answer_id)

    def _follows(self, asked: Asked) -> bool:
        return bool({"*", asked.question.channel_id} & set(self._settings.slack.follow_up_channels))

    async def _follow(self, question: Question, wanted: bool) -> None:
        changed = await self._database.run(following.switch, question, wanted)
        if changed is not None:
            await self._answering.say(_place(question), following.answer(wanted, changed))

    async def _greet(self, asked: Asked, event_id: str) -> None:
        question = asked.question
        if asked.kind is Kind.FOLLOW_UP:
            return
        key = f"empty:{question.channel_id}:{question.question_ts}"  # a mention comes as two events
        with contextlib.suppress(DatabaseUnavailable):
            if await self._database.run(answers.take_delivery, key):
                await self._answering.say(_place(question), EMPTY_DIRECT if asked.kind is Kind.DIRECT else EMPTY)

    async def _keep(self, asked: Asked, event_id: str) -> None:
        new = self._keep_in_file(asked, event_id)
        if new and asked.kind is not Kind.FOLLOW_UP:
            await self._answering.say(_place(asked.question), FORGETFUL)

    def _keep_in_file(self, asked: Asked, event_id: str, *, edited: bool = False) -> bool:
        """Keep a question, or beside it what it was edited to; False when that was kept before."""
        question = asked.question
        data = {**asdict(question), "event_id": event_id, "kind": asked.kind.value, "edited": edited}
        key = f"{question.channel_id}:{question.question_ts}{':edit' if edited else ''}"
        new = self._unsaved.keep(QUESTION, key, data)
        log.warning("question kept", extra={"action": "question_kept_in_file", "new": new})
        return new


def _place(question: Question) -> Place:
    return Place(question.channel_id, question.thread_ts, question.asker_id, question.asker_team_id)
