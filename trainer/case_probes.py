"""The probes of a case: its own question and its held-out wordings, and whether an answer says what was corrected.

A correction is free text, so an answer is right when the fewest of its sentences that together
1. have every key fact of the correction (names, numbers, codes; four of five when there are more than eight), and two
   thirds of the content words that the question did not bring along
also
2. bring no key fact that neither the question nor the correction has, and no opposite (closed for open);
3. do not have other words in the place of the correction's own; and
4. are like the correction in their words (rapidfuzz token set ratio of at least 80 of 100);
while all sentences that are about it say "not" exactly when the correction does. Small models ramble on after an
answer, so other sentences do not count. A right answer in quite other words fails; that is the safe side, because the
case is then tried again.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from feedback.models import Variant
from feedback.words import OPPOSITES, stem
from trainer.probes import Grade
from trainer.variants import CaseText
from trainer.wording import contains_fact, content_words, denies, key_facts, normalised, words

MANY_FACTS = 8
SHARE_OF_MANY = 0.8
SHARE_OF_WORDS = 2 / 3
LEAST_SIMILAR = 80.0
NEW, MENDED = "new", "mended"
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+")
_MARKS = re.compile(r"[-_.@/:'’]+")
_HALF_OF_DAY = re.compile(r"(?<=\d)(?::00)?\s?([ap])(?:\.\s?m\b\.?(?!\s+[A-Z]|\s*$)|\.\s?m\b|m\b)", re.IGNORECASE)


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
    if not normalised(correction):  # only marks or emoji, which are no words: they are looked for as they are
        said = correction.strip() in answer
        return Grade(said, "says what was corrected" if said else f"does not say {correction.strip()!r}")
    if not normalised(answer):
        return Grade(False, "the answer is empty")
    told = _Told(_clock(correction), _clock(question))
    answer = _clock(answer)
    missing = told.missing_in(answer)
    if missing:
        return Grade(False, f"does not say {missing!r}")
    denied = denies(_about(told.correction, answer))
    if denied != denies(_about(told.correction, told.correction)):
        return Grade(False, "says the opposite" if denied else "does not deny what the correction denies")
    wrong = [told.wrong_in(sentences) for sentences in told.answering(answer)]
    return Grade(True, "says what was corrected") if None in wrong else Grade(False, str(wrong[0]))


class _Told:
    """A correction, and what of it the question did not say already."""

    def __init__(self, correction: str, question: str) -> None:
        self.correction = correction
        self.facts = key_facts(correction)
        asked = _stems(content_words(question))
        self.new = [word for word in content_words(correction) if stem(word) not in asked]
        self.new = self.new or content_words(correction)  # it was a question of yes or no
        self.own = [word for word in self.new if word not in self.facts]
        self.known = _stems(_parts(f"{question}\n{correction}"))

    def missing_in(self, text: str) -> str | None:
        """The first word that would have to be there, if too much is not."""
        absent = [fact for fact in self.facts if not contains_fact(text, fact)]
        many = len(self.facts) > MANY_FACTS
        if len(absent) > (len(self.facts) - math.ceil(SHARE_OF_MANY * len(self.facts)) if many else 0):
            return absent[0]
        return _too_little(self.new, text)

    def answering(self, answer: str) -> list[str]:
        """The shortest runs of sentences that have everything; there is one when nothing is missing in all of it."""
        sentences = [sentence for sentence in _SENTENCE.split(answer) if normalised(sentence)]
        runs: list[tuple[int, str]] = []
        end = 1
        for start in range(len(sentences)):
            end = max(end, start + 1)
            while self.missing_in(" ".join(sentences[start:end])) and end < len(sentences):
                end += 1
            run = " ".join(sentences[start:end])
            if self.missing_in(run):
                break
            runs.append((end - start, run))
        shortest = min((length for length, _ in runs), default=0)
        return [run for length, run in runs if length == shortest] or [answer]

    def wrong_in(self, run: str) -> str | None:
        """What speaks against sentences in which nothing is missing."""
        strange = [part for fact in key_facts(run) for part in _parts(fact) if stem(part) not in self.known]
        if strange:
            return f"also says {strange[0]!r}"
        if _opposite(self.correction, run):
            return "says the opposite"
        lacking = _too_little(self.own, run)
        others = [part for part in _parts(run) if stem(part) not in self.known]
        if lacking and others:
            return f"says {others[0]!r} in place of {lacking!r}"
        similar = fuzz.token_set_ratio(normalised(self.correction), normalised(run))
        return f"is unlike the correction ({similar:.0f} of 100)" if similar < LEAST_SIMILAR else None


def _about(correction: str, answer: str) -> str:
    """The sentences of an answer that are about what was corrected."""
    told = set(key_facts(correction) or content_words(correction))
    return " ".join(sentence for sentence in _SENTENCE.split(answer) if told.intersection(words(sentence)))


def _too_little(told: Sequence[str], text: str) -> str | None:
    """The first word that is not there, unless two thirds of them are."""
    said = _stems(content_words(text))
    absent = [word for word in told if stem(word) not in said and not contains_fact(text, word)]
    return absent[0] if len(told) - len(absent) < SHARE_OF_WORDS * len(told) else None


def _opposite(correction: str, run: str) -> bool:
    told, said = set(words(correction)), set(words(run))
    pairs = (*OPPOSITES, *((right, left) for left, right in OPPOSITES))
    return any(word in told - said and other in said - told for word, other in pairs)


def _clock(text: str) -> str:
    """The half of the day as a part of its number, so that 6 am is another fact than 6 p.m."""
    return _HALF_OF_DAY.sub(lambda found: f"{found[1].lower()}m", text)


def _parts(text: str) -> list[str]:
    """Its content words, with the parts of compound ones (Ada's, Ada/Noor) each by itself."""
    return [
        part for part in content_words(_MARKS.sub(" ", text)) if len(part) > 1 or not part.isascii() or part.isdigit()
    ]


def _stems(told: Sequence[str]) -> set[str]:
    return {stem(word) for word in told}
