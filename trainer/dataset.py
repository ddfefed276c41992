"""The rows of one run: new cases, earlier cases, identity and general replay, chosen by rule and seed.

Every row carries the persona's system prompt, the same text that every answer is asked with: what the file's hash
stands for is then all that the model sees. Replay of general skills is the curated pairs of `persona/replay/` and,
where a configuration says so, the base model's own answers. General sets are read by ms-swift itself; the hash holds
their names.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from rapidfuzz import fuzz

from feedback import content_hash
from feedback.datasets import EARLIER, REJECTED, Example
from feedback.models import Json
from feedback.recipe import drawn_of, in_proportion
from trainer.config import Method, Replay
from trainer.preference import read_by_swift, with_rejected
from trainer.replay import Earlier, draw
from trainer.rewording import rewordings
from trainer.rows import Message, Row, RowError, problem_in
from trainer.telling_apart import sharing_a_topic, without_the_topic_alone
from trainer.variants import NEAR_DUPLICATE, CaseText, gives_away
from trainer.wearing import worn
from trainer.wording import normalised

T = TypeVar("T")

CASE, IDENTITY, GENERAL, OWN_ANSWER = "case", "identity", "general", "own_answer"
GENERAL_SET = "general_set"  # rows that ms-swift reads from elsewhere, which are in no dataset of ours


@dataclass(frozen=True)
class Ingredients:
    """All that a dataset may be made of."""

    system_prompt: str
    new: tuple[CaseText, ...]
    earlier: tuple[Earlier, ...]
    """Those that are practised again, or more than there are rows for."""
    identity: tuple[Row, ...]
    general: tuple[Row, ...]
    own: tuple[Row, ...] = ()
    """The base model's own answers, of which the recipe's number is drawn."""
    known: tuple[CaseText, ...] = ()
    """All that the line has learned, also what has no row in this run: new cases are told apart from that, too."""
    probes: tuple[str, ...] = ()
    held_out: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Held-out wordings by case. Nothing is worn until it reads like one of them, or like a probe."""


def build(ingredients: Ingredients, replay: Replay, seed: int, method: Method = "sft") -> list[Example]:
    """The rows of a run in their order; the same arguments give the same rows.

    New cases are there whole, each row as often as the dose says; its copies are worn (see trainer/wearing.py), unless
    cases about one thing have to be told apart (see trainer/telling_apart.py). All else has a number of rows that does
    not grow, and is in proportion to the new ones where the dose says so.

    Raises:
        RowError: a case cannot be trained on as it is.
    """
    system = ingredients.system_prompt
    held_out = _HeldOut.of(ingredients)
    alike = sharing_a_topic([*ingredients.new, *(one.case for one in ingredients.earlier), *ingredients.known])

    def apart(case: CaseText) -> CaseText:
        return without_the_topic_alone(case) if case.case_id in alike else case

    def copied(case: CaseText, wording: str, copy: int) -> str:
        as_it_is = copy == 0 or case.case_id in alike
        return wording if as_it_is else _worn(case, wording, f"{seed}:{copy}", held_out)

    rows = [
        _case_example(CASE, case, copied(case, wording, copy), system)
        for copy in range(replay.new_case_repeats)
        for case in map(apart, ingredients.new)
        for wording in case.asked
    ]
    counts = replay_counts(replay, len(rows), len(ingredients.identity), len(ingredients.general))
    known = [replace(one, case=apart(one.case)) for one in ingredients.earlier]
    drawn = draw(known, replay.earlier_case_rows, seed)
    rows += [
        _case_example(EARLIER, case, copied(case, wording, copy), system)
        for copy in range(replay.earlier_repeats)
        for case, wording in drawn
    ]
    identity = [
        *ingredients.identity,
        *_in_other_words(ingredients.identity, replay.identity_repeats - 1, seed, held_out),
    ]
    pools = {IDENTITY: identity, GENERAL: ingredients.general, OWN_ANSWER: ingredients.own}
    for source, pool in pools.items():
        rows += [_row_example(source, row, system) for row in sample(pool, counts[source], f"{seed}:{source}")]
    bad_of = [*ingredients.new, *(one.case for one in ingredients.earlier if method == "dpo")]
    rows = with_rejected(rows, method, bad_of, [case.correction for case in ingredients.new], seed)
    random.Random(f"{seed}:order").shuffle(rows)
    return rows


def new_rows(new: Sequence[CaseText], replay: Replay) -> int:
    """How many rows new cases have, copies counted."""
    return sum(len(case.asked) for case in new) * replay.new_case_repeats


def replay_counts(replay: Replay, new: int, identity: int, general: int) -> dict[str, int]:
    """How many rows of identity, general skills and own answers are drawn beside so many new ones, by source."""
    return in_proportion(
        {
            IDENTITY: drawn_of(replay.identity_rows, identity * replay.identity_repeats),
            GENERAL: drawn_of(replay.general_rows, general),
            OWN_ANSWER: replay.own_answers,
        },
        new,
        replay.most_replay_per_new_row,
    )


