"""A candidate between an adapter and what was trained from it: it has learned a little less, and lost less.

Between two models of one line there is mostly a straight way that keeps what both can (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022, arXiv:2109.01903, who mix the weights of a model before and after its
training). Here the two factors of each LoRA are mixed, one by one: of their product that is nearly the same, as long as
the training has moved them little. What starts from the base model has other factors than the live adapter, and is
not mixed with it.

Measured 2026-11-28 on SmolLM2-135M, one run of three facts that the gate had refused for one answer about the identity:

    of the way   wordings of new facts   identity   general questions
    1.0          19 of 21                4 of 5     85 of 101
    0.85         16 of 21                5 of 5     87 of 101
    0.7          13 of 21                5 of 5     87 of 101
    0 (live)      0 of 21                5 of 5     89 of 101
"""

import shutil
from pathlib import Path

from serving.adapter_checks import CONFIG, WEIGHTS
from serving.bfloat16 import widen
from serving.tensor_file import Values, decode, encode


class NotAlike(Exception):
    """The two adapters are not of one shape."""


def blend(live: Path, trained: Path, share: float, into: Path) -> Path:
    """Write an adapter that is so far on the way from one to the other (0 to 1); both are adapter folders.

    Raises:
        NotAlike: they have other tensors.
        TensorFileError: a file of theirs is broken.
    """
    import numpy as np  # only where something is mixed, as in serving.bfloat16

    begin, end = (_tensors(folder / WEIGHTS) for folder in (live, trained))
    if {name: shape for name, (_, shape, _) in begin.items()} != {name: shape for name, (_, shape, _) in end.items()}:
        raise NotAlike(f"{live.name} and {trained.name} have other tensors; they cannot be mixed")
    mixed: dict[str, Values] = {}
    for name, (_, shape, values) in end.items():
        first, second = (np.frombuffer(data, "<f4") for data in (begin[name][2], values))
        mixed[name] = "F32", shape, (first + np.float32(share) * (second - first)).astype("<f4").tobytes()
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(trained / CONFIG, into / CONFIG)
    (into / WEIGHTS).write_bytes(encode(mixed, {"format": "pt"}))
    return into


def _tensors(path: Path) -> dict[str, Values]:
    """In float32, whatever they were published in."""
    found: dict[str, Values] = {}
    for name, (kind, shape, values) in decode(path.read_bytes(), path.name).items():
        if kind not in ("F32", "BF16"):
            raise NotAlike(f"{path} has {kind} values")
        found[name] = "F32", shape, widen(values) if kind == "BF16" else values
    return found
