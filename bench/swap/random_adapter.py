"""Adapters with random weights: real files of the right shapes, each of which changes every answer in its own way."""

import json
from pathlib import Path

import numpy

from serving.adapter_checks import CONFIG, WEIGHTS
from serving.base import BaseModel
from serving.tensor_file import encode
from settings import ServingSettings


def write_random_adapter(folder: Path, base: BaseModel, seed: int, *, rank: int = 8, scale: float = 0.02) -> Path:
    """Write an unpublished adapter into ``folder`` as a training would leave it; ``scale`` 0 changes no answer."""
    numbers = numpy.random.default_rng(seed)
    served = ServingSettings().lora_target_modules
    tensors: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    for layer, (outputs, inputs) in base.layers.items():
        if layer.rpartition(".")[2] not in served:
            continue
        halves = {"A": (rank, inputs, inputs**-0.5), "B": (outputs, rank, scale)}
        for half, (rows, columns, width) in halves.items():
            values = (numbers.standard_normal((rows, columns)) * width).astype("<f4")
            tensors[f"base_model.model.{layer}.lora_{half}.weight"] = ("F32", (rows, columns), values.tobytes())
    config = {
        "base_model_name_or_path": base.path,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "lora_alpha": 4 * rank,
        "lora_dropout": 0.05,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(served),
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": False,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(encode(tensors, {"format": "pt"}))
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return folder
