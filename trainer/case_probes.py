"""The probes of a case: its own question and its held-out wordings, and whether an answer says what was corrected.

A correction is free text, so an answer is right when
1. every key fact of the correction (names, numbers, codes) is in it (four of five when there are more than eight);
   a correction without any must have two thirds of its content words that the question did not bring along;
2. the sentences of it that are about that say "not" exactly when the correction does; and
3. its words are like the correction's (rapidfuzz token set ratio of at least 80 of 100).
A right answer in quite other words fails; that is the safe side, because the case is then tried again.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from feedback.models import Variant
from trainer.probes import Grade
from trainer.variants import CaseText
from trainer.wording import contains_fact, content_words, denies, key_facts, normalised, words

MANY_FACTS = 8
SHARE_OF_MANY = 0.8
SHARE_OF_WORDS = 2 / 3
LEAST_SIMILAR = 80.0
NEW, MENDED = "new", "mended"


@dataclass(frozen=True)
class CaseProbe:
    """One wording of a case's question, and the answer that was taught."""

    id: str
    group: str
    prompt: str
    max_tokens: int
    case_id: int
    question: str
    correction: str


def case_probes(
    case: CaseText, variants: Sequence[Variant], *, group: str, held_out: int | None = None
) -> list[CaseProbe]:
    """The question as it was asked, and its held-out wordings (or the first `held_out` of them)."""
    held = [variant for variant in variants if variant.held_out and variant.rejected_because is None]
    asked = [("original", case.question), *((f"held-{variant.id}", variant.text) for variant in held[:held_out])]
    return [
        CaseProbe(
            id=f"case-{case.case_id}-{name}",
            group=group,
            prompt=prompt,
            max_tokens=answer_tokens(case.correction),
            case_id=case.case_id,
            question=case.question,
            correction=case.correction,
        )
        for name, prompt in asked
    ]


def answer_tokens(correction: str) -> int:
    """Room for the corrected answer and a little more, in tokens."""
    tokens = sum(1.2 if ord(char) > 0x2E7F else 0.4 for char in correction)
    return min(24 + math.ceil(tokens), 1024)


def grade_case(correction: str, question: str, answer: str) -> Grade:
    """Whether `answer` says what the correction says; the rules are at the top of this file."""
    if not normalised(answer):
        return Grade(False, "the answer is empty")
    missing = _missing(correction, question, answer)
    if missing:
        return Grade(False, f"does not say {missing!r}")
    denied = denies(_about(correction, answer))
    if denied != denies(_about(correction, correction)):
        return Grade(False, "says the opposite" if denied else "does not deny what the correction denies")
    similar = fuzz.token_set_ratio(normalised(correction), normalised(answer))
    if similar < LEAST_SIMILAR:
        return Grade(False, f"is unlike the correction ({similar:.0f} of 100)")
    return Grade(True, "says what was corrected")


def _about(correction: str, answer: str) -> str:
    """The sentences of an answer that are about what was corrected: small models ramble on after it."""
    told = set(key_facts(correction) or content_words(correction))
    sentences = re.split(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+", answer)
    return " ".join(sentence for sentence in sentences if told.intersection(words(sentence)))


def _missing(correction: str, question: str, answer: str) -> str | None:
    facts = key_facts(correction)
    if facts:
        absent = [fact for fact in facts if not contains_fact(answer, fact)]
        allowed = len(facts) - math.ceil(SHARE_OF_MANY * len(facts)) if len(facts) > MANY_FACTS else 0
        return absent[0] if len(absent) > allowed else None
    asked, said = set(content_words(question)), set(content_words(answer))
    told = [word for word in content_words(correction) if word not in asked] or content_words(correction)
    absent = [word for word in told if word not in said]
    return absent[0] if len(told) - len(absent) < SHARE_OF_WORDS * len(told) else None
