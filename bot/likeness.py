"""Which cases are about the same thing, and whether they say the same. Pure, by words; no model is asked."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from feedback.models import Case
from feedback.states import CaseStatus

ALIKE, SAME = 0.6, 0.75
# These tell how a question is asked, not what about.
_ASKING = frozenset({
    "a", "an", "the", "is", "are", "was", "were", "do", "does", "did", "can", "could", "would", "will", "you",
    "your", "i", "me", "my", "we", "our", "it", "its", "of", "for", "to", "in", "on", "at", "and", "or",
    "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "please", "tell",
})  # fmt: skip
_DECIDED = frozenset({CaseStatus.APPROVED, CaseStatus.TRAINING, CaseStatus.MENDED})


def likeness(one: str, other: str) -> float:
    """From 0 to 1: how far two questions are about the same, whatever the order and the small words."""
    first, second = topic(one), topic(other)
    if not first or not second:
        return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()
    return same_words(first, second) / max(len(first), len(second))


def same_words(first: Sequence[str], second: Sequence[str]) -> int:
    """How many of the first words are among the second ones, slips of the pen aside."""
    return sum(any(SequenceMatcher(None, a, b).ratio() > 0.8 for b in second) for a in first)


def topic(text: str) -> list[str]:
    """The words that tell what a text is about."""
    words = dict.fromkeys(re.findall(r"\w+", text.casefold()))
    return [word for word in words if word not in _ASKING]


def hints(case: Case, others: Iterable[Case], limit: int = 3) -> list[str]:
    """What a reviewer should know about earlier cases: look-alikes, and those decided that say something else."""
    found: list[str] = []
    for other in others:
        if other.id == case.id or likeness(case.question, other.question) < ALIKE:
            continue
        says_same = SequenceMatcher(None, case.correction or "", other.correction or "").ratio() >= SAME
        if other.status in _DECIDED and case.correction and not says_same:
            found.insert(0, f"Contradicts case {other.id} ({other.status}): {other.question} → {other.correction}")
        else:
            found.append(f"Looks like case {other.id} ({other.status}): {other.question}")
    return found[:limit]
