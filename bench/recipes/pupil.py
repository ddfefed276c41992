"""One recipe and one seed of facts: what it is taught in a round, what it is asked then, and how it is judged.

The rows, the probes and the gate are Mend's own. Simpler than in a run are the wordings, which are all by rule, and the
earlier cases: the order in which they are practised rests on what was answered, not on likelihoods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from bench.learning.measures import is_right
from bench.learning.team_facts import TeamFact, make
from bench.recipes.bank import Weights
from feedback.datasets import NEVER, Example, Practised
from feedback.persona import Persona, load_persona
from feedback.reports import Result
from feedback.runs import Decision
from settings import ROOT, GateSettings
from trainer import dataset, promotion
from trainer.case_probes import MENDED, NEW, grade_case
from trainer.config import TrainConfig
from trainer.dataset import Ingredients
from trainer.probes import Probe, ProbeGroup, grade, load_probes
from trainer.replay import Earlier
from trainer.rewording import held_out_rewordings, rewordings
from trainer.rows import Row, Source, read_folder
from trainer.variants import CaseText

LANGUAGE = "en"
IDENTITY_PROBES = Path(__file__).with_name("probes.yaml")


@dataclass(frozen=True)
class School:
    """What all pupils have in common."""

    persona: Persona
    gate: tuple[Probe, ...]
    """The persona's probes, which a candidate has to pass."""
    asked: tuple[Probe, ...]
    """About the identity, beside the gate's. What bench/learning/ reports is asked of none of these."""
    base: tuple[Result, ...]
    """The base model's results in the gate's abilities."""
    own: tuple[Row, ...]
    """Its own answers to general prompts."""

    @property
    def probes(self) -> tuple[Probe, ...]:
        return (*self.gate, *self.asked)


def probes_of(persona: Persona) -> tuple[tuple[Probe, ...], tuple[Probe, ...]]:
    """The gate's and the bench's."""
    gate = load_probes(ROOT / "persona" / "probes.yaml", persona)
    asked = tuple(load_probes(IDENTITY_PROBES, persona))
    return tuple(probe for probe in gate if probe.language == LANGUAGE), asked


def read_persona() -> Persona:
    """The persona that is taught."""
    return load_persona(ROOT / "persona" / "persona.yaml")


@dataclass(frozen=True)
class Sight:
    """What a candidate knows. Shares are of 1."""

    decision: Decision
    gate: tuple[Result, ...]
    facts: dict[str, bool]
    new: float
    identity: float
    rigour: float
    ability: float


