"""Which cases are about the same thing, and whether they say the same. Pure, by words; no model is asked."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from bot.topics import LOOKED_AT, claims, denies, is_number, lacking, same_words, topic
from feedback.models import Case
from feedback.states import CaseStatus

ALIKE = 0.6
_COUNTS = frozenset({CaseStatus.CORRECTED, CaseStatus.APPROVED, CaseStatus.TRAINING, CaseStatus.MENDED})


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
    """What a reviewer should know about other cases: look-alikes, and those that say something else."""
    found: list[str] = []
    for other in others:
        if other.id == case.id or likeness(case.question, other.question) < ALIKE:
            continue
        counts = other.status in _COUNTS and case.correction and other.correction
        if counts and contradict(str(case.correction), str(other.correction), f"{case.question} {other.question}"):
            # Both would be trained and probed, and every run refused.
            what = f"Contradicts case {other.id} ({other.status}): {other.question} → {other.correction}"
            found.insert(0, f"{what} · Both cannot be learned: {_way_out(other)}")
        else:
            found.append(f"Looks like case {other.id} ({other.status}): {other.question}")
    return found[:limit]


def _way_out(other: Case) -> str:
    if other.status is CaseStatus.MENDED:
        return f"if that has changed, take case {other.id} back or correct it, and reject this one."
    return "approve one of them and reject the other."
