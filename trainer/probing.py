"""Running probes: the same questions, with the same system prompt as people's, put to one adapter under its name."""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from feedback.models import Json
from feedback.reports import Result
from serving.chat import ChatClient, Sampling
from serving.errors import PromptTooLong, ServingUnavailable
from trainer.case_probes import CaseProbe, grade_case
from trainer.patience import patiently
from trainer.probes import Grade, Probe, ProbeError, grade

log = logging.getLogger(__name__)

IN_FLIGHT = 4  # at once: the people's questions share the server
ALONE = 8  # while the server answers nobody else: on two cores a third more tokens a second (bench.dtype)
PRIORITY = 10  # behind people's questions in vLLM's queue (theirs are 0)

AnyProbe = Probe | CaseProbe
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Examiner:
    """What every probe of a run is asked with."""

    chat: ChatClient
    base_model: str
    system_prompt: str
    patience: float
    """Seconds to wait for a server that is away."""

    def messages(self, probe: AnyProbe) -> list[Json]:
        """The probe as the bot would ask it."""
        return [{"role": "system", "content": self.system_prompt}, {"role": "user", "content": probe.prompt}]

    def conditions(self, probe: AnyProbe) -> str:
        """A hash that is the same only where the same answer can be expected of the same adapter."""
        asked = [self.base_model, self.messages(probe), probe.max_tokens]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


async def run_probes(
    examiner: Examiner, served_name: str, probes: Sequence[AnyProbe], on_answer: Callable[[int], None]
) -> list[Result]:
    """Ask every probe, greedily, and grade the answers, in no fixed order; `on_answer` gets the number done so far.

    Raises:
        ProbeError: a probe could not be asked or graded. That is no verdict on the adapter.
        ServingUnavailable: the server did not come back in time.
    """
    done = 0

    async def one(probe: AnyProbe) -> Result:
        nonlocal done
        result = await _ask(examiner, served_name, probe)
        done += 1
        on_answer(done)
        return result

    # The longest first, so that none of them is left to run alone at the end.
    return await _few_at_once(examiner.chat, one, sorted(probes, key=lambda probe: -probe.max_tokens))


async def likelihoods(examiner: Examiner, served_name: str, answers: Sequence[tuple[AnyProbe, str]]) -> list[float]:
    """How likely each answer is to its probe, as the mean log-likelihood of its tokens. Nothing is generated.

    Raises:
        ProbeError: an answer is longer than the server can read.
        ServingUnavailable: the server did not come back in time.
    """

    async def one(pair: tuple[AnyProbe, str]) -> float:
        probe, answer = pair
        messages = examiner.messages(probe)
        try:
            return await patiently(
                lambda: examiner.chat.likelihood(messages, served_name, answer, priority=PRIORITY), examiner.patience
            )
        except PromptTooLong as error:
            raise ProbeError(f"probe {probe.id}: {error}") from error

    return await _few_at_once(examiner.chat, one, answers)


def not_asked(examiner: Examiner, probe: CaseProbe, likelihood: float) -> Result:
    """The result of a probe that is left out because the right answer is too unlikely; it can still be asked later."""
    reason = f"was not asked: what was corrected is too unlikely ({likelihood:.1f} per token)"
    left_out = _result(examiner, probe, "", Grade(False, reason))
    return replace(left_out, conditions="", likelihood=likelihood, asked=False)


class Turns:
    """Places on a server that people share: more of them while it answers nobody else."""

    def __init__(self, chat: ChatClient) -> None:
        self._chat, self._taken = chat, 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place."""
        async with self._changed:
            while not await self._free():
                await self._changed.wait()
            self._taken += 1
        try:
            yield
        finally:
            async with self._changed:
                self._taken -= 1
                self._changed.notify()

    async def _free(self) -> bool:
        if self._taken < IN_FLIGHT or self._taken >= ALONE:
            return self._taken < IN_FLIGHT
        try:
            return await self._chat.requests() <= self._taken
        except ServingUnavailable:
            return False  # those under way meet it as well, and wait for it


async def _few_at_once(chat: ChatClient, ask: Callable[[S], Awaitable[T]], items: Sequence[S]) -> list[T]:
    turns = Turns(chat)

    async def in_turn(item: S) -> T:
        async with turns.one():
            return await ask(item)

    tasks = [asyncio.create_task(in_turn(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(examiner: Examiner, served_name: str, probe: AnyProbe) -> Result:
    sampling = Sampling(temperature=0.0, max_tokens=probe.max_tokens)
    messages = examiner.messages(probe)
    try:
        completion = await patiently(
            lambda: examiner.chat.complete(messages, served_name, sampling, priority=PRIORITY), examiner.patience
        )
    except PromptTooLong as error:
        raise ProbeError(f"probe {probe.id}: {error}") from error
    # Grading may run code in a process of its own, and must not stop the event loop meanwhile.
    marked = await asyncio.to_thread(mark, probe, completion.text)
    return _result(examiner, probe, completion.text, marked)


def mark(probe: AnyProbe, answer: str) -> Grade:
    """Whether an answer passes, whichever kind of probe it is."""
    if isinstance(probe, CaseProbe):
        return grade_case(probe.correction, probe.question, answer)
    return grade(probe, answer)


def reuse(
    examiner: Examiner, probes: Sequence[AnyProbe], known: Sequence[Result] | None
) -> tuple[list[Result], list[AnyProbe]]:
    """Results that an adapter's earlier report holds already, and the probes that are left to ask.

    An old answer is graded again, since what is expected of it may have been edited.
    """
    answered: Mapping[tuple[str, str], Result] = {(old.probe_id, old.conditions): old for old in known or ()}
    results: list[Result] = []
    left: list[AnyProbe] = []
    for probe in probes:
        old = answered.get((probe.id, examiner.conditions(probe)))
        if old is None:
            left.append(probe)
        else:
            again = _result(examiner, probe, old.answer, mark(probe, old.answer))
            results.append(replace(again, likelihood=old.likelihood))
    return results, left


def _result(examiner: Examiner, probe: AnyProbe, answer: str, marked: Grade) -> Result:
    result = Result(
        probe_id=probe.id,
        group=str(probe.group),
        prompt=probe.prompt,
        answer=answer,
        passed=marked.passed,
        reason=marked.reason,
        conditions=examiner.conditions(probe),
    )
    return replace(result, case_id=probe.case_id) if isinstance(probe, CaseProbe) else result
