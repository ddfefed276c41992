from pathlib import Path
from typing import Any

import pytest

from serving.adapter_checks import CONFIG, WEIGHTS, check_folder
from serving.errors import AdapterLoadError
from tests.unit.serving.factories import INPUTS, LAYERS, make_base, tensor, tensors, write_adapter_source, write_base

KEY = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


def refused(tmp_path: Path, **changes: Any) -> str:
    """The reason for which an adapter with these changes is refused."""
    base = make_base(tmp_path / "base")
    source = write_adapter_source(tmp_path / "source", base, **changes)
    with pytest.raises(AdapterLoadError) as error:
        check_folder(source, base, 8, LAYERS)
    return error.value.reason


def test_a_sound_adapter_passes_with_its_facts(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    facts = check_folder(write_adapter_source(tmp_path / "source", base), base, 8, LAYERS)
    assert (facts.rank, facts.alpha, facts.modules) == (2, 8.0, ("o_proj", "q_proj"))
    assert len(facts.sha256) == 64


def test_a_pattern_as_target_is_judged_by_the_tensors(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    source = write_adapter_source(tmp_path / "source", base, target_modules=r"^model.*\.(q_proj|o_proj)$")
    assert check_folder(source, base, 8, LAYERS).modules == ("o_proj", "q_proj")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"peft_type": "IA3"}, "of type IA3"),
        ({"rank": 9}, "rank 9 is above the server's limit 8"),
        ({"r": 0}, "rank is 0"),
        ({"r": True}, "rank is True"),
        ({"r": 4}, "base model and rank ask for"),
        ({"lora_alpha": 0}, "lora_alpha is 0"),
        ({"lora_alpha": float("nan")}, "lora_alpha is nan"),
        ({"lora_alpha": "8"}, "lora_alpha is '8'"),
        ({"use_dora": True}, "use_dora"),
        ({"lora_bias": True}, "lora_bias"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 4}}, "rank_pattern"),
        ({"alpha_pattern": {"q_proj": 4}}, "alpha_pattern"),
        ({"init_lora_weights": "pissa"}, "starts from pissa"),
        ({"init_lora_weights": "pissa_niter_16"}, "starts from pissa_niter_16"),
        ({"init_lora_weights": "olora"}, "starts from olora"),
        ({"target_modules": ["q_proj", "lm_head"]}, "changes lm_head"),
        ({"base_model_name_or_path": ""}, "does not say which base model"),
        ({"base_model_name_or_path": "/elsewhere/qwen"}, "trained on /elsewhere/qwen"),
        ({"value": float("nan")}, "NaN or infinity in base_model"),
        ({"value": float("inf")}, "NaN or infinity"),
        ({"weights": {}}, "holds no weights"),
        ({"weights": tensors() | {"x.weight": tensor(2, 2)}}, "x.weight, which is no LoRA weight"),
        ({"weights": {KEY.replace("layers.0", "layers.9"): tensor(2, INPUTS)}}, "base model does not have"),
        ({"weights": {KEY: tensor(2, INPUTS)}}, "only half of"),
        ({"weights": tensors() | {KEY: tensor(2, INPUTS + 1)}}, "base model and rank ask for"),
        ({"weights": tensors() | {KEY: ("I32", (2, INPUTS), bytes(32))}}, "LoRA weights are floats"),
    ],
)
def test_each_fault_is_refused_with_its_reason(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert words in refused(tmp_path, **changes)


def test_layers_that_the_server_does_not_adapt_are_refused(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    source = write_adapter_source(tmp_path / "source", base, target_modules="all-linear")
    with pytest.raises(AdapterLoadError, match="changes o_proj"):
        check_folder(source, base, 8, ["q_proj"])


def test_a_copy_of_the_base_under_another_path_is_the_same_base(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    write_base(tmp_path / "copy")
    source = write_adapter_source(tmp_path / "source", base, base_model_name_or_path=str(tmp_path / "copy"))
    assert check_folder(source, base, 8, LAYERS).rank == 2


def test_another_base_of_equal_shape_is_refused(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    write_base(tmp_path / "other", value=0.1)
    source = write_adapter_source(tmp_path / "source", base, base_model_name_or_path=str(tmp_path / "other"))
    with pytest.raises(AdapterLoadError, match="was trained on"):
        check_folder(source, base, 8, LAYERS)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_or_linked_file_is_refused(tmp_path: Path, name: str) -> None:
    base = make_base(tmp_path / "base")
    source = write_adapter_source(tmp_path / "source", base)
    (source / name).rename(tmp_path / name)
    with pytest.raises(AdapterLoadError, match=f"no file {name}"):
        check_folder(source, base, 8, LAYERS)
    (source / name).symlink_to(tmp_path / name)
    with pytest.raises(AdapterLoadError, match=f"no file {name}"):
        check_folder(source, base, 8, LAYERS)


def test_a_truncated_adapter_is_refused(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    source = write_adapter_source(tmp_path / "source", base)
    whole = (source / WEIGHTS).read_bytes()
    (source / WEIGHTS).write_bytes(whole[:-16])
    with pytest.raises(AdapterLoadError, match="Truncated"):
        check_folder(source, base, 8, LAYERS)
