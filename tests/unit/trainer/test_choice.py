"""Which of a run's candidates get a second look, and which of them it ends with."""

from types import SimpleNamespace
from typing import cast

from feedback.models import Adapter
from feedback.reports import Result
from feedback.runs import Decision
from trainer.choice import FLOOR, Verdict, earliest_of_best, most_promising


def said(case: int, passed: bool, likelihood: float | None = -0.5) -> Result:
    return Result(f"case-{case}", "new", "?", "an answer", passed, "", case, likelihood=likelihood)


def read_to(case: int, likelihood: float) -> Result:
    return Result(f"case-{case}", "new", "?", "", False, "", case, likelihood=likelihood, asked=False)


OTHER = Result("who", "identity", "?", "Pip", True, "")


def verdict(number: int, *, accepted: bool = True, unmended: int = 0) -> Verdict:
    reasons = dict.fromkeys(range(unmended), "still wrong")
    return Verdict(cast(Adapter, SimpleNamespace(id=number)), Decision(accepted, (), reasons))


def test_the_accepted_one_with_the_fewest_unmended_cases_is_taken() -> None:
    last = verdict(4, unmended=2)
    assert earliest_of_best([last, better := verdict(3, unmended=1), verdict(1, unmended=2)]) is better
    assert earliest_of_best([last, verdict(3, accepted=False)]) is last


def test_of_two_alike_the_earlier_is_taken() -> None:
    assert earliest_of_best([verdict(4, unmended=1), earlier := verdict(2, unmended=1)]) is earlier


def test_when_none_is_accepted_the_run_stands_for_the_last() -> None:
    assert earliest_of_best([last := verdict(4, accepted=False), verdict(2, accepted=False)]) is last


def order(known: dict[int, list[Result]]) -> list[tuple[int, int]]:
    return [(one.candidate, one.lacking) for one in most_promising(known, FLOOR)]


def test_the_fewest_wrong_cases_promise_most_and_then_the_likelihood_and_then_the_age() -> None:
    known = {
        1: [said(1, True), said(2, False)],
        2: [said(1, True, -0.3), said(2, False, -0.3)],
        3: [said(1, True), said(2, True)],
        4: [said(1, True, -0.3), said(2, False, -0.3)],
    }
    assert order(known) == [(3, 0), (2, 1), (4, 1), (1, 1)]


def test_what_was_not_asked_is_judged_by_its_likelihood() -> None:
    assert order({1: [read_to(1, FLOOR - 1), read_to(2, FLOOR + 1)]}) == [(1, 1)]


def test_one_that_lacks_every_new_case_promises_nothing() -> None:
    assert order({1: [said(1, False), OTHER], 2: [said(1, False)], 3: [read_to(1, FLOOR - 1)]}) == []


def test_one_that_has_answered_everything_is_known_to_have() -> None:
    promises = most_promising({1: [said(1, True), OTHER], 2: [said(1, True)]}, FLOOR)
    assert [(one.candidate, one.examined) for one in promises] == [(1, True), (2, False)]