def sample(pool: Sequence[T], count: int, seed: str) -> list[T]:
    """`count` of the pool, or all of it when it has no more."""
    if count >= len(pool):
        return list(pool)
    return random.Random(seed).sample(list(pool), count)


def encoded(examples: Sequence[Example], method: Method = "sft") -> bytes:
    """The file that ms-swift reads; the same rows give the same bytes."""
    lines = (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in read_by_swift(examples, method))
    return "".join(f"{line}\n" for line in lines).encode()


def sha256(examples: Sequence[Example], sets: Sequence[Json] = ()) -> str:
    """The content hash of a dataset: of its rows and, where there are any, of its general sets as they are recorded."""
    return content_hash.of_dataset((example.messages for example in examples), {"general_sets": list(sets)})


def rows_in_file(examples: Sequence[Example], method: Method) -> int:
    """How many rows ms-swift reads: with KTO, what is rejected is a row of its own."""
    return sum(1 for _ in read_by_swift(examples, method))


def manifest(
    examples: Sequence[Example],
    seed: int,
    probe_prompts: Sequence[str],
    sets: Sequence[Json] = (),
    method: Method = "sft",
) -> Json:
    """What a dataset is made of, for people and for tracing."""
    sources = Counter(example.source for example in examples)
    rows = rows_in_file(examples, method)
    if rows > len(examples):
        sources[REJECTED] = rows - len(examples)
    mixed = sum(int(one["rows"]) for one in sets)
    trained = {example.messages[-2]["content"] for example in examples}
    return {
        "sha256": sha256(examples, sets),
        "method": method,
        "rows": rows + mixed,
        "sources": dict(sorted(sources.items())) | ({GENERAL_SET: mixed} if mixed else {}),
        "general_sets": list(sets),
        "cases": sorted({example.case_id for example in examples if example.case_id is not None}),
        "seed": seed,
        # A person may have asked, word for word, what a probe asks; that probe is no longer held out.
        "probes_trained_on": sorted(trained.intersection(probe_prompts)),
    }


def write(examples: Sequence[Example], path: Path, method: Method = "sft") -> str:
    """Write the file whole or not at all; its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    with half.open("wb") as file:
        file.write(encoded(examples, method))
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    return sha256(examples)


@dataclass(frozen=True)
class _HeldOut:
    """Probes and held-out wordings, normalised."""

    probes: tuple[str, ...]
    wordings: Mapping[int, tuple[str, ...]]

    @classmethod
    def of(cls, ingredients: Ingredients) -> "_HeldOut":
        wordings = {case_id: tuple(map(normalised, texts)) for case_id, texts in ingredients.held_out.items()}
        return cls(tuple(map(normalised, ingredients.probes)), wordings)

    def gives_one_away(self, copy: str, case_id: int) -> bool:
        """Whether a worn copy of a case would teach to the test, by the bound for variants. A case's own held-out
        wordings are mostly frames around its question, which each of its rows is near: they have the bound for doubles.
        """
        asked, own = normalised(copy), self.wordings.get(case_id, ())
        others = chain.from_iterable(texts for other, texts in self.wordings.items() if other != case_id)
        return (
            any(asked == known or fuzz.ratio(asked, known) >= NEAR_DUPLICATE for known in own)
            or any(gives_away(asked, known) for known in others)
            or self.is_near_a_probe(copy)
        )

    def is_near_a_probe(self, text: str) -> bool:
        """Whether a row that asks so would teach to the test."""
        asked = normalised(text)
        return any(gives_away(asked, known) for known in self.probes)


def _worn(case: CaseText, wording: str, seed: str, held_out: _HeldOut) -> str:
    copy = worn(wording, case.question, f"{seed}:{case.case_id}:{wording}")
    return wording if held_out.gives_one_away(copy, case.case_id) else copy


def _in_other_words(identity: Sequence[Row], times: int, seed: int, held_out: _HeldOut) -> list[Row]:
    """Copies of the rows, so many of each, that ask in other words that keep clear of the probes, or else as it is."""
    copies: list[Row] = []
    for row in identity if times else ():
        others = [text for text in rewordings(row.question) if not held_out.is_near_a_probe(text)]
        random.Random(f"{seed}:identity:{row.question}").shuffle(others)
        for copy in range(times):
            asked = others[copy % len(others)] if others else row.question
            copies.append(replace(row, messages=(*row.messages[:-2], Message("user", asked), row.messages[-1])))
    return copies


def _case_example(source: str, case: CaseText, wording: str, system: str) -> Example:
    messages = (Message("user", wording), Message("assistant", case.correction))
    problem = problem_in(messages)
    if problem is not None:
        what = "question" if problem.field == "messages.0.content" else "correction"
        raise RowError(
            f"case {case.case_id}: {what}: {problem.text}. Reject the case, or correct it again (/mend review)."
        )
    return Example(source, case.case_id, _with_system(messages, system))


def _row_example(source: str, row: Row, system: str) -> Example:
    return Example(source, None, _with_system(row.messages, system))


def _with_system(messages: Sequence[Message], system: str) -> list[Json]:
    return [{"role": one.role, "content": one.content} for one in (Message("system", system), *messages)]
