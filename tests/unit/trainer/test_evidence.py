"""What may be said of a canary from the arms of the people who dislike something."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from feedback.arms import Draw
from feedback.experiments import Rules
from feedback.forecasts import needed
from feedback.states import Arm
from settings import ExperimentSettings
from trainer import canary
from trainer.evidence import MOST_AT_STAKE, Finding, decide, weigh

RULES = Rules(share=0.5, margin=2.0, alpha=0.05, days=14)
C, L = Arm.CANARY, Arm.LIVE


def draws(arms: Sequence[Arm], canary: int = 500, live: int = 500) -> list[Draw]:
    """So many people are there, and these are the arms of those who dislike something, one after the other."""
    drawn = []
    for arm in arms:
        drawn.append(Draw(arm, canary, live))
        canary, live = canary - (arm is C), live - (arm is L)
    return drawn


def test_without_a_vote_nothing_is_said() -> None:
    seen = weigh([], RULES)
    assert (seen.canary, seen.live, seen.low, seen.high, seen.finding) == (0, 0, 0.0, None, Finding.OPEN)


def test_a_few_votes_are_not_enough_however_clear_they_look() -> None:
    assert decide(draws([C] * 5), RULES) is Finding.OPEN
    assert decide(draws([L] * 5), RULES) is Finding.OPEN


def test_a_canary_that_many_more_people_dislike_is_harmful() -> None:
    seen = weigh(draws([C, C, C, L] * 10), RULES)
    assert seen.finding is Finding.HARMFUL and seen.low > 1 and seen.high is not None and seen.low < 3 < seen.high
    assert canary.harm(seen, RULES) == (
        "30 people with a thumbs-down on the canary, 10 on the live version: by their shares of people, "
        f"at least {seen.low:.2f} times as many people dislike the canary as the live version (95% sure)."
    )


def test_a_canary_that_is_liked_as_much_or_more_is_good() -> None:
    assert decide(draws([L] * 12), RULES) is Finding.GOOD
    seen = weigh(draws([L, C] * 50), RULES)
    assert seen.finding is Finding.GOOD and seen.high is not None and seen.low < 1 < seen.high < 2
    assert f"at most {seen.high:.2f} times as many people dislike the canary as the live" in canary.good(seen, RULES)


def test_a_canary_of_few_people_is_expected_to_be_disliked_by_few() -> None:
    even = [C, L] * 14
    assert decide(draws(even), RULES) is Finding.OPEN
    assert decide(draws(even, canary=200, live=800), RULES) is Finding.HARMFUL


def test_a_harmful_canary_that_has_run_out_of_people_to_dislike_it_is_not_taken_for_a_good_one() -> None:
    """All of its 12 people dislike it, then 30 of the others' 100 dislike theirs, over a longer time."""
    course = [C, L, C, C, L, C, C, L, C, C, C, L, C, C, C] + [L] * 26
    assert decide(draws(course, canary=12, live=100), RULES) is Finding.HARMFUL
    assert decide(draws([L] * 30, canary=0, live=100), RULES) is Finding.OPEN  # nobody is left to compare with


def test_the_first_look_that_decides_is_not_undone_by_what_comes_after() -> None:
    assert decide(draws([L] * 12 + [C] * 60), RULES) is Finding.GOOD
    assert decide(draws([C] * 12 + [L] * 60), RULES) is Finding.HARMFUL


def won(course: Sequence[Draw], ratio: float, sign: int, alpha: float) -> int | None:
    """When the bet has won 1 / alpha, written down from its definition and without the library."""
    capital, count, total, spread, variance = 1.0, 0, 0.0, 0.0, 0.25
    for count, draw in enumerate(course, start=1):
        expected = ratio * draw.canary / (ratio * draw.canary + draw.live)
        scaled = ((draw.arm is C) - expected + 1) / 2
        stake = math.sqrt(2 * math.log(2 / 0.05) / (variance * count * math.log1p(count)))
        capital *= 1 + sign * min(stake, MOST_AT_STAKE / 0.5) * (scaled - 0.5)
        total += scaled
        spread += (scaled - (0.5 + total) / (count + 1)) ** 2
        variance = (0.25 + spread) / (count + 1)
        if capital >= 1 / alpha - 1e-9:
            return count
    return None


@settings(max_examples=60)
@given(st.lists(st.sampled_from([C, L]), min_size=1, max_size=80), st.sampled_from([(100, 100), (40, 160)]))
def test_the_library_decides_as_the_definition_does(arms: list[Arm], people: tuple[int, int]) -> None:
    course = draws(arms[: min(people)], *people)
    harmful, good = won(course, 1.0, 1, 0.05), won(course, 2.0, -1, 0.05)
    expected = Finding.OPEN
    if harmful is not None and (good is None or harmful < good):
        expected = Finding.HARMFUL
    elif good is not None:
        expected = Finding.GOOD
    assert decide(course, RULES) is expected


@pytest.mark.parametrize(("ratio", "finding"), [(0.5, Finding.GOOD), (1.0, Finding.GOOD), (3.0, Finding.HARMFUL)])
def test_the_forecast_is_about_what_it_takes(ratio: float, finding: Finding) -> None:
    people, share, dice = needed(RULES, ratio), ratio / (ratio + 1), random.Random(4)
    assert people is not None
    takes = []
    for _ in range(31):
        arms = [C if dice.random() < share else L for _ in range(4 * people)]
        many = draws(arms, 100_000, 100_000)
        takes += [next((n for n in range(5, len(many), 3) if decide(many[:n], RULES) is finding), len(many))]
    assert people / 2 < sorted(takes)[15] < people * 2


def test_the_highest_margin_has_a_bound_to_show() -> None:
    margin = 32.0
    with pytest.raises(ValidationError, match="margin"):
        ExperimentSettings(margin=margin + 0.1)
    rules = Rules(share=0.5, margin=ExperimentSettings(margin=margin).margin, alpha=0.05, days=14)
    seen = weigh(draws([L] * 12), rules)
    assert seen.finding is Finding.GOOD and "at most" in canary.good(seen, rules)
