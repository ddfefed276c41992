"""What one arm has found out with one seed: a JSON file, written anew after each round.

A bench that was stopped shows the rounds that it has; one that lacks some is measured again.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.learning.measures import Knowledge
from bench.learning.patch import Patched
from bench.timeline import Timeline


@dataclass(frozen=True)
class Round:
    """One round: the run, and what is known after it. Shares are of 1."""

    number: int
    run: Timeline
    learned: float  # held-out wordings of this round's facts that are answered right
    kept: float | None  # of earlier rounds' wordings that were right once: those that still are; None in round 1
    known: float  # held-out wordings of all facts so far
    seen: int  # held-out wordings that turned up in a dataset; they are not counted
    knowledge: Knowledge
    patch: Patched | None = None  # before the run, where the arm measures that


@dataclass(frozen=True)
class Pair:
    """An arm and a seed."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm}-{self.seed}"

    def path(self, out: Path) -> Path:
        """Where its result is."""
        return out / f"{self}.json"


def write(out: Path, pair: Pair, device: str, rounds: Sequence[Round], *, finished: bool) -> None:
    """Write the file whole or not at all."""
    machine = platform.processor() or platform.machine()
    about = {"arm": pair.arm, "seed": pair.seed, "device": device, "machine": machine, "finished": finished}
    text = json.dumps(about | {"rounds": [asdict(one) for one in rounds]}, indent=1)
    path = pair.path(out)
    path.with_suffix(".tmp").write_text(f"{text}\n", encoding="utf-8")
    path.with_suffix(".tmp").replace(path)


def is_finished(out: Path, pair: Pair, rounds: int) -> bool:
    """Whether so many rounds are there."""
    path = pair.path(out)
    return path.exists() and len(json.loads(path.read_text(encoding="utf-8"))["rounds"]) >= rounds


def read_all(out: Path) -> list[dict[str, Any]]:
    """All results of a folder that have a round."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*-*.json"))]
    return [one for one in found if one["rounds"]]
