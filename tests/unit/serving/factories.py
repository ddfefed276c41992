"""A tiny base model's folder and adapters for it, written byte by byte; tests change only what matters to them."""

import json
import struct
from pathlib import Path
from typing import Any

from serving.adapter_checks import CONFIG, WEIGHTS
from serving.base import BaseModel
from serving.bfloat16 import narrow
from serving.tensor_file import encode
from settings import ServingSettings

OUTPUTS, INPUTS = 6, 4
LAYERS = ("q_proj", "o_proj")


def tensor(*shape: int, value: float = 0.5) -> tuple[str, tuple[int, ...], bytes]:
    count = 1
    for length in shape:
        count *= length
    return "F32", shape, struct.pack("<f", value) * count


def make_base(folder: Path, **config: Any) -> BaseModel:
    return BaseModel.read(write_base(folder, **config))


def write_base(folder: Path, *, value: float = 0.5, tokens: int = 10, bfloat16: bool = False, **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"model_type": "llama", "vocab_size": 10, "eos_token_id": 2} | config
    (folder / "config.json").write_text(json.dumps(content))
    vocabulary = {f"t{number}": number for number in range(tokens - 1)}
    added = [{"id": tokens - 1, "content": "<end>"}, {"id": 2, "content": "<|im_end|>"}]
    tokenizer = {"model": {"vocab": vocabulary}, "added_tokens": added}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    layers = {f"model.layers.0.self_attn.{name}.weight": tensor(OUTPUTS, INPUTS, value=value) for name in LAYERS}
    if bfloat16:
        layers = {name: ("BF16", shape, narrow(values)) for name, (_, shape, values) in layers.items()}
    layers["model.norm.weight"] = tensor(INPUTS)
    (folder / "model.safetensors").write_bytes(encode(layers, {"format": "pt"}))
    return folder


def tensors(rank: int = 2, value: float = 0.5) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    key = "base_model.model.model.layers.0.self_attn"
    return {
        f"{key}.{layer}.lora_{half}.weight": tensor(*shape, value=value)
        for layer in LAYERS
        for half, shape in (("A", (rank, INPUTS)), ("B", (OUTPUTS, rank)))
    }


def write_adapter_source(
    folder: Path,
    base: BaseModel,
    *,
    value: float = 0.5,
    rank: int = 2,
    weights: dict[str, tuple[str, tuple[int, ...], bytes]] | None = None,
    **config: Any,
) -> Path:
    """What a training leaves behind: the two files, and others that must not leave its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 8,
        "base_model_name_or_path": base.path,
        "target_modules": list(LAYERS),
        "bias": "none",
        "init_lora_weights": True,
        "modules_to_save": None,
        "use_dora": False,
    } | config
    (folder / CONFIG).write_text(json.dumps(content))
    (folder / WEIGHTS).write_bytes(encode(tensors(rank, value) if weights is None else weights, {"format": "pt"}))
    (folder / "args.json").write_text("{}")
    (folder / "optimizer.pt").write_bytes(b"x")
    return folder


def make_settings(folder: Path, *urls: str, **options: Any) -> ServingSettings:
    """Settings for servers of which one test is in charge, with short patience."""
    return ServingSettings.model_validate(
        {
            "urls": list(urls) or ["http://127.0.0.1:9"],
            "device": "cuda",
            "base_model": folder / "base",
            "adapters_dir": folder / "adapters",
            "first_token_timeout": 5,
            "idle_timeout": 5,
        }
        | options
    )
