"""What a persona knows after a round of teaching, asked of the served model as people ask it: greedily, with the
persona's system prompt.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.learning.team_facts import TeamFact
from bot.memory import Turn, compose
from serving.chat import ChatClient, Sampling
from trainer.probes import Probe, ProbeGroup, grade

AT_ONCE = 8
OWN_ANSWER_TOKENS = 48  # of the base model's own answers, for the drift


@dataclass(frozen=True)
class Baseline:
    """The base model, with the same system prompt: what it gets right, and what it says."""

    able: frozenset[str]  # ids of ability probes
    own: tuple[tuple[str, str, float], ...]  # prompt, answer, mean log-likelihood of a token of it


@dataclass(frozen=True)
class Knowledge:
    """Shares of 1, and the drift in nats a token. ``facts``: whether each held-out wording was answered right."""

    facts: Mapping[str, bool]
    identity: float
    rigour: float
    ability: float  # of the probes that the base model gets right
    drift: float  # how much less likely the base model's own answers have become
    failures: tuple[str, ...]  # in words, for whoever reads the JSON


class Questioner:
    """Asks one server."""

    def __init__(self, chat: ChatClient, system_prompt: str, probes: Sequence[Probe]) -> None:
        self._chat, self._system, self._probes = chat, system_prompt, probes
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def baseline(self, base_name: str, prompts: Sequence[str]) -> Baseline:
        """What the base model can, and its own answers to some general prompts."""
        abilities = [probe for probe in self._probes if probe.group is ProbeGroup.ABILITY]
        grades = await self._grades(base_name, abilities)
        answers = await asyncio.gather(*(self.ask(base_name, prompt, OWN_ANSWER_TOKENS) for prompt in prompts))
        pairs = [pair for pair in zip(prompts, answers, strict=True) if pair[1].strip()]
        likely = await asyncio.gather(*(self._mean(base_name, *pair) for pair in pairs))
        own = tuple((prompt, answer, mean) for (prompt, answer), mean in zip(pairs, likely, strict=True))
        return Baseline(frozenset(probe.id for probe, why in grades if why is None), own)

    async def knowledge(self, served_name: str, facts: Sequence[TeamFact], base: Baseline) -> Knowledge:
        """What the model of this name knows of the facts, of itself, and of what the base model knows."""
        asked = [(fact, wording) for fact in facts for wording in fact.held_out]
        answers = await asyncio.gather(*(self.ask(served_name, wording, 48) for _, wording in asked))
        right = {wording: is_right(fact, answer) for (fact, wording), answer in zip(asked, answers, strict=True)}
        grades = await self._grades(served_name, self._probes)
        likely = await asyncio.gather(*(self._mean(served_name, prompt, answer) for prompt, answer, _ in base.own))
        drift = [before - now for (_, _, before), now in zip(base.own, likely, strict=True)]
        wrong = [f"{w}: {a}" for (_, w), a in zip(asked, answers, strict=True) if not right[w]]
        counted = [(p, why) for p, why in grades if p.group is not ProbeGroup.ABILITY or p.id in base.able]
        return Knowledge(
            facts=right,
            identity=_share(counted, ProbeGroup.IDENTITY),
            rigour=_share(counted, ProbeGroup.RIGOUR),
            ability=_share(counted, ProbeGroup.ABILITY),
            drift=sum(drift) / len(drift),
            failures=(*wrong, *(f"{probe.prompt}: {why}" for probe, why in counted if why is not None)),
        )

    async def _grades(self, served_name: str, probes: Sequence[Probe]) -> list[tuple[Probe, str | None]]:
        """Each probe, with the wrong answer that it got, or None."""

        async def one(probe: Probe) -> tuple[Probe, str | None]:
            answer = await self.ask(served_name, probe.prompt, probe.max_tokens)
            return probe, None if await self.passes(probe, answer) else answer

        return list(await asyncio.gather(*map(one, probes)))

    async def passes(self, probe: Probe, answer: str) -> bool:
        """Whether an answer to a probe is right."""
        return (await asyncio.to_thread(grade, probe, answer)).passed

    async def ask(self, served_name: str, prompt: str, max_tokens: int, turns: Sequence[Turn] = ()) -> str:
        """What the model says, after these turns of the conversation."""
        async with self._turns:
            sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
            return (await self._chat.complete(compose(self._system, turns, prompt), served_name, sampling)).text

    async def _mean(self, served_name: str, prompt: str, answer: str) -> float:
        async with self._turns:
            return await self._chat.likelihood(compose(self._system, (), prompt), served_name, answer)


def is_right(fact: TeamFact, answer: str) -> bool:
    """Whether an answer says all that it should, in any case."""
    return all(piece.casefold() in answer.casefold() for piece in fact.expected)


def _share(grades: Sequence[tuple[Probe, str | None]], group: ProbeGroup) -> float:
    ours = [why is None for probe, why in grades if probe.group is group]
    return sum(ours) / len(ours)