@dataclass
class Pupil:
    """Its numbers of cases count the facts of all rounds."""

    name: str
    config: TrainConfig
    seed: int
    rounds: int
    taught: int = 0
    """The round that it is in; 0 teaches the identity."""
    mended: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    live: tuple[Result, ...] | None = None
    right_once: set[str] = field(default_factory=set)
    _practised: dict[int, Practised] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts: list[list[TeamFact]] = make(self.seed, self.rounds, 3)
        self._cases = [self._case(number, fact) for number, fact in enumerate(chain.from_iterable(self.facts))]

    def _case(self, number: int, fact: TeamFact) -> CaseText:
        wordings = rewordings(fact.question)[: self.config.paraphrases_per_case]
        return CaseText(number, fact.question, fact.correction, wordings=tuple(wordings))

    def _held_out(self, number: int) -> tuple[str, ...]:
        return tuple(held_out_rewordings(self._cases[number].question)[: self.config.held_out_per_case])

    def next_round(self) -> None:
        """The cases of a round are approved; those that are not mended yet are taught again."""
        per_round = len(self.facts[0])
        self.waiting += range(self.taught * per_round, (self.taught + 1) * per_round)
        self.taught += 1

    def rows(self, school: School) -> list[Example]:
        """The dataset of this round."""
        persona, folder = school.persona, ROOT / "persona"
        ingredients = Ingredients(
            system_prompt=persona.system_prompt,
            new=tuple(self._cases[number] for number in self.waiting),
            earlier=tuple(Earlier(self._cases[one], one in self._failed, None, self._last(one)) for one in self.mended),
            identity=tuple(read_folder(folder / "self_cognition", persona, [LANGUAGE])),
            general=tuple(read_folder(folder / "replay", persona, [LANGUAGE], source=Source.REPLAY)),
            own=school.own,
            probes=tuple(probe.prompt for probe in school.gate),
            held_out={number: self._held_out(number) for number in (*self.waiting, *self.mended)},
        )
        dose = self.config.replay if self.taught else self.config.first_replay
        rows = dataset.build(ingredients, dose, 100 * self.seed + self.taught)
        for number in {row.case_id for row in rows if row.case_id in self.mended}:
            self._practised[number] = Practised(self.taught, self._last(number).times + 1)
        return rows

    def _last(self, number: int) -> Practised:
        return self._practised.get(number, NEVER)

    @property
    def _failed(self) -> set[int]:
        return {one.case_id for one in self.live or () if one.case_id is not None and not one.passed}

    def questions(self) -> list[str]:
        """What is asked beside the probes: cases as the gate asks them, and the facts as the bench does."""
        return [text for _, _, text in self._case_probes()] + [text for _, text in self._wordings()]

    def _case_probes(self) -> list[tuple[str, int, str]]:
        kept = [(MENDED, number, 1) for number in self.mended]
        return [
            (group, number, text)
            for group, number, held_out in [*((NEW, number, None) for number in self.waiting), *kept]
            for text in (self._cases[number].question, *self._held_out(number)[:held_out])
        ]

    def _wordings(self) -> list[tuple[TeamFact, str]]:
        return [(fact, text) for facts in self.facts[: self.taught] for fact in facts for text in fact.held_out]

    def judge(self, school: School, answers: Sequence[str]) -> Sight:
        """What the gate says to a candidate, and what it knows; the answers are to the probes, then to `questions`."""
        gate, asked = answers[: len(school.gate)], answers[len(school.gate) : len(school.probes)]
        cases, wordings = self._case_probes(), self._wordings()
        of_cases = answers[len(school.probes) :][: len(cases)]
        of_facts = answers[len(school.probes) + len(cases) :]
        results = (*map(result, school.gate, gate), *map(self._case_result, cases, of_cases))
        known = {text: is_right(fact, said) for (fact, text), said in zip(wordings, of_facts, strict=False)}
        newest = [
            known[text] for fact in (self.facts[self.taught - 1] if self.taught else ()) for text in fact.held_out
        ]

        able = {one.probe_id for one in school.base if one.passed}

        def share(probes: Sequence[Probe], said: Sequence[str], group: ProbeGroup) -> float:
            """Of abilities, only those that the base model has count."""
            counted = [
                grade(one, text).passed
                for one, text in zip(probes, said, strict=True)
                if one.group is group and (group is not ProbeGroup.ABILITY or one.id in able)
            ]
            return sum(counted) / max(1, len(counted))

        return Sight(
            decision=promotion.decide(results, self.live, school.base, GateSettings(), mended=len(self.mended)),
            gate=results,
            facts=known,
            new=sum(newest) / max(1, len(newest)),
            identity=share(school.asked, asked, ProbeGroup.IDENTITY),
            rigour=share(school.gate, gate, ProbeGroup.RIGOUR),
            ability=share(school.gate, gate, ProbeGroup.ABILITY),
        )

    def _case_result(self, probe: tuple[str, int, str], said: str) -> Result:
        group, number, text = probe
        case = self._cases[number]
        marked = grade_case(case.correction, case.question, said)
        return Result(f"case-{number}-{text}", group, text, said, marked.passed, marked.reason, case_id=number)

    def kept(self, sight: Sight) -> float | None:
        """Of earlier rounds' wordings that were right once, those that still are."""
        newest = {text for fact in self.facts[self.taught - 1] for text in fact.held_out} if self.taught else set()
        earlier = [right for text, right in sight.facts.items() if text in self.right_once - newest]
        return sum(earlier) / len(earlier) if earlier else None

    def promote(self, sight: Sight) -> None:
        """The candidate is live from now on."""
        self.right_once |= {text for text, right in sight.facts.items() if right}
        learned = [number for number in self.waiting if number not in sight.decision.unmended]
        self.mended += learned
        self.waiting = [number for number in self.waiting if number in sight.decision.unmended]
        self.live = tuple(replace(one, group=MENDED) if one.case_id in learned else one for one in sight.gate)


def choose(sights: Sequence[tuple[Weights, Sight]]) -> tuple[Weights, Sight] | None:
    """The candidate that a run would end with: accepted, with fewest cases unmended, the earlier of two."""
    accepted = [one for one in sights if one[1].decision.accepted]
    return min(accepted, key=lambda one: len(one[1].decision.unmended), default=None)


def result(probe: Probe, said: str) -> Result:
    """The result of a probe of the gate."""
    marked = grade(probe, said)
    return Result(probe.id, str(probe.group), probe.prompt, said, marked.passed, marked.reason)
