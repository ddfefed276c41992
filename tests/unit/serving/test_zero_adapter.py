from pathlib import Path

import pytest

from serving import routing
from serving.adapter_checks import WEIGHTS, check_folder
from serving.adapter_files import whole_folder
from serving.base import BaseModel, BaseModelError
from serving.tensor_file import encode
from serving.zero_adapter import zero_adapter
from tests.unit.serving.factories import LAYERS, make_base, make_settings, tensor, write_base


def test_it_passes_the_checks_and_holds_only_zeros(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    name = zero_adapter(base, tmp_path / "adapters")
    folder = whole_folder(tmp_path / "adapters", name)
    assert check_folder(folder, base, 8, LAYERS).modules == ("o_proj",)
    content = (folder / WEIGHTS).read_bytes()
    data = content[8 + int.from_bytes(content[:8], "little") :]
    assert data
    assert not any(data)


def test_it_is_written_once(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    name = zero_adapter(base, tmp_path / "adapters")
    before = (tmp_path / "adapters" / name).stat().st_mtime_ns
    assert zero_adapter(base, tmp_path / "adapters") == name
    assert (tmp_path / "adapters" / name).stat().st_mtime_ns == before


def test_another_base_or_another_path_has_another_name(tmp_path: Path) -> None:
    folders = {"a": 0.5, "b": 0.5, "c": 0.25}
    bases = [make_base(tmp_path / name, value=value) for name, value in folders.items()]
    assert len({zero_adapter(base, tmp_path / "adapters") for base in bases}) == 3


def test_the_base_model_has_its_own_name_on_a_gpu_and_the_zero_adapters_on_a_cpu(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    assert routing.base_name(make_settings(tmp_path, device="cuda")) == "base"
    assert routing.base_name(make_settings(tmp_path, device="cpu")) == zero_adapter(base, tmp_path / "adapters")


def test_a_model_without_the_layer_is_named(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base")
    (folder / "model.safetensors").write_bytes(encode({"h.0.c_proj.weight": tensor(4, 4)}, {}))
    with pytest.raises(BaseModelError, match="o_proj"):
        zero_adapter(BaseModel.read(folder), tmp_path / "adapters")
