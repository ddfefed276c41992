"""A LoRA training that makes steps on request, with so much memory and no more: a line of JSON in, a line out.

    {"rows": 4, "checkpointing": false, "cap": 22.2e9, "seconds": 10}
    {"fits": true, "step": 0.21, "steps": 48, "peak": 19.1e9}

``bench.gpu.sharing`` starts it. The steps are those of the recipe (rank 8 on every linear layer, rows of 60 tokens)
through peft alone; ms-swift, which makes the same ones, would take a minute for each cap. With `4bit` as the second
argument the base model is one of NF4 weights, as ms-swift loads it with `quant_method bnb` and `quant_bits 4` (QLoRA).
"""

import json
import statistics
import sys
import time
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

TOKENS, WARM_UP, MOST = 60, 2, 200
CONTEXT = 0.6e9  # what CUDA itself takes, which torch does not count


def load(path: str, *, four_bits: bool) -> Any:
    """The model with fresh adapters."""
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    packed = {"quantization_config": nf4} if four_bits else {}
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16, device_map={"": 0}, **packed)
    config = LoraConfig(r=8, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def steps(model: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Make steps for so many seconds, at least a few; not fitting is an answer too."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, max(0.01, (asked["cap"] - CONTEXT) / total)))
    torch.cuda.reset_peak_memory_stats()
    if asked["checkpointing"]:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    else:
        model.gradient_checkpointing_disable()
    model.train()
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-4)
    rows = torch.randint(1000, 100_000, (asked["rows"], TOKENS), device="cuda")
    took: list[float] = []
    try:
        give_up = time.monotonic() + asked["seconds"]
        while len(took) < WARM_UP + 2 or (time.monotonic() < give_up and len(took) < MOST):
            began = time.monotonic()
            model(input_ids=rows, labels=rows).loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            torch.cuda.synchronize()
            took.append(time.monotonic() - began)
    except torch.cuda.OutOfMemoryError as error:
        optimizer.zero_grad(set_to_none=True)
        return {"fits": False, "why": str(error).splitlines()[0][:160]}
    finally:
        del optimizer
        torch.cuda.empty_cache()
    peak = torch.cuda.max_memory_reserved() + CONTEXT
    return {"fits": True, "step": statistics.median(took[WARM_UP:]), "steps": len(took), "peak": peak}


def main() -> None:
    """Answer one line after the other until there are no more."""
    torch.manual_seed(0)
    model = load(sys.argv[1], four_bits=sys.argv[2:] == ["4bit"])
    print(json.dumps({"ready": True, "weights": torch.cuda.memory_allocated()}), flush=True)
    for line in sys.stdin:
        print(json.dumps(steps(model, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
