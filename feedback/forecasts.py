"""How long an experiment will take: what is told before it begins. A forecast only; ``trainer.evidence`` decides."""

import math
from dataclasses import dataclass

from feedback.experiments import Rules

STRENGTH = 10.0  # of the prior, in people: it is centred on "both are alike" and makes differences of 1.5 to 4 quick
FARTHEST = 100_000  # people
AS_GOOD, TWICE_AS_GOOD, THREE_TIMES_AS_BAD = 1.0, 0.5, 3.0


@dataclass(frozen=True)
class Forecast:
    """People with a thumbs-down that a decision takes, by what the canary is in truth; and how many come a day."""

    as_good: int | None
    better: int | None  # disliked by half as many
    worse: int | None  # disliked by three times as many
    people_a_day: float

    def days(self, people: int | None) -> float | None:
        """How long that takes; None: it is not to be expected."""
        return people / self.people_a_day if people is not None and self.people_a_day > 0 else None


def forecast(rules: Rules, people_a_day: float) -> Forecast:
    """The forecast for a share, a margin and the pace of votes so far. Pure."""
    as_good, better, worse = (needed(rules, ratio) for ratio in (AS_GOOD, TWICE_AS_GOOD, THREE_TIMES_AS_BAD))
    return Forecast(as_good, better, worse, people_a_day)


def odds_share(share: float, ratio: float) -> float:
    """The share of the people with a thumbs-down who are the canary's, if so many times as many dislike it."""
    return share * ratio / (share * ratio + 1 - share)


def needed(rules: Rules, ratio: float) -> int | None:
    """After how many people the typical course of votes is decided; None: after more than can be waited for."""
    truth = odds_share(rules.share, ratio)
    refuted = [odds_share(rules.share, bound) for bound in (1.0, rules.margin)]
    bounds = [at for at, bad in zip(refuted, (truth > refuted[0], truth < refuted[1]), strict=True) if bad]
    low, high = 1, FARTHEST
    if not _decided(rules, truth, bounds, high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _decided(rules, truth, bounds, middle) else (middle + 1, high)
    return low


def _decided(rules: Rules, truth: float, bounds: list[float], people: int) -> bool:
    """Whether so many people, divided as the truth has it, speak against one of the bounds clearly enough."""
    of_canary = truth * people
    prior = STRENGTH * rules.share, STRENGTH * (1 - rules.share)
    mixture = _log_beta(prior[0] + of_canary, prior[1] + people - of_canary) - _log_beta(*prior)
    return any(
        mixture - of_canary * math.log(at) - (people - of_canary) * math.log(1 - at) >= -math.log(rules.alpha)
        for at in bounds
    )


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
