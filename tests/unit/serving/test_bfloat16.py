import math
import struct
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.bfloat16 import narrow, widen


def as_float(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def exact(upper: int) -> Fraction:
    """The value of a bfloat16 without its sign; what would be infinity counts as the next power of two."""
    return Fraction(2) ** 128 if upper == 0x7F80 else Fraction(as_float(upper << 16))


def nearest(bits: int) -> int:
    """By the definition: of the bfloat16 at and above a float32's size, the closer one, and the even one of two."""
    size = bits & 0x7FFFFFFF
    value, below = Fraction(as_float(size)), size >> 16
    down, up = value - exact(below), exact(below + 1) - value
    chosen = below if down < up or (down == up and below % 2 == 0) else below + 1
    return chosen | (bits >> 31 << 15)


FINITE = st.integers(0, 0xFFFFFFFF).filter(lambda bits: math.isfinite(as_float(bits)))


@given(FINITE)
@example(0x3F808000)  # half-way: to the even one below
@example(0x3F818000)  # half-way: to the even one above
@example(0x3FFFFFFF)  # into the next exponent
@example(0x00000001)  # the smallest there is
@example(0x007FFFFF)  # subnormal, to the smallest normal
@example(0x7F7F8000)  # half-way to infinity
@example(0x80000000)  # -0.0
def test_every_number_becomes_the_nearest(bits: int) -> None:
    assert struct.unpack("<H", narrow(struct.pack("<I", bits)))[0] == nearest(bits)


@given(st.lists(FINITE, max_size=9))
def test_many_are_rounded_as_each_alone(values: list[int]) -> None:
    each = [struct.pack("<I", bits) for bits in values]
    assert narrow(b"".join(each)) == b"".join(map(narrow, each))


@given(st.integers(0, 0xFFFF))
def test_what_is_a_bfloat16_already_stays(upper: int) -> None:
    small = struct.pack("<H", upper)
    wide = widen(small)
    assert wide == b"\0\0" + small
    if not math.isnan(as_float(upper << 16)):
        assert narrow(wide) == small


@pytest.mark.parametrize("bits", [0x7F800001, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF, 0x7FC00000])
def test_no_nan_is_lost(bits: int) -> None:
    assert math.isnan(struct.unpack("<f", widen(narrow(struct.pack("<I", bits))))[0])


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_stays(value: float) -> None:
    assert struct.unpack("<f", widen(narrow(struct.pack("<f", value))))[0] == value
