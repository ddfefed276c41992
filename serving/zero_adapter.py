"""An adapter that changes nothing: under its name the CPU build answers as the base model does.

On the CPU, requests for the base model that share a batch with adapter requests get an adapter's answer (seen with vLLM
0.32.0). Requests under the name of an adapter whose weights are zero get the base model's, always.
"""

import hashlib
from pathlib import Path

from serving.adapter_files import write_adapter
from serving.base import BaseModel, BaseModelError
from serving.tensor_file import encode

RANK = 1  # the server pads every adapter to its own limit, so a smaller one costs no more
MODULE = "o_proj"


def zero_name(base: BaseModel, rank: int = RANK) -> str:
    """``base-zero-<hash of its weights>``; the same for every process that serves the same base model."""
    return f"base-zero-{hashlib.sha256(_weights(base, rank)).hexdigest()[:8]}"


def zero_adapter(base: BaseModel, adapters_dir: Path, rank: int = RANK) -> str:
    """Write the zero adapter unless it is there, and return its name."""
    name = zero_name(base, rank)
    if not (adapters_dir / name).exists():
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base.path,
            "bias": "none",
            "inference_mode": True,
            "init_lora_weights": True,
            "lora_alpha": rank,
            "lora_dropout": 0.0,
            "modules_to_save": None,
            "r": rank,
            "target_modules": [MODULE],
            "use_dora": False,
            "use_rslora": False,
        }
        write_adapter(adapters_dir, name, 0, _weights(base, rank), config, base)
    return name


def _weights(base: BaseModel, rank: int) -> bytes:
    tensors: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    for layer, (outputs, inputs) in sorted(base.layers.items()):
        if layer.rpartition(".")[2] == MODULE:
            key = f"base_model.model.{layer}"
            tensors[f"{key}.lora_A.weight"] = ("F32", (rank, inputs), bytes(4 * rank * inputs))
            tensors[f"{key}.lora_B.weight"] = ("F32", (outputs, rank), bytes(4 * rank * outputs))
    if not tensors:
        raise BaseModelError(f"{base.path} has no layer {MODULE}, which serving it on a CPU needs")
    # The path is in the configuration, so it has to be in the name too: a name is never used for other content.
    return encode(tensors, {"format": "pt", "base_path": base.path, "base_fingerprint": base.fingerprint})
