"""A question on its way to an answer: what the model is sent, what the thread shows meanwhile, and what is recorded."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from bot import napping, patching
from bot.blocks import Block, answer_footer
from bot.memory import QuestionTooLong, Turn, fit
from bot.napping import Napping
from bot.rhythm import Rhythm
from bot.sanitising import repetition
from bot.slack_errors import REFUSALS, Trouble, code, trouble
from bot.slack_messages import Place
from bot.streaming import Reply
from bot.text import is_blank
from bot.traffic import Traffic
from feedback import answers, patches, reviews, rewording
from feedback.answers import Outcome
from feedback.database import AsyncDatabase, DatabaseUnavailable
from feedback.models import Answer, Json
from feedback.naps import Nap
from feedback.patches import Correction
from feedback.persona import Persona
from feedback.states import AnswerStatus
from serving import routing
from serving.chat import ChatClient, Completion, Sampling
from serving.errors import AdapterLoadError, AdapterNotServed, PromptTooLong, ServingError
from serving.routing import Route
from settings import Settings

log = logging.getLogger(__name__)

AWAY = "I can't reach my model right now; your question is kept and I will answer when it is back."
GIVEN_UP = "I'm sorry: my model has been away for too long, so I won't answer this one. Please ask me again later."
UNPOSTED = "I could not post my answer; your question is kept and I will answer it again in a moment."
NEVER_POSTED = "I'm sorry: Slack would not take my answer for too long, so I give this one up. Please ask me again."
TOO_LONG = "That is more than I can read at once. Please ask me in fewer words, or about a part of it."
NOTHING_SAID = "I have no answer to that. Could you put it another way?"
REPEATED = "I cut this short: I began to repeat myself."
CUT = "I stopped here: this is as long as my answers may be."
TIRED = 200  # characters between two looks for a repetition
RECORD_ATTEMPTS, RECORD_PAUSE = 120, 5.0
SAY_ATTEMPTS = 4  # a second apart


def place_of(answer: Answer) -> Place:
    """Where an answer goes."""
    return Place(answer.channel_id, answer.thread_ts, answer.asker_id, answer.asker_team_id)


@dataclass(frozen=True)
class Work:
    """All that is needed to answer one question."""

    answer: Answer
    turns: Sequence[Turn]
    route: Route
    half: Sequence[str]  # messages of an attempt that was cut off
    patch: Sequence[Correction] = ()  # approved corrections that answer it, and that the adapter has not learned
    fallbacks: Sequence[Route] | None = None  # those left; None: nobody has had to look for them

    @property
    def place(self) -> Place:
        """Where the answer goes."""
        return place_of(self.answer)


@dataclass(frozen=True)
class Said:
    """What the model said, and why it ended there."""

    completion: Completion | None
    note: str = ""
    error: str | None = None


@dataclass(frozen=True)
class Delay:
    """Why a question waits: what its asker is told now, and what if it has waited for too long."""

    kept: str
    given_up: str


NO_MODEL = Delay(AWAY, GIVEN_UP)
SLACK_REFUSES = Delay(UNPOSTED, NEVER_POSTED)


def prepare(session: Session, answer_id: int, settings: Settings, *, new: bool = False) -> Work | None:
    """Collect a pending question's thread and pin its adapter; None when it is answered already.

    ``new``: it was recorded a moment ago, so that nothing of its answer can be in Slack.
    """
    answer = answers.get(session, answer_id)
    if answer.status is not AnswerStatus.PENDING:
        return None
    earlier = answers.earlier_in_thread(session, answer)
    # A wrong answer left in the thread would teach itself again at once.
    flagged = reviews.flagged_among(session, [one.id for one in earlier])
    turns = [Turn(one.question, one.text) for one in earlier if one.text and one.id not in flagged]
    route = routing.route_answer(session, answer, settings.serving)
    answers.start(session, answer_id, route.adapter_id, route.served_name)
    patch: list[Correction] = []
    if settings.slack.instant_patch:
        patch = patching.fitting(answer.question, patches.not_learned(session, answer.persona, route.adapter_id))
    half = [] if new else answers.message_ts(session, answer_id)
    return Work(answer, turns, route, half, patch)


class Answering:
    """Answers one question at a time for each call; the calls run beside one another."""

    def __init__(
        self,
        database: AsyncDatabase,
        chat: ChatClient,
        client: AsyncWebClient,
        persona: Persona,
        settings: Settings,
        traffic: Traffic,
        rhythm: Rhythm,
        napping: Napping,
    ) -> None:
        self._database, self._chat, self._client = database, chat, client
        self._persona, self._settings, self._traffic = persona, settings, traffic
        self._rhythm, self._napping = rhythm, napping
        serving = settings.serving
        self._sampling = Sampling(serving.temperature, serving.max_tokens)
        self._budget = serving.max_model_len - serving.max_tokens
        self.put_off: set[int] = set()  # for a later try, while their askers are being told

    async def answer(self, answer_id: int, work: Work | None = None) -> None:
        """Answer a question that this process has leased, or leave it pending for a later try.

        ``work`` is what ``prepare`` has found a moment ago, if anybody has asked it.

        Raises:
            DatabaseUnavailable: nothing was shown; the question stays pending.
        """
        try:
            while await self._attempt(answer_id, work):
                work = None
                log.info("reworded", extra={"action": "question_reworded", "answer_id": answer_id})
        finally:
            self.put_off.discard(answer_id)

    async def _attempt(self, answer_id: int, work: Work | None) -> bool:
        """Answer once; True when the question was edited meanwhile, so that its answer is to be written over."""
        if await self._napping.current():
            await self._postpone(answer_id, napping.ASLEEP)
            return False
        try:
            work = work or await self._database.run(prepare, answer_id, self._settings)
        except ServingError as error:  # the base model's folder is away, say
            await self._postpone(answer_id, str(error))
            return False
        return work is not None and await self._answer(work)

    async def say(self, place: Place, text: str, blocks: Sequence[Block] = ()) -> None:
        """Post a line of our own into the thread; it is no answer, so votes on it count for nothing."""
        for _ in range(SAY_ATTEMPTS):
            await self._traffic.spacing.turn(place.channel)
            try:
                await self._client.chat_postMessage(
                    channel=place.channel,
                    thread_ts=place.thread_ts,
                    text=text,
                    blocks=list(blocks) or None,
                    unfurl_links=False,
                )
            except REFUSALS as error:
                log.warning("not said", extra={"action": "message_refused", "error": code(error) or repr(error)})
                if trouble(error) is not Trouble.HICCUP:
                    return
            else:
                return

    async def think(self, place: Place, status: str = "is thinking…") -> None:
        """Show that the question has arrived. A nicety: its failure is none."""
        with contextlib.suppress(*REFUSALS):
            await self._client.assistant_threads_setStatus(
                channel_id=place.channel, thread_ts=place.thread_ts, status=status
            )

    async def fail(self, answer_id: int, place: Place, error: str) -> None:
        """End a question that a fault of ours keeps from being answered."""
        await self.say(place, f"I'm sorry, something went wrong on my side (reference A{answer_id}). Please ask again.")
        with contextlib.suppress(DatabaseUnavailable):
            await self._database.run(answers.finish, answer_id, Outcome(AnswerStatus.FAILED, error=error))

    async def _answer(self, work: Work) -> bool:
        async with self._thinking(work.place) as status:
            try:
                messages = await fit(
                    self._persona.system_prompt,
                    [*work.turns, *patching.as_turns(work.patch)],
                    work.answer.question,
                    budget=self._budget,
                    count_tokens=self._chat.count_tokens,
                )
            except QuestionTooLong:
                await status
                return await self._refuse(work, TOO_LONG, "the question does not fit the model's window")
            except ServingError as error:
                await status
                await self._postpone(work.answer.id, str(error))
                return False
            return await self._stream(replace(work, patch=patching.in_prompt(work.patch, messages)), messages, status)

    @asynccontextmanager
    async def _thinking(self, place: Place) -> AsyncIterator[asyncio.Task[None]]:
        """``think`` while the model is asked already. It has to be awaited before anything is posted: a status that
        arrived after the answer would stay there."""
        status = asyncio.create_task(self.think(place))
        try:
            yield status
        finally:
            status.cancel()
            await asyncio.wait({status})

    async def _stream(self, work: Work, messages: list[Json], status: asyncio.Task[None]) -> bool:
        async def register(ts: str) -> None:
            with contextlib.suppress(DatabaseUnavailable):  # again when the outcome is recorded
                await self._database.run(
                    answers.add_message, work.answer.id, work.answer.team_id, work.answer.channel_id, ts
                )

        async with Reply(self._client, work.place, self._traffic, register, work.half, after=status) as reply:
            try:
                work, said = await self._generate_by_any(work, messages, reply)
            except PromptTooLong as error:
                said = Said(None, error=str(error))
                reply.replace(TOO_LONG)
            except ServingError as error:
                await reply.leave()
                await self._postpone(work.answer.id, str(error))
                return False
            if await self._is_outdated(work):
                await reply.leave()
                return True
            if is_blank(reply.text):
                said = Said(said.completion, error=said.error or "the model said nothing")
                reply.replace(NOTHING_SAID)
            footer = answer_footer(" ".join(filter(None, [said.note, patching.note(work.patch)])))
            if not await reply.close(footer) and not reply.stopped:
                return await self._unshown(work, reply)
            return not await self._record(work, self._outcome(work, messages, said, reply), reply.messages)

    async def _is_outdated(self, work: Work) -> bool:
        with contextlib.suppress(DatabaseUnavailable):  # asked again when the outcome is recorded
            return await self._database.run(rewording.outdated, work.answer)
        return False

    async def _generate_by_any(self, work: Work, messages: list[Json], reply: Reply) -> tuple[Work, Said]:
        """Ask the live adapter; one whose files are gone or broken must not leave people without any answer."""
        try:
            return work, await self._generate(work, messages, reply)
        except (AdapterNotServed, AdapterLoadError) as error:
            if reply.messages or not (fallbacks := await self._fallbacks(work)):
                raise
            route, *left = fallbacks
            extra = {"action": "adapter_fallen_back", "adapter": work.route.served_name, "to": route.served_name}
            log.error("The live adapter cannot be served: %s", error, extra=extra)
            await self._database.run(answers.start, work.answer.id, route.adapter_id, route.served_name)
            return await self._generate_by_any(replace(work, route=route, fallbacks=left), messages, reply)

    async def _fallbacks(self, work: Work) -> Sequence[Route]:
        if work.fallbacks is not None:
            return work.fallbacks
        return await self._database.run(routing.fallbacks, work.route.adapter_id, self._settings.serving)

    async def _generate(self, work: Work, messages: list[Json], reply: Reply) -> Said:
        looked_at = 0
        async with self._chat.stream(messages, work.route.served_name, self._sampling) as stream:
            so_far = ""
            async for piece in stream:
                so_far += piece
                reply.write(piece)
                if reply.stopped:
                    return Said(stream.completion, error="stopped by its asker")
                if len(so_far) - looked_at >= TIRED:
                    looked_at = len(so_far)
                    if repetition(so_far) is not None or await self._is_outdated(work):
                        break
        if (end := repetition(so_far)) is not None:
            reply.replace(so_far[:end].strip() + " …")
            return Said(stream.completion, REPEATED, error="the model repeated itself")
        return Said(stream.completion, CUT if stream.completion.finish_reason == "length" else "")

    async def _unshown(self, work: Work, reply: Reply) -> bool:
        """Nobody has seen the answer, so the question has none: it is for a later try, where there can be one."""
        if reply.lost:
            error = "Slack takes no message of mine there"
            await self._record(work, Outcome(AnswerStatus.FAILED, error=error), reply.messages)
        else:
            await self._postpone(work.answer.id, "Slack did not take the answer", SLACK_REFUSES)
        return False

    async def _refuse(self, work: Work, text: str, error: str) -> bool:
        await self.say(work.place, text)
        return not await self._record(work, Outcome(AnswerStatus.FAILED, text=text, error=error), [])

    async def _postpone(self, answer_id: int, error: str, delay: Delay = NO_MODEL) -> None:
        """Leave a question pending and tell its asker once; or, when it has waited too long, that it ends here."""
        self.put_off.add(answer_id)
        row = await self._database.run(answers.get, answer_id)
        place = place_of(row)
        nap = await self._napping.current() if delay is NO_MODEL else None
        if nap:
            self._napping.somebody_waits()
        if nap and nap.training:
            await self._wait_for_waking(answer_id, place, nap)
            return
        waited = await self._napping.waited(row.created_at)
        log.warning("answer postponed", extra={"action": "answer_postponed", "answer_id": answer_id, "error": error})
        if waited > self._settings.slack.patience:
            await self._database.run(answers.finish, answer_id, Outcome(AnswerStatus.FAILED, error=error))
            await self.say(place, delay.given_up)
            return
        # A server that was not woken is asked at each look, so that whoever asks after its waking comes after this one.
        retry_in = timedelta(0) if nap else self._rhythm.retry_time
        if await self._database.run(answers.postpone, answer_id, error=error, retry_in=retry_in):
            await self.say(place, delay.kept)

    async def _wait_for_waking(self, answer_id: int, place: Place, nap: Nap) -> None:
        """Leave a question pending for as long as the training takes; a thread is told once."""
        first = await self._database.run(answers.wait_for_waking, answer_id, error=napping.ASLEEP)
        extra = {"action": "answer_waits_for_waking", "answer_id": answer_id, "run_id": nap.run_id}
        log.info("asleep", extra=extra)
        now = datetime.now(UTC)
        if first:
            text = napping.told(nap, now)
            await self.say(place, text, napping.with_stop(text, answer_id))
        await self.think(place, napping.status(nap, now))

    async def _record(self, work: Work, outcome: Outcome, messages: Sequence[str]) -> bool:
        """Write what became of the question, if it still is the question.

        It is shown already, so a database that is away is waited for.
        """
        for attempt in range(RECORD_ATTEMPTS):
            try:
                if not await self._database.run(record, work, outcome, messages):
                    return False
            except DatabaseUnavailable:
                if attempt == RECORD_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(RECORD_PAUSE)
            else:
                extra = {"action": "question_answered", "answer_id": work.answer.id, "status": outcome.status}
                log.info("answered", extra={**extra, "adapter": work.route.served_name, "ms": outcome.total_ms})
                return True
        return False

    def _outcome(self, work: Work, messages: list[Json], said: Said, reply: Reply) -> Outcome:
        done = said.completion
        return Outcome(
            status=AnswerStatus.STOPPED if reply.stopped else AnswerStatus.ANSWERED,
            text=reply.words,
            messages=messages,
            adapter_id=work.route.adapter_id,
            served_name=work.route.served_name,
            base_model=str(self._settings.serving.base_model),
            sampling=asdict(self._sampling),
            first_token_ms=done.first_token_ms if done else None,
            total_ms=done.total_ms if done else None,
            prompt_tokens=done.prompt_tokens if done else None,
            completion_tokens=done.completion_tokens if done else None,
            error=said.error,
        )


def record(session: Session, work: Work, outcome: Outcome, messages: Sequence[str]) -> bool:
    """Remember every message that carries an answer, and the corrections that were in its prompt, and finish its
    question; False when it has other words by now."""
    answer = work.answer
    for ts in messages:
        answers.add_message(session, answer.id, answer.team_id, answer.channel_id, ts)
    settled = rewording.settled(session, answer)
    if settled and answers.get(session, answer.id).status is AnswerStatus.PENDING:
        patches.write(session, answer.id, [one.case_id for one in work.patch] if outcome.messages else [])
        answers.finish(session, answer.id, outcome)
    return settled
