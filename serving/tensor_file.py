"""Safetensors files, read and written without torch or numpy: the header, the bounds, and whether all is finite.

Covers what a LoRA adapter and a base model's header need: F64, F32, F16 and BF16 values. The file's header is
checked as strictly as it can be, because safetensors has no checksum and vLLM accepts NaN without a word.
"""

import io
import json
import math
import mmap
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

HEADER_LIMIT = 100_000_000  # bytes; the format's own limit
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
Values = tuple[str, tuple[int, ...], bytes]
"""A tensor's kind, shape and little-endian bytes."""
EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80}  # all exponent bits set: infinity or NaN


class TensorFileError(Exception):
    """The file is not a whole safetensors file."""


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies; offsets count from the end of the header."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """The table of contents of one file. ``raw`` is the header as written, for fingerprints."""

    tensors: Mapping[str, Tensor]
    data_start: int
    raw: bytes


def read_header(path: Path) -> Header:
    """Read the table of contents and check that it covers the file exactly."""
    with path.open("rb") as file:
        return _header(path.name, file, path.stat().st_size)


def first_not_finite(path: Path, header: Header) -> str | None:
    """The name of a tensor that holds NaN or infinity, or None."""
    if not any(tensor.end > tensor.start for tensor in header.tensors.values()):
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        for name, tensor in header.tensors.items():
            data = whole[header.data_start + tensor.start : header.data_start + tensor.end]
            if not finite(tensor.kind, data):
                return name
    return None


def decode(content: bytes, name: str) -> dict[str, Values]:
    """All tensors of a whole file, in the order that they lie in; ``name`` is the file's, for errors."""
    header = _header(name, io.BytesIO(content), len(content))
    ordered = sorted(header.tensors.items(), key=lambda each: each[1].start)
    return {
        tensor: (one.kind, one.shape, content[header.data_start + one.start : header.data_start + one.end])
        for tensor, one in ordered
    }


def encode(tensors: Mapping[str, Values], metadata: Mapping[str, str]) -> bytes:
    """A whole file from (kind, shape, bytes) by name; the same input gives the same bytes."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    offset = 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)  # readers map the data, which has to be aligned
    return struct.pack("<Q", len(raw)) + raw + b"".join(data for _, _, data in tensors.values())


def finite(kind: str, data: bytes) -> bool:
    """Whether values hold neither NaN nor infinity."""
    if kind in EXPONENTS:
        mask = EXPONENTS[kind]
        return all(bits & mask != mask for bits in set(memoryview(data).cast("H")))
    if kind == "F32":
        # In double precision a sum of finite floats stays finite, so one pass in C sees every value.
        return math.isfinite(sum(memoryview(data).cast("f")))
    if kind == "F64":
        return all(map(math.isfinite, memoryview(data).cast("d")))
    return False


def _header(name: str, file: BinaryIO, size: int) -> Header:
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little") if len(prefix) == 8 else 0
    if not 2 <= length <= min(HEADER_LIMIT, size - 8):
        raise TensorFileError(f"{name} is cut off or no safetensors file")
    raw = file.read(length)
    try:
        entries = json.loads(raw)
        tensors = {tensor: _tensor(entry) for tensor, entry in entries.items() if tensor != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TensorFileError(f"{name} has a damaged header") from error
    _check_coverage(name, tensors.values(), size - 8 - length)
    return Header(tensors, 8 + length, raw)


def _tensor(entry: dict[str, Any]) -> Tensor:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not all(type(number) is int and number >= 0 for number in (start, end, *shape)):
        raise ValueError("an offset or a length is not a number")
    width = WIDTHS.get(entry["dtype"])
    if width and math.prod(shape) * width != end - start:
        raise ValueError("a shape and its bytes disagree")
    return Tensor(str(entry["dtype"]), shape, start, end)


def _check_coverage(name: str, tensors: Iterable[Tensor], size: int) -> None:
    position = 0
    for tensor in sorted(tensors, key=lambda each: (each.start, each.end)):
        if tensor.start != position or tensor.end < tensor.start:
            raise TensorFileError(f"{name} has a hole or an overlap in its data")
        position = tensor.end
    if position != size:
        raise TensorFileError(f"{name} is cut off: it holds {size} bytes of data and should hold {position}")
