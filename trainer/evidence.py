"""What thumbs-down say about a canary, whenever one looks: take it back, let it live, or not enough yet. Pure.

The arm of each person is a draw that Mend has made itself. So when somebody dislikes something for the first time, the
chance that they are the canary's is known for any ratio r by which more people dislike it: of those who are left,
r * canary / (r * canary + live). If people belong to the canary more often than that, r is refuted from below, and
less often, from above. Both are bets against r (``ville.BettingTest``): who believes in r loses nothing by them on
average, whenever one looks and stops, so the chance that they ever win 1 / ``alpha`` is at most ``alpha``. It does not
matter how often people vote, what they are like, or how much they ask.

- harmful: r = 1 is refuted from below. More people dislike the canary than the live adapter.
- good: r = ``margin`` is refuted from above. To ask for less than the live adapter's would keep one back for ever that
  is just as good, and has mended its cases.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import numpy as np
from ville import BettingTest

from feedback.arms import Draw
from feedback.experiments import Evidence, Rules
from feedback.states import Arm

MOST_AT_STAKE = 0.9  # of what a bet could lose; the library's 0.5 takes half as many people again for clear cases
RATIOS = np.geomspace(1 / 32, 32, 81)  # what is tried for the bounds that people are shown


class Finding(StrEnum):
    """What may be concluded."""

    OPEN = "open"
    GOOD = "good"
    HARMFUL = "harmful"


def decide(draws: Sequence[Draw], rules: Rules) -> Finding:
    """What follows from the draws, oldest first. The first look that would have decided decides."""
    harmful = _refuted(draws, 1.0, "greater", rules.alpha)
    good = _refuted(draws, rules.margin, "less", rules.alpha)
    if harmful is not None and (good is None or harmful < good):
        return Finding.HARMFUL
    return Finding.OPEN if good is None else Finding.GOOD


def weigh(draws: Sequence[Draw], rules: Rules) -> Evidence:
    """The decision, with what it rests on: who was counted, and between which bounds the ratio is."""
    of_canary = sum(draw.arm is Arm.CANARY for draw in draws)
    below = [r for r in RATIOS if _refuted(draws, r, "greater", rules.alpha) is not None]
    above = [r for r in RATIOS if _refuted(draws, r, "less", rules.alpha) is not None]
    return Evidence(
        canary=of_canary,
        live=len(draws) - of_canary,
        low=float(max(below, default=0.0)),
        high=float(min(above)) if above else None,
        finding=decide(draws, rules),
    )


def _refuted(draws: Sequence[Draw], ratio: float, side: Literal["greater", "less"], alpha: float) -> int | None:
    """After how many draws a ratio was refuted: there are more people of the canary's than it allows, or less."""
    expected = np.array([ratio * draw.canary / (ratio * draw.canary + draw.live) for draw in draws])
    seen = np.array([draw.arm is Arm.CANARY for draw in draws])
    bet = BettingTest(0.0, bounds=(-1.0, 1.0), alternative=side, alpha=alpha, c=MOST_AT_STAKE)
    stopped: int | None = bet.fit(seen - expected).stopping_time()
    return stopped
