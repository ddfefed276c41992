"""What is tried to make the recipe's training fast: its 50 rows about itself, ten epochs, sixteen rows a step.

Every variant is the configuration's flags, as one batch of sixteen that recomputes nothing and loads rows itself, with
one thing changed. Flags are those of ms-swift 4.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import yaml

Flags = dict[str, str]

FAST: Mapping[str, str] = {
    "num_train_epochs": "10",
    "per_device_train_batch_size": "16",
    "gradient_accumulation_steps": "1",
    "gradient_checkpointing": "false",
    "dataloader_num_workers": "0",
    "save_strategy": "steps",
    "save_steps": "1000000",  # one save, at the end
    "save_only_model": "true",
    "logging_steps": "1",
}


@dataclass(frozen=True)
class Variant:
    """One thing that is changed. ``package`` is what it needs beside ms-swift; ``apart`` is one that leaves its process
    changed, or may take long, so it gets one of its own."""

    name: str
    flags: Mapping[str, str] = field(default_factory=dict)
    package: str = ""
    apart: bool = False

    def missing(self) -> str:
        """Why it cannot be run here; empty when it can."""
        return f"the package {self.package} is not here" if self.package and not find_spec(self.package) else ""


VARIANTS = (
    Variant("baseline"),
    Variant("baseline again"),
    Variant("no dropout", {"lora_dropout": "0"}),
    Variant("plain AdamW", {"optim": "adamw_torch"}),  # transformers' own default is the fused one
    Variant("fused AdamW", {"optim": "adamw_torch_fused"}),
    Variant("eager attention", {"attn_impl": "eager"}),
    Variant("SDPA attention", {"attn_impl": "sdpa"}),
    Variant("flash attention 2 padding-free", {"attn_impl": "flash_attention_2", "padding_free": "true"}, "flash_attn"),
    Variant("flash attention 3", {"attn_impl": "flash_attention_3"}, "flash_attn_interface"),
    Variant("grouped by length", {"group_by_length": "true"}),
    Variant("loss logged every 20 steps", {"logging_steps": "20"}),
    Variant("all logits kept", {"use_logits_to_keep": "false"}),
    Variant("checkpointing", {"gradient_checkpointing": "true"}),
    Variant("4 x 4", {"per_device_train_batch_size": "4", "gradient_accumulation_steps": "4"}),
    Variant("4 data workers", {"dataloader_num_workers": "4"}, apart=True),  # it is the end that they delay
    Variant("Liger kernels", {"use_liger_kernel": "true"}, "liger_kernel", apart=True),  # exchanges the model's classes
    Variant("compiled", {"torch_compile": "true"}, apart=True),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
AT_FIRST = (
    "baseline",
    "baseline again",
    "no dropout",
    "plain AdamW",
    "loss logged every 20 steps",
    "grouped by length",
    "flash attention 2 padding-free",
    "Liger kernels",
    "compiled",
)


def argv(variant: Variant, config: Path, model: Path, rows: Path, output: Path, epochs: int) -> list[str]:
    """ms-swift's arguments for one variant of a configuration of ours."""
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    named = ("model_type", "template", "max_length", "lora_rank", "lora_alpha", "seed")
    flags: Flags = {name: _word(content[name]) for name in named}
    flags |= {name: _word(value) for name, value in {**content["first"], **content["swift"]}.items()}
    flags |= {**FAST, "num_train_epochs": str(epochs), **variant.flags}
    flags |= {"model": str(model), "dataset": str(rows), "output_dir": str(output), "add_version": "false"}
    return [word for name, value in flags.items() for word in (f"--{name}", value)]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
