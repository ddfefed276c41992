"""Which cases are about the same thing, and whether they say the same. Pure, by words; no model is asked."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from bot.topics import LOOKED_AT, claims, denies, is_number, lacking, same_words, topic
from feedback.models import Case
from feedback.states import CaseStatus

ALIKE = 0.6
_DECIDED = frozenset({CaseStatus.APPROVED, CaseStatus.TRAINING, CaseStatus.MENDED})


def likeness(one: str, other: str) -> float:
    """From 0 to 1: how far two questions are about the same, whatever the order and the small words."""
    first, second = topic(one), topic(other)
    if not first or not second:
        return SequenceMatcher(None, one[:LOOKED_AT].casefold(), other[:LOOKED_AT].casefold()).ratio()
    return min(same_words(first, second), same_words(second, first)) / max(len(first), len(second))


def contradict(one: str, other: str, question: str = "") -> bool:
    """Whether two answers to one question cannot both be right: each says what the other does not, or one denies.

    Whoever only says more contradicts nobody. Other words for the same are taken for a contradiction.
    """
    if denies(one) is not denies(other):
        return True
    asked = [word for word in claims(question) if not is_number(word)]
    first, second = (lacking(claims(said), asked) for said in (one, other))
    return bool(lacking(first, second)) and bool(lacking(second, first))


def hints(case: Case, others: Iterable[Case], limit: int = 3) -> list[str]:
    """What a reviewer should know about earlier cases: look-alikes, and those decided that say something else."""
    found: list[str] = []
    for other in others:
        if other.id == case.id or likeness(case.question, other.question) < ALIKE:
            continue
        decided = other.status in _DECIDED and case.correction and other.correction
        if decided and contradict(str(case.correction), str(other.correction), f"{case.question} {other.question}"):
            found.insert(0, f"Contradicts case {other.id} ({other.status}): {other.question} → {other.correction}")
        else:
            found.append(f"Looks like case {other.id} ({other.status}): {other.question}")
    return found[:limit]
