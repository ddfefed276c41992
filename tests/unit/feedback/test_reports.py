"""Drift: how much less likely the base model's own answers have become."""

import pytest

from feedback.reports import Result, drift


def result(name: str, likelihood: float | None, group: str = "ability") -> Result:
    return Result(name, group, "?", "an answer", True, "", likelihood=likelihood)


def test_it_is_the_mean_over_what_was_measured_of_both() -> None:
    base = [result("a", -0.1), result("b", -0.3), result("c", -9.0), result("d", None)]
    now = [result("a", -0.2), result("b", -0.7), result("d", -5.0), result("e", -5.0)]
    assert drift(now, base) == pytest.approx(0.25)
    assert drift(base, base) == 0


def test_what_was_not_measured_has_none() -> None:
    assert drift([result("a", None)], [result("a", -0.1)]) is None
    assert drift([result("a", -1.0, "new")], [result("a", -0.1, "new")]) is None
