"""Which rows are too short to be counted."""

from hypothesis import given
from hypothesis import strategies as st

from trainer.fitting import FRAME, may_be_longer, too_long


@given(st.text(max_size=200), st.integers(1, 400))
def test_a_row_that_is_not_counted_fits_even_if_every_byte_is_a_token(text: str, limit: int) -> None:
    most = len(text.encode()) + FRAME
    assert may_be_longer([{"role": "user", "content": text}], limit) is (most > limit)


def test_chinese_is_counted_by_its_bytes() -> None:
    assert not may_be_longer([{"role": "user", "content": "x" * 500}], 1024)
    assert may_be_longer([{"role": "user", "content": "港" * 500}], 1024)


def test_the_reason_says_what_to_do() -> None:
    assert too_long(1830, 1024) == (
        "question and correction are 1830 tokens together, and at most 1024 can be learned at once; "
        "please shorten the correction"
    )
