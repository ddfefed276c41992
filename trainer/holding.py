"""What the warm trainer holds of the machine's memory and of the GPU's, in a file beside its pid file.

The worker knows it, and reckons with it as free for the next training. This is for who asks from another process how a
run would train: `mend doctor`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer import process

PID_NAME, HELD_NAME = "trainer.pid", "trainer.held"


@dataclass(frozen=True)
class Held:
    """Bytes."""

    ram: int = 0
    gpu: int = 0


NOTHING = Held()


def said(event: Mapping[str, Any]) -> Held | None:
    """What an event of the trainer tells of it; None when it tells nothing."""
    ram, gpu = event.get("bytes"), event.get("gpu_bytes")
    return Held(ram, gpu) if isinstance(ram, int) and isinstance(gpu, int) else None


def write(folder: Path, held: Held) -> None:
    """Tell other processes; `folder` is the warm trainer's."""
    path = folder / HELD_NAME
    half = path.with_suffix(".tmp")
    half.write_text(json.dumps(asdict(held)), encoding="utf-8")
    half.replace(path)


def read(folder: Path) -> Held:
    """What the trainer of this folder holds now: nothing, when it is gone or has not said."""
    if not process.lives(folder / PID_NAME):
        return NOTHING
    try:
        told = json.loads((folder / HELD_NAME).read_text(encoding="utf-8"))
        return Held(int(told["ram"]), int(told["gpu"]))
    except (OSError, ValueError, KeyError, TypeError):
        return NOTHING
