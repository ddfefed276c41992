"""How many rows are on the GPU at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.datasets import Example
from trainer.batch import MARGIN, Batch, below, careful, fit, longest, needed, peak, tokens

SIZES = st.sampled_from([1, 2, 4, 6, 16, 32])


@pytest.mark.parametrize(("batch", "measured"), [(Batch(16, 1, False), 27.7e9), (Batch(4, 4, False), 19.7e9)])
def test_what_was_measured_is_what_is_reckoned_with(batch: Batch, measured: float) -> None:
    assert peak(batch, 65, 15.23e9) == pytest.approx(measured, rel=0.01)


def test_what_was_measured_without_a_margin_is_less_than_what_has_to_be_free() -> None:
    assert 16.6e9 < needed(careful(16), 15.23e9) < 16.6e9 * 1.15


@pytest.mark.parametrize(
    ("free", "longest", "batch"),
    [
        (79e9, 65, Batch(16, 1, False)),  # an empty H100
        (48e9, 65, Batch(16, 1, False)),
        (23.5e9, 65, Batch(16, 1, True)),  # an empty card of 24 GB: one pass with checkpointing beats four without
        (20e9, 65, Batch(4, 4, True)),
        (79e9, 2048, Batch(8, 2, True)),  # long rows take the memory that short ones leave
        (10e9, 65, Batch(1, 16, True)),  # nothing fits: the smallest, which will say so itself
        (None, 65, Batch(1, 16, True)),
    ],
)
def test_the_fastest_that_fits_is_taken(free: float | None, longest: int, batch: Batch) -> None:
    assert fit(None if free is None else int(free), 16, longest) == batch


@given(st.integers(0, int(200e9)), SIZES, st.integers(1, 4096), st.floats(1e8, 2e11))
def test_an_update_is_always_over_the_same_rows_and_fits_or_is_careful(
    free: int, rows: int, longest: int, weights: float
) -> None:
    batch = fit(free, rows, longest, weights)
    assert batch.per_device * batch.accumulated == rows
    assert peak(batch, longest, weights) * MARGIN <= free or batch == careful(rows)


@given(st.integers(0, int(100e9)), st.integers(0, int(100e9)), SIZES)
def test_more_memory_is_never_slower(free: int, more: int, rows: int) -> None:
    assert fit(free + more, rows).accumulated <= fit(free, rows).accumulated


@given(st.integers(0, int(200e9)), SIZES, st.integers(1, 4096), st.floats(1e8, 2e11))
def test_what_did_not_fit_is_followed_by_less_until_there_is_none(
    free: int, rows: int, longest: int, weights: float
) -> None:
    batch: Batch | None = fit(free, rows, longest, weights)
    for _ in range(40):
        lower = below(batch, weights, longest) if batch else None
        assert (
            lower is None or lower == careful(rows) or needed(lower, weights, longest) < needed(batch, weights, longest)
        )
        batch = lower
    assert batch is None


def test_a_row_is_not_reckoned_too_short() -> None:
    row = Example("case", 1, [{"role": "user", "content": "What is the wifi password?"}])
    assert 6 <= tokens(row) <= 20
    assert tokens(Example("case", 1, [{"role": "user", "content": "访客的无线密码是什么？"}])) >= 7


def test_the_longest_row_is_at_most_what_the_config_allows_and_that_long_where_nobody_knows() -> None:
    short, long = (Example("case", 1, [{"role": "user", "content": "word " * count}]) for count in (10, 100))
    assert longest([short, long], 2048) == tokens(long)
    assert longest([short, long], 50) == 50
    assert longest([], 512) == 512
    assert longest([short, long], 2048, pairs=True) == 2 * tokens(long), "both answers of a row are in one pass"


def test_an_answer_that_is_rejected_counts_where_it_is_longer() -> None:
    asked, told = {"role": "user", "content": "Lunch?"}, {"role": "assistant", "content": "At noon."}
    long = "At some time or other, who can say, " * 20
    plain, rejecting = Example("case", 1, [asked, told]), Example("case", 1, [asked, told | {"rejected": long}])
    assert tokens(rejecting) == tokens(plain) - tokens(Example("", 1, [told])) + tokens(
        Example("", 1, [told | {"content": long}])
    )
    assert tokens(Example("case", 1, [asked, told | {"rejected": "No."}])) == tokens(plain)
