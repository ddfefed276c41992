import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.tensor_file import TensorFileError, decode, encode, first_not_finite, read_header

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
FILES = st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), SHAPES, max_size=4)
TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def floats(shape: tuple[int, ...]) -> tuple[str, tuple[int, ...], bytes]:
    count = 1
    for length in shape:
        count *= length
    return "F32", shape, struct.pack("<f", 1.5) * count


@TMP
@given(FILES)
def test_what_is_written_is_read_back(tmp_path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode({name: floats(shape) for name, shape in shapes.items()}, {"format": "pt"}))
    header = read_header(path)
    assert {name: tensor.shape for name, tensor in header.tensors.items()} == shapes
    assert first_not_finite(path, header) is None
    assert decode(path.read_bytes(), "file") == {name: floats(shape) for name, shape in shapes.items()}


@TMP
@given(FILES.filter(bool), st.data())
def test_a_file_cut_anywhere_is_refused(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], data: st.DataObject
) -> None:
    whole = encode({name: floats(shape) for name, shape in shapes.items()}, {})
    path = tmp_path / "file"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(TensorFileError):
        read_header(path)
    with pytest.raises(TensorFileError, match="file"):
        decode(path.read_bytes(), "file")


@TMP
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with suppress(TensorFileError):
        read_header(path)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("F32", struct.pack("<f", 3.4e38), struct.pack("<f", float("nan"))),
        ("F32", struct.pack("<f", -3.4e38), struct.pack("<f", float("inf"))),
        ("F64", struct.pack("<d", 1e308), struct.pack("<d", float("-inf"))),
        ("F16", struct.pack("<e", 65504), struct.pack("<e", float("nan"))),
        ("F16", struct.pack("<e", -65504), struct.pack("<e", float("-inf"))),
        ("BF16", b"\x7f\x7f", b"\x80\x7f"),
        ("BF16", b"\x7f\xff", b"\xc0\xff"),
    ],
)
@pytest.mark.parametrize("position", [0, 3, 7])
def test_one_broken_value_among_large_ones_is_found(
    tmp_path: Path, kind: str, good: bytes, bad: bytes, position: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode({"a": (kind, (8,), good * 8), "b": (kind, (8,), good * 8)}, {}))
    assert first_not_finite(path, read_header(path)) is None
    path.write_bytes(
        encode({"a": (kind, (8,), good * 8), "b": (kind, (8,), good * position + bad + good * (7 - position))}, {})
    )
    assert first_not_finite(path, read_header(path)) == "b"


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',  # a hole
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',  # shape and bytes disagree
        b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[2]}}',
        b'{"a":3}',
        b"[1,2]",
        b"\xff\xfe",
    ],
)
def test_a_header_that_does_not_fit_its_data_is_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(TensorFileError):
        read_header(path)
