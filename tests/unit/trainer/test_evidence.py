"""What may be said of a canary from the arms of the people who dislike something."""

import math
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.experiments import Rules
from feedback.forecasts import STRENGTH, needed, odds_share
from feedback.states import Arm
from trainer import canary
from trainer.evidence import Finding, weigh

HALF = Rules(share=0.5, margin=2.0, alpha=0.05, days=14)
FIFTH = Rules(share=0.2, margin=2.0, alpha=0.05, days=14)
C, L = Arm.CANARY, Arm.LIVE


def test_without_a_vote_nothing_is_said() -> None:
    seen = weigh([], HALF)
    assert (seen.canary, seen.live, seen.low, seen.high, seen.finding) == (0, 0, 0.0, None, Finding.OPEN)


def test_a_few_votes_are_not_enough_however_clear_they_look() -> None:
    assert weigh([C] * 5, HALF).finding is Finding.OPEN
    assert weigh([L] * 5, HALF).finding is Finding.OPEN


def test_a_canary_that_many_more_people_dislike_is_harmful() -> None:
    seen = weigh([C, C, C, L] * 10, HALF)
    assert seen.finding is Finding.HARMFUL and seen.low > 1
    assert canary.harm(seen).startswith("30 people with a thumbs-down on the canary, 10 on the live version:")


def test_a_canary_that_is_liked_as_much_or_more_is_good() -> None:
    assert weigh([L] * 9, HALF).finding is Finding.GOOD
    seen = weigh([L, C] * 50, HALF)
    assert seen.finding is Finding.GOOD and seen.high is not None and seen.high < 2
    assert "at most" in canary.good(seen)


def test_a_small_share_expects_few_of_its_people_to_dislike_anything() -> None:
    even = [C, L] * 20
    assert weigh(even, HALF).finding is Finding.OPEN
    assert weigh(even, FIFTH).finding is Finding.HARMFUL  # half of them from a fifth of the people


def test_the_first_look_that_decides_is_not_undone_by_what_comes_after() -> None:
    assert weigh([L] * 9 + [C] * 30, HALF).finding is Finding.GOOD
    assert weigh([C] * 12 + [L] * 60, HALF).finding is Finding.HARMFUL


def bound(rules: Rules, of_canary: int, people: int, at: float) -> bool:
    """Whether the mixture's e-value against a share has reached 1 / alpha: the definition, without the library."""

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    a, b = STRENGTH * rules.share, STRENGTH * (1 - rules.share)
    mixture = log_beta(a + of_canary, b + people - of_canary) - log_beta(a, b)
    return mixture - of_canary * math.log(at) - (people - of_canary) * math.log(1 - at) > -math.log(rules.alpha)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([C, L]), min_size=1, max_size=80), st.sampled_from([HALF, FIFTH]))
def test_the_library_decides_as_the_definition_does(arms: list[Arm], rules: Rules) -> None:
    alike, bad = odds_share(rules.share, 1.0), odds_share(rules.share, rules.margin)
    expected = Finding.OPEN
    for people, of_canary in enumerate(accumulate(arm is C for arm in arms), start=1):
        if of_canary / people > alike and bound(rules, of_canary, people, alike):
            expected = Finding.HARMFUL
            break
        if of_canary / people < bad and bound(rules, of_canary, people, bad):
            expected = Finding.GOOD
            break
    assert weigh(arms, rules).finding is expected


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_the_forecast_is_of_this_decision(ratio: float) -> None:
    """On the typical course of votes the library decides when the forecast has said it would."""
    people = needed(HALF, ratio)
    assert people is not None
    share = odds_share(HALF.share, ratio)
    course = [C if int((i + 1) * share) > int(i * share) else L for i in range(2 * people)]
    first = next(count for count in range(1, len(course)) if weigh(course[:count], HALF).finding is not Finding.OPEN)
    assert abs(first - people) <= max(4, people // 5)
