"""How much worse a model may be at most, from the questions on which two models differ."""

from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.paired import most_worse


@pytest.mark.parametrize("asked", [1, 11, 29, 200])
def test_with_nothing_lost_and_nothing_gained_it_is_the_textbook_bound(asked: int) -> None:
    assert most_worse(0, 0, asked, 0.95) == pytest.approx(1 - 0.05 ** (1 / asked), abs=1e-5)


def test_with_none_gained_it_is_clopper_and_pearsons_bound_for_what_was_lost() -> None:
    # Binomial tables: of 20 draws, 2 or fewer have a chance of 5 % when the share is 28.26 %.
    assert most_worse(2, 0, 20, 0.95) == pytest.approx(0.2826, abs=1e-4)


def test_it_agrees_with_mcnemars_exact_test() -> None:
    """No worse than equal is excluded by the sign test at 5 % with 0 lost of 5 differences, and not with 0 of 4."""
    assert most_worse(0, 5, 40, 0.95) == pytest.approx(0, abs=1e-5)
    assert most_worse(0, 4, 40, 0.95) > 0.001


def chance(lost: int, gained: int, asked: int, loses: float, gains: float) -> float:
    same = asked - lost - gained
    ways = factorial(asked) // (factorial(lost) * factorial(gained) * factorial(same))
    return ways * loses**lost * gains**gained * (1 - loses - gains) ** same


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(("loses", "gains"), [(0.1, 0), (0.2, 0.1), (0.3, 0.25), (0.5, 0.5), (0.45, 0.05), (0.9, 0.1)])
def test_the_truth_is_within_the_bound_as_often_as_it_says(loses: float, gains: float, confidence: float) -> None:
    asked = 12
    within = sum(
        chance(lost, gained, asked, loses, gains)
        for lost in range(asked + 1)
        for gained in range(asked + 1 - lost)
        if most_worse(lost, gained, asked, confidence) >= loses - gains - 1e-9
    )
    assert within >= confidence


@given(st.integers(1, 60), st.data(), st.sampled_from([0.5, 0.8, 0.95]))
def test_each_loss_raises_it_and_each_gain_lowers_it(asked: int, data: st.DataObject, confidence: float) -> None:
    lost = data.draw(st.integers(0, asked - 1))
    gained = data.draw(st.integers(0, asked - 1 - lost))
    bound = most_worse(lost, gained, asked, confidence)
    assert 0 <= bound <= 1
    assert most_worse(lost + 1, gained, asked, confidence) >= bound
    assert most_worse(lost, gained + 1, asked, confidence) <= bound


@pytest.mark.parametrize(
    ("lost", "gained", "asked", "confidence"), [(2, 2, 3, 0.8), (-1, 0, 3, 0.8), (0, 0, 0, 0.8), (0, 0, 3, 1.0)]
)
def test_counts_that_cannot_be_are_refused(lost: int, gained: int, asked: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="no bound"):
        most_worse(lost, gained, asked, confidence)
