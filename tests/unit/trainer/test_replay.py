"""Which earlier cases are practised again: never more rows than the budget, and by need."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from feedback.datasets import Practised
from feedback.reports import Result
from trainer.replay import Earlier, by_need, draw, standing
from trainer.variants import CaseText


def case(number: int, wordings: int = 2) -> CaseText:
    return CaseText(
        number, f"Question {number}?", f"Answer {number}.", tuple(f"{number}, way {n}" for n in range(wordings))
    )


def known(
    number: int, *, last: int = 1, times: int = 0, failed: bool = False, likelihood: float | None = None
) -> Earlier:
    return Earlier(case(number), failed, likelihood, Practised(last, times))


def ids(drawn: Sequence[tuple[CaseText, str]]) -> list[int]:
    return [case.case_id for case, _ in drawn]


def test_a_case_that_fails_comes_before_one_that_was_not_practised_for_long() -> None:
    assert ids(draw([known(1, last=1), known(2, last=9, failed=True)], 1, seed=1)) == [2]


def test_half_of_what_is_left_goes_to_those_that_came_closest_to_failing() -> None:
    earlier = [known(1, last=8, likelihood=-0.9), known(2, last=9, likelihood=-0.1), known(3, last=1), known(4, last=2)]
    assert ids(draw(earlier, 2, seed=1)) == [1, 3]


def test_where_no_likelihood_is_known_the_oldest_come_first() -> None:
    assert ids(draw([known(1, last=3), known(2, last=1), known(3, last=2)], 2, seed=1)) == [2, 3]


def test_chance_decides_between_cases_of_one_age_and_the_seed_is_all_there_is_of_it() -> None:
    earlier = [known(number) for number in range(30)]
    assert ids(draw(earlier, 5, seed=1)) == ids(draw(earlier[::-1], 5, seed=1))
    assert ids(draw(earlier, 5, seed=1)) != ids(draw(earlier, 5, seed=2))


def test_a_case_is_practised_in_another_wording_each_time() -> None:
    asked = [draw([known(1, times=times)], 1, seed=1)[0][1] for times in range(4)]
    assert asked == ["Question 1?", "1, way 0", "1, way 1", "Question 1?"]


def test_while_rows_are_left_each_case_gets_another() -> None:
    drawn = draw([known(1, last=1), known(2, last=2)], 5, seed=1)
    assert ids(drawn) == [1, 2, 1, 2, 1]
    assert len(set(drawn)) == 5


def test_a_report_says_how_a_case_stands() -> None:
    def result(case_id: int, passed: bool) -> Result:
        return Result("p", "mended", "?", "!", passed, "", case_id=case_id)

    assert standing(case(1), [result(1, True), result(2, False)], Practised()).failed is False
    assert standing(case(2), [result(2, True), result(2, False)], Practised(4, 2)) == Earlier(
        case(2), True, None, Practised(4, 2)
    )


cases = st.lists(
    st.builds(
        Earlier,
        st.builds(case, st.integers(1, 10_000), st.integers(0, 4)),
        st.booleans(),
        st.none() | st.floats(-20, 0),
        st.builds(Practised, st.none() | st.integers(1, 50), st.integers(0, 50)),
    ),
    max_size=40,
    unique_by=lambda one: one.case.case_id,
)
budgets = st.integers(0, 60)


@given(cases, budgets, st.integers(0, 5))
def test_the_budget_is_kept_and_used(earlier: list[Earlier], budget: int, seed: int) -> None:
    drawn = draw(earlier, budget, seed)
    assert len(drawn) == len(set(drawn)) == min(budget, sum(1 + len(one.case.wordings) for one in earlier))
    assert draw(earlier[::-1], budget, seed) == drawn


@given(cases, budgets, st.integers(0, 5))
def test_no_more_cases_are_needed_than_there_are_rows(earlier: list[Earlier], budget: int, seed: int) -> None:
    assert draw(by_need(earlier, budget, seed)[:budget], budget, seed) == draw(earlier, budget, seed)


@given(cases, budgets)
def test_no_passing_case_has_a_row_before_every_failing_one(earlier: list[Earlier], budget: int) -> None:
    failing = {one.case.case_id for one in earlier if one.failed}
    drawn = ids(draw(earlier, budget, seed=1))
    assert set(drawn[: len(failing)]) <= failing
    assert len(set(drawn) & failing) == min(budget, len(failing))


@given(cases, st.integers(1, 20))
def test_every_case_has_its_turn_however_needy_the_others_are(earlier: list[Earlier], more: int) -> None:
    """With a budget above the failing cases, half of what is above goes round."""
    failing = sum(one.failed for one in earlier)
    passing = len(earlier) - failing
    within = max(1, -(-passing // -(-more // 2)))
    seen: set[int] = set()
    now = 100
    for _ in range(within):
        drawn = ids(draw(earlier, failing + more, seed=1))
        seen.update(drawn)
        now += 1
        earlier = [
            Earlier(one.case, one.failed, one.likelihood, Practised(now, one.practised.times + 1))
            if one.case.case_id in drawn
            else one
            for one in earlier
        ]
    assert seen == {one.case.case_id for one in earlier}


@given(cases)
def test_all_is_all(earlier: list[Earlier]) -> None:
    assert len(draw(earlier, "all", seed=1)) == sum(1 + len(one.case.wordings) for one in earlier)
