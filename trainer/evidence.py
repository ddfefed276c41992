"""What thumbs-down say about a canary, whenever one looks: take it back, let it live, or not enough yet. Pure.

The arm of each person is a draw that Mend has made itself, so among the people who dislike something the canary's share
is known for the case that both arms are alike: its share of all people. That share is estimated by a confidence
sequence (the beta-binomial mixture of ``ville``): with a chance of at least 1 - ``alpha`` it holds the truth at every
look at once, so it may be looked at after each vote, and ends whenever it has something to say. It does not matter how
often people vote, who they are, or how much they ask: each counts once (``feedback.arms.each_once``).

- harmful: more people dislike the canary than the live adapter.
- good: fewer than ``margin`` times as many do. To ask for less than the live adapter's would keep one back for ever
  that is just as good, and has mended its cases.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from ville import BernoulliCS

from feedback.experiments import Evidence, Rules
from feedback.forecasts import STRENGTH, odds_share
from feedback.states import Arm


class Finding(StrEnum):
    """What may be concluded."""

    OPEN = "open"
    GOOD = "good"
    HARMFUL = "harmful"


def weigh(arms: Sequence[Arm], rules: Rules) -> Evidence:
    """The evidence in the arms of those who count, oldest first. The first look that would have decided decides."""
    of_canary = arms.count(Arm.CANARY)
    if not arms:
        return Evidence(0, 0, 0.0, None, Finding.OPEN)
    prior = STRENGTH * rules.share, STRENGTH * (1 - rules.share)
    sequence = BernoulliCS(rules.alpha, prior=prior).fit([arm is Arm.CANARY for arm in arms])
    harmful = _first(sequence.lower_ > odds_share(rules.share, 1.0))
    good = _first(sequence.upper_ < odds_share(rules.share, rules.margin))
    finding = Finding.OPEN
    if harmful < good:
        finding = Finding.HARMFUL
    elif good < harmful:
        finding = Finding.GOOD
    low, high = sequence.interval()
    ratio = None if high > 1 - 1e-9 else _ratio(high, rules.share)
    return Evidence(of_canary, len(arms) - of_canary, _ratio(low, rules.share), ratio, finding)


def _first(decided: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """The first look at which it is so; the number of looks when it never is."""
    looks = np.flatnonzero(decided)
    return int(looks[0]) if looks.size else len(decided)


def _ratio(of_canary: float, share: float) -> float:
    """How many times as many people dislike the canary, if this is its share of them."""
    return of_canary * (1 - share) / ((1 - of_canary) * share)
