"""Which mended cases a run asks about: a fixed number, by need, and each in its turn."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from feedback.datasets import Practised
from trainer.checking import MOST, to_check
from trainer.replay import Earlier, draw
from trainer.variants import CaseText


def mended(number: int, *, last: int = 1, failed: bool = False, likelihood: float | None = None) -> Earlier:
    return Earlier(CaseText(number, f"Question {number}?", "Yes."), failed, likelihood, Practised(last))


@given(st.integers(0, 3 * MOST), st.integers(0, 99))
def test_no_more_are_asked_about_however_many_there_are(count: int, seed: int) -> None:
    chosen = to_check([mended(number) for number in range(count)], seed)
    assert len(set(chosen)) == len(chosen) == min(count, MOST)
    assert chosen == to_check([mended(number) for number in reversed(range(count))], seed)


def test_one_that_was_wrong_and_one_that_was_nearly_so_are_asked_about_however_newly_they_were_practised() -> None:
    others = [mended(number, last=1) for number in range(2 * MOST)]
    wrong, near = mended(98, last=9, failed=True), mended(99, last=9, likelihood=-1.5)
    assert {98, 99} < set(to_check([*others, wrong, near], seed=1))


def test_those_that_were_not_practised_for_longest_are_asked_about() -> None:
    ages = [mended(number, last=number) for number in range(2 * MOST)]
    assert to_check(ages, seed=1) == list(range(MOST))


@given(st.integers(MOST + 1, 5 * MOST), st.integers(0, 99))
def test_every_case_is_asked_about_within_two_rounds_of_practice(count: int, seed: int) -> None:
    cases = {number: mended(number, last=0) for number in range(count)}
    seen: set[int] = set()
    for run in range(1, 3 + 2 * count // MOST):
        for case, _ in draw(list(cases.values()), MOST, seed):
            cases[case.case_id] = replace(cases[case.case_id], practised=Practised(run))
        seen |= set(to_check(list(cases.values()), seed))
    assert seen == set(cases)
