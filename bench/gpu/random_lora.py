"""A LoRA adapter of rank 8 with random weights for any model folder, from its config.json alone."""

import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file

RANK = 8


def write(model: Path, folder: Path) -> Path:
    """Write it, as a training would leave it."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = head * config["num_attention_heads"], head * config["num_key_value_heads"]
    layers = {
        "self_attn.q_proj": (hidden, queries),
        "self_attn.k_proj": (hidden, keys),
        "self_attn.v_proj": (hidden, keys),
        "self_attn.o_proj": (queries, hidden),
        "mlp.gate_proj": (hidden, inner),
        "mlp.up_proj": (hidden, inner),
        "mlp.down_proj": (inner, hidden),
    }
    numbers = numpy.random.default_rng(0)
    tensors = {}
    for number in range(config["num_hidden_layers"]):
        for name, (inputs, outputs) in layers.items():
            place = f"base_model.model.model.layers.{number}.{name}"
            for half, shape in (("A", (RANK, inputs)), ("B", (outputs, RANK))):
                values = numbers.standard_normal(shape, dtype=numpy.float32) * 0.02
                tensors[f"{place}.lora_{half}.weight"] = values
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    about = {
        "base_model_name_or_path": str(model),
        "bias": "none",
        "lora_alpha": 32,
        "peft_type": "LORA",
        "r": RANK,
        "target_modules": sorted({name.rpartition(".")[2] for name in layers}),
        "task_type": "CAUSAL_LM",
    }
    (folder / "adapter_config.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
