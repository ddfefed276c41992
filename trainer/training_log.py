"""What ms-swift writes while it trains: `logging.jsonl`, one line a step and a summary at the end, and its output."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATASET = re.compile(r"train_dataset: Dataset\(\{.*?num_rows: (\d+)", re.DOTALL)
_NOT_FETCHED = re.compile(r"Dataset (\S+) load failed")
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Step:
    """One update step. Times in seconds."""

    step: int
    steps: int
    loss: float
    eta: float | None


@dataclass(frozen=True)
class Summary:
    """How the training ended, by its own account."""

    step: int
    checkpoint: str | None


def read_steps(path: Path) -> list[Step]:
    """The steps so far; an unfinished last line is left for the next look."""
    return [step for line in _lines(path) if (step := _step(line)) is not None]


def read_summary(path: Path) -> Summary | None:
    """The summary, once it is written (which ms-swift also does when training has failed)."""
    found = None
    for line in _lines(path):
        if isinstance(line.get("global_step"), int) and "last_model_checkpoint" in line:
            found = Summary(line["global_step"], line["last_model_checkpoint"])
    return found


def rows_used(output: Path) -> int | None:
    """How many rows ms-swift says it trains on, from its output."""
    found = _DATASET.search(output.read_text(encoding="utf-8", errors="replace")) if output.exists() else None
    return int(found[1]) if found else None


def not_fetched(output: Path) -> str | None:
    """The data set that ms-swift could not get from a hub, if that is what its output says."""
    found = _NOT_FETCHED.search(output.read_text(encoding="utf-8", errors="replace")) if output.exists() else None
    return found[1] if found else None


def tail(output: Path, *, lines: int = 12) -> str:
    """The end of the output, without progress bars and colours."""
    if not output.exists():
        return ""
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - 20_000))
        text = file.read().decode("utf-8", errors="replace")
    shown = [part for line in text.splitlines() if (part := _CONTROL.sub("", line.rsplit("\r", 1)[-1]).rstrip())]
    return "\n".join([line for line in shown if not re.match(r"\s*(Train|Map|Loading).*\d+%\|", line)][-lines:])


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file that is still being written; NaN and Infinity are read as Python writes them."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")
    lines = []
    for line in whole.split("\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue  # half a line that a killed process left, followed by another process's lines
        if isinstance(value, dict):
            lines.append(value)
    return lines


def _step(line: dict[str, Any]) -> Step | None:
    counted = re.fullmatch(r"(\d+)/(\d+)", str(line.get("global_step/max_steps", "")))
    loss = line.get("loss")
    if counted is None or not isinstance(loss, int | float):
        return None
    step, steps = int(counted[1]), int(counted[2])
    pace = line.get("train_speed(s/it)")
    eta = (steps - step) * pace if isinstance(pace, int | float) and math.isfinite(pace) else None
    return Step(step, steps, float(loss), eta)
