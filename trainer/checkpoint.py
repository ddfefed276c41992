"""A finished training: what has to be true of it, and the mark that spares a restarted run from training again."""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.adapter_files import as_published
from serving.base import BaseModel
from serving.bfloat16 import widen
from serving.errors import AdapterLoadError
from serving.tensor_file import TensorFileError, decode
from trainer.training_log import Step, Summary

WEIGHTS, CONFIG, STATE = "adapter_model.safetensors", "adapter_config.json", "trainer_state.json"
READY = "READY"


class CheckpointError(Exception):
    """The training ended without an error and still left nothing that can be used; the message says what."""


@dataclass(frozen=True)
class Expected:
    """What a training has to come to."""

    rows: int
    steps: int
    """At its end, or at the checkpoint that was chosen."""
    parent: Path | None
    """The adapter folder that it started from."""


def last(folder: Path, summary: Summary | None, expected: Expected) -> Path:
    """The checkpoint that a training has left which went on to its end.

    Raises:
        CheckpointError: it left none, or did not get to its end.
    """
    if summary is None or not summary.checkpoint:
        raise CheckpointError("ms-swift wrote no checkpoint; it trains nothing when the steps are used up already")
    if summary.step != expected.steps:
        raise CheckpointError(f"ms-swift stopped at step {summary.step} of {expected.steps}")
    return folder / Path(summary.checkpoint).name


def check(checkpoint: Path, steps: Sequence[Step], rows_used: int | None, expected: Expected) -> None:
    """Make sure that a checkpoint comes from a training that did all it should until then.

    Raises:
        CheckpointError: it did not.
    """
    if rows_used != expected.rows:
        raise CheckpointError(
            f"ms-swift used {rows_used} of {expected.rows} rows; it drops rows that are longer than max_length"
        )
    bad = next((one for one in steps if not math.isfinite(one.loss)), None)
    if bad is not None:
        raise CheckpointError(f"the loss was {bad.loss} at step {bad.step}; a lower learning rate may help")
    if not steps:
        raise CheckpointError("ms-swift logged no loss")
    if saved_step(checkpoint) != expected.steps:
        raise CheckpointError(f"{checkpoint.name} is half-written")
    if not changed(checkpoint, expected.parent):
        raise CheckpointError("the training changed no weight")


def saved_step(checkpoint: Path) -> int | None:
    """The step of a checkpoint folder; None when it is not whole (the state is written last)."""
    try:
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    step = state.get("global_step") if isinstance(state, dict) else None
    return step if isinstance(step, int) and (checkpoint / WEIGHTS).is_file() else None


def changed(checkpoint: Path, parent: Path | None) -> bool:
    """Whether training has moved a weight: away from the parent's, or a fresh lora_B away from zero.

    Raises:
        CheckpointError: a weights file is broken.
    """
    weights = _tensors(checkpoint / WEIGHTS)
    if parent is None:
        return any(any(data) for name, data in weights.items() if ".lora_B." in name)
    return weights != _tensors(parent / WEIGHTS)


def _tensors(path: Path) -> dict[str, bytes]:
    """The values by name. A parent may have been published in bfloat16, so those are made comparable."""
    try:
        tensors = decode(path.read_bytes(), path.name)
    except (TensorFileError, OSError) as error:
        raise CheckpointError(f"the weights cannot be read: {error}") from error
    return {name: widen(values) if kind == "BF16" else values for name, (kind, _, values) in tensors.items()}


def mark_ready(folder: Path, checkpoint: Path, dataset_sha256: str) -> None:
    """Note that the training in this run's folder is finished and checked."""
    note = json.dumps({"checkpoint": checkpoint.name, "dataset": dataset_sha256})
    half = folder / f"{READY}.tmp"
    with half.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / READY)


def ready(folder: Path, output: Path, dataset_sha256: str) -> Path | None:
    """The checkpoint of a training on these rows that was finished before; None: there is none, or no more."""
    note = _note(folder)
    checkpoint = output / str(note.get("checkpoint", ""))
    return checkpoint if note.get("dataset") == dataset_sha256 and saved_step(checkpoint) is not None else None


def of_weights(output: Path, sha256: str, base: BaseModel) -> Path | None:
    """The whole checkpoint that an adapter was published from, by the hash of the weights that were published."""
    whole = (folder for folder in sorted(output.glob("checkpoint-*")) if saved_step(folder) is not None)
    return next((folder for folder in whole if sha256 in _hashes(folder / WEIGHTS, base)), None)


def _hashes(weights: Path, base: BaseModel) -> set[str]:
    """Of the file, which adapters of before were copies of, and of what it is published as."""
    contents = [trained := weights.read_bytes()]
    with suppress(AdapterLoadError):  # weights that ran away were never published
        contents.append(as_published(trained, base))
    return {hashlib.sha256(content).hexdigest() for content in contents}


def _note(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
