"""What an admin reads before a run starts."""

import pytest

from bot.run_preview import words
from feedback.previews import Preview, Size

ROWS = "rows: not known, since the training's recipe can't be read here"
TIME = "time: not known yet, since no training has been timed"


@pytest.mark.parametrize(
    ("size", "judged_by", "told"),
    [
        (Size(), (), f"{ROWS} · {TIME}"),
        (Size(rows=90), (), f"up to 90 rows · {TIME}"),
        (Size(90, 20.0), (1,), "up to 90 rows · about 1 minute, judged by run 1"),
        (Size(90, 200.0), (3, 2, 1), "up to 90 rows · about 3 minutes, judged by the last 3 trainings"),
    ],
)
def test_rows_and_minutes_are_told_or_why_they_are_not(size: Size, judged_by: tuple[int, ...], told: str) -> None:
    assert words(Preview(0, 0, None, size, judged_by, "f")).endswith(f"\n{told}")


def test_cases_and_what_they_come_on_top_of_are_told() -> None:
    first = words(Preview(0, 0, None, Size(), (), "f"))
    assert "*the identity set*" in first and "from the base model" in first
    later = words(Preview(2, 3, "pip-v1-<a>", Size(), (), "f"))
    assert "*2 approved cases*, from `pip-v1-&lt;a&gt;`. Of 3 earlier cases those that need it most are" in later
    assert "`. The one earlier case is practised again.\n" in words(Preview(1, 1, "pip-v1-a", Size(), (), "f"))


def test_what_comes_after_a_refusal_is_told_beforehand() -> None:
    assert words(Preview(1, 0, "pip-v1-a", Size(), (), "f", attempts=2)).endswith("it is tried once more by itself.")
    assert "up to 2 times more by itself" in words(Preview(1, 0, "pip-v1-a", Size(), (), "f", attempts=3))


def test_what_is_forgotten_for_a_while_is_told_beforehand() -> None:
    told = words(Preview(0, 3, "pip-v1-a", Size(), (), "f", left=2, again=50, forgotten=250, without=(7,)))
    assert "*50 cases learned since*, without case 7, which was taken back" in told
    assert "It forgets 250 other cases learned since, until the next trainings, which take 50 each. 2 more stay" in told
