"""Which earlier cases a run practises again. The number of rows is fixed, so that a run costs the same however much
was learned before it; what needs it most comes first.

1. Cases that the live adapter answers wrong in one of their wordings.
2. Half of the rows that are left: cases that came closest to failing, by the likelihood of the corrected text in the
   wording where it is least likely. It is read to every candidate for the few mended cases that its run asks about
   (`trainer.checking`), so it is known of those; the others are not among these.
3. The rest: those that the live adapter's line has not practised for longest, so that every case has its turn.

Ties are broken by chance. While rows are left when every case has one, the cases get another in the same order, each
time in another of their wordings.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from feedback.datasets import NEVER, Practised
from feedback.recipe import Count
from feedback.reports import Result
from trainer.variants import CaseText


@dataclass(frozen=True)
class Earlier:
    """A case that the live adapter has learned, how well it knows it, and when it was practised."""

    case: CaseText
    failed: bool = False
    likelihood: float | None = None
    """Mean log-likelihood for each token of the corrected text, in the wording where it is lowest; None: not known."""
    practised: Practised = NEVER


def standing(case: CaseText, results: Collection[Result], practised: Practised) -> Earlier:
    """How a case stands by the live adapter's report."""
    asked = [result for result in results if result.case_id == case.case_id]
    measured = [result.likelihood for result in asked if result.likelihood is not None]
    return Earlier(case, any(not result.passed for result in asked), min(measured, default=None), practised)


def draw(earlier: Sequence[Earlier], budget: Count, seed: int) -> list[tuple[CaseText, str]]:
    """Cases with the wording to practise, at most `budget`; the same arguments give the same, in whatever order."""
    wordings = {one.case.case_id: _wordings(one) for one in earlier}
    if budget == "all":
        budget = sum(map(len, wordings.values()))
    order = by_need(earlier, budget, seed)
    turns = range(max(map(len, wordings.values()), default=0))
    drawn = [
        (one.case, wordings[one.case.case_id][turn])
        for turn in turns
        for one in order
        if turn < len(wordings[one.case.case_id])
    ]
    return drawn[:budget]


def by_need(earlier: Sequence[Earlier], budget: int, seed: int) -> list[Earlier]:
    """All cases, those first that need their row most; how many come for their likelihood depends on the budget."""

    def age(one: Earlier) -> tuple[int, float]:
        last = one.practised.last
        return (-1 if last is None else last, random.Random(f"{seed}:earlier:{one.case.case_id}").random())

    oldest_first = sorted(earlier, key=age)
    failing = [one for one in oldest_first if one.failed]
    passing = [one for one in oldest_first if not one.failed]
    least_likely = sorted(
        (one for one in passing if one.likelihood is not None),
        key=lambda one: 0.0 if one.likelihood is None else one.likelihood,
    )
    close = least_likely[: max(budget - len(failing), 0) // 2]
    chosen = {one.case.case_id for one in close}
    return [*failing, *close, *(one for one in passing if one.case.case_id not in chosen)]


def _wordings(one: Earlier) -> list[str]:
    """The case's wordings, beginning with the one whose turn it is."""
    asked = one.case.asked
    first = one.practised.times % len(asked)
    return [*asked[first:], *asked[:first]]
