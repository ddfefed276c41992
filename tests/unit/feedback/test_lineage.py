"""From which of its ancestors a run goes on when something was taken back."""

from hypothesis import given
from hypothesis import strategies as st

from feedback.lineage import _clean, named
from feedback.models import Adapter


def line(length: int) -> list[Adapter]:
    """So many adapters, newest first; each one's run has its number."""
    return [Adapter(name=f"pip-v{number}", run_id=number) for number in range(length, 0, -1)]


def test_it_goes_on_from_the_newest_that_has_nothing_of_it_in_its_own_line() -> None:
    assert [one.run_id for one in _clean(line(4), {3}, ())] == [2, 1]
    assert [one.run_id for one in _clean(line(4), {2, 4}, ())] == [1], "3 was trained from 2"
    assert _clean(line(4), {1}, ()) == [], "the base model"


def test_what_learned_everything_anew_has_nothing_of_those_before_it() -> None:
    assert [one.run_id for one in _clean(line(4), {2, 4}, {3})] == [3, 2, 1]
    assert [one.run_id for one in _clean(line(4), {3}, {3})] == [2, 1]


@given(st.integers(0, 8), st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8)))
def test_it_is_the_newest_whose_own_rows_and_those_it_was_trained_on_top_of_have_nothing_of_it(
    length: int, held: set[int], anew: set[int]
) -> None:
    whole = line(length)
    kept = _clean(whole, held, anew)
    assert kept == whole[len(whole) - len(kept) :]

    def has_some(run_id: int) -> bool:
        """By the definition, from the oldest on."""
        before = run_id > 1 and run_id not in anew and has_some(run_id - 1)
        return run_id in held or before

    newest = max((run_id for run_id in range(1, length + 1) if not has_some(run_id)), default=0)
    assert len(kept) == newest


def test_several_cases_are_several() -> None:
    assert named([3]) == ("Case 3", "was")
    assert named({4, 3}) == ("Cases 3 and 4", "were")
    assert named([5, 3, 4]) == ("Cases 3, 4 and 5", "were")
