"""Adapters between two others."""

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.adapter_checks import CONFIG, WEIGHTS
from serving.bfloat16 import narrow
from serving.tensor_file import Values, decode, encode
from trainer.blending import NotAlike, blend

NUMBERS = st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4)


def folder(path: Path, values: list[float], kind: str = "F32", name: str = "lora_A") -> Path:
    path.mkdir(exist_ok=True)
    data = array("f", values).tobytes()
    tensors: dict[str, Values] = {name: (kind, (2, len(values) // 2), narrow(data) if kind == "BF16" else data)}
    (path / WEIGHTS).write_bytes(encode(tensors, {"format": "pt"}))
    (path / CONFIG).write_text(f'{{"of": "{path.name}"}}')
    return path


def values(path: Path) -> list[float]:
    kind, shape, data = decode((path / WEIGHTS).read_bytes(), "x")["lora_A"]
    assert (kind, shape) == ("F32", (2, 2))
    return list(array("f", data))


@given(NUMBERS, NUMBERS, st.floats(0, 1, width=32))
def test_every_number_is_so_far_on_its_way(
    tmp_path_factory: pytest.TempPathFactory, a: list[float], b: list[float], share: float
) -> None:
    path = tmp_path_factory.mktemp("blend")
    mixed = values(blend(folder(path / "live", a), folder(path / "trained", b), share, path / "mixed"))
    assert mixed == pytest.approx([one + share * (other - one) for one, other in zip(a, b, strict=True)], abs=1e-4)
    assert (path / "mixed" / CONFIG).read_text() == '{"of": "trained"}'


def test_what_was_published_in_bfloat16_is_mixed_in_float32(tmp_path: Path) -> None:
    live, trained = folder(tmp_path / "live", [1, 2, 3, 4], "BF16"), folder(tmp_path / "trained", [2, 2, 3, 5])
    assert values(blend(live, trained, 0.25, tmp_path / "mixed")) == [1.25, 2, 3, 4.25]


def test_adapters_of_two_shapes_are_not_mixed(tmp_path: Path) -> None:
    one = folder(tmp_path / "live", [1, 2, 3, 4])
    for other in (folder(tmp_path / "a", [1, 2]), folder(tmp_path / "b", [1, 2, 3, 4], name="lora_B")):
        with pytest.raises(NotAlike, match="other tensors"):
            blend(one, other, 0.5, tmp_path / "mixed")
