"""How long an experiment will take: what is told before it begins. A forecast only; ``trainer.evidence`` decides."""

import math
from dataclasses import dataclass

from feedback.experiments import Rules

FARTHEST = 100_000  # people
AS_GOOD, TWICE_AS_GOOD, THREE_TIMES_AS_BAD = 1.0, 0.5, 3.0


@dataclass(frozen=True)
class Forecast:
    """People with a thumbs-down that a decision takes, by what the canary is in truth; and how many come a day."""

    as_good: int | None
    better: int | None  # disliked by half as many
    worse: int | None  # disliked by three times as many
    people_a_day: float
    limit: int  # days after which the admins are asked

    def days(self, people: int | None) -> float | None:
        """How long that takes; None: it is not to be expected."""
        return people / self.people_a_day if people is not None and self.people_a_day > 0 else None


def forecast(rules: Rules, people_a_day: float) -> Forecast:
    """The forecast for a share, a margin and the pace of votes so far. Pure."""
    as_good, better, worse = (needed(rules, ratio) for ratio in (AS_GOOD, TWICE_AS_GOOD, THREE_TIMES_AS_BAD))
    return Forecast(as_good, better, worse, people_a_day, rules.days)


def needed(rules: Rules, ratio: float) -> int | None:
    """How many people with a thumbs-down a decision takes, if in truth so many times as many dislike the canary.

    Each of them speaks against what is not so by the divergence between how the arms share them and how they then
    would; that adds up to the logarithm of 1 / alpha. The simulation in ``bench`` comes to the same numbers.
    """
    truth, refuted = (_of_canary(rules.share, r) for r in (ratio, rules.margin if ratio <= 1 else 1.0))
    each = truth * math.log(truth / refuted) + (1 - truth) * math.log((1 - truth) / (1 - refuted))
    people = math.ceil(-math.log(rules.alpha) / each) if each > 0 else FARTHEST
    return people if people < FARTHEST else None


def _of_canary(share: float, ratio: float) -> float:
    """The canary's share of the people with a thumbs-down, if so many times as many dislike it."""
    return share * ratio / (share * ratio + 1 - share)
