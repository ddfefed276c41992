import json
import shutil
from pathlib import Path

import pytest

from serving.base import BaseModel, BaseModelError
from serving.tensor_file import encode
from tests.unit.serving.factories import INPUTS, OUTPUTS, make_base, tensor, write_base


def test_a_base_model_knows_its_path_and_its_linear_layers(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    assert base.path == str(tmp_path / "base")
    assert base.layers["model.layers.0.self_attn.q_proj"] == (OUTPUTS, INPUTS)
    assert "model.norm" not in base.layers


def test_a_base_model_knows_whether_its_linear_layers_are_in_bfloat16(tmp_path: Path) -> None:
    assert not make_base(tmp_path / "float32").bfloat16
    assert make_base(tmp_path / "bfloat16", bfloat16=True).bfloat16
    half = write_base(tmp_path / "half", bfloat16=True)
    more = encode({"model.layers.1.q_proj.weight": tensor(OUTPUTS, INPUTS)}, {})
    (half / "more.safetensors").write_bytes(more)
    index = {"weight_map": {"a": "model.safetensors", "b": "more.safetensors"}}
    (half / "model.safetensors.index.json").write_text(json.dumps(index))
    assert not BaseModel.read(half).bfloat16


def test_a_copy_has_the_same_fingerprint(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    copy = Path(shutil.copytree(tmp_path / "base", tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text()) | {"transformers_version": "9", "_name_or_path": "/x"}
    (copy / "config.json").write_text(json.dumps(config))
    assert BaseModel.read(copy).fingerprint == base.fingerprint


def test_other_weights_of_the_same_shape_have_another_fingerprint(tmp_path: Path) -> None:
    assert make_base(tmp_path / "a").fingerprint != make_base(tmp_path / "b", value=0.25).fingerprint


def test_another_chat_template_is_another_model(tmp_path: Path) -> None:
    before = make_base(tmp_path / "base").fingerprint
    (tmp_path / "base" / "chat_template.jinja").write_text("{{ messages }}")
    assert BaseModel.read(tmp_path / "base").fingerprint != before


def test_sharded_weights_are_read_through_their_index(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    for number in (1, 2):
        content = encode({f"model.layers.{number}.q_proj.weight": tensor(OUTPUTS, INPUTS)}, {})
        (folder / f"part-{number}.safetensors").write_bytes(content)
    index = {"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert set(BaseModel.read(folder).layers) == {"model.layers.1.q_proj", "model.layers.2.q_proj"}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "Model folder missing"),
        (lambda folder: (folder / "config.json").unlink(), "without config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "not valid JSON"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "without a tokenizer"),
        (lambda folder: (folder / "model.safetensors").unlink(), "without its weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 40), "weights in .* are damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "Wrong tokenizer.*cannot be read"),
        (lambda folder: write_base(folder, tokens=12), "Wrong tokenizer.*ids up to 11, and the model knows 10"),
        (lambda folder: write_base(folder, tokens=8), "Wrong tokenizer.*8 tokens, and the model knows 10"),
        (lambda folder: write_base(folder, eos_token_id=5), "Wrong tokenizer.*number 2, and the model ends with"),
    ],
)
def test_what_is_missing_or_wrong_is_named(tmp_path: Path, spoil: object, words: str) -> None:
    folder = write_base(tmp_path / "base")
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(BaseModelError, match=words):
        BaseModel.read(folder)
