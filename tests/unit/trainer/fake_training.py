"""A small training program in place of ms-swift: the same flags, the same files, no torch.

    python -m tests.unit.trainer.fake_training <descriptor> <idle seconds>      the warm trainer
    python -m tests.unit.trainer.fake_training cold <flags>                     a process of its own

What goes wrong is in a file `moods.json` beside the output folder, a list that each training takes the first of:
`die`, `fail`, `go on` (until it is cancelled) or `deaf` (until it is ended); without one all goes well. `broken` as the
base model's name cannot be loaded.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.unit.serving.factories import write_adapter_source
from trainer import warm_link


class FakeBase:
    """Only its path is in an adapter's files."""

    def __init__(self, path: str) -> None:
        self.path = path


class Fake:
    """The program. It holds 1000 bytes, and after its first training 3000, 2000 of them on the GPU."""

    def __init__(self) -> None:
        self._held = {"bytes": 1000, "gpu_bytes": 0}

    def prepare(self, argv: Sequence[str]) -> dict[str, Any]:
        if "broken" in argv:
            raise OSError("the base model cannot be read")
        os.write(int(sys.argv[1]), b'this is no event\n[1]\n{"event": 3}\n')
        return {"seconds": {}}

    def holds(self) -> dict[str, int]:
        return self._held

    def train(self, argv: Sequence[str], cancelled: threading.Event) -> None:
        self._held = {"bytes": 3000, "gpu_bytes": 2000}
        flags = dict(zip(argv[::2], argv[1::2], strict=False))
        output = Path(flags["--output_dir"])
        output.mkdir(parents=True)
        mood = _mood(output.parent / "moods.json")
        if mood == "fail":
            raise ValueError("remaining_argv: ['--no_such_flag']")
        rows = len(Path(flags["--dataset"]).read_text(encoding="utf-8").splitlines())
        print(f"train_dataset: Dataset({{ num_rows: {rows} }})", flush=True)
        print(f"trained by {os.getpid()}", flush=True)
        epochs, batch = int(flags["--num_train_epochs"]), int(flags["--per_device_train_batch_size"])
        steps, step = epochs * -(-rows // batch), 0
        while step < steps or mood in {"go on", "deaf"}:
            step += 1
            _log(output, {"loss": 1.0, "global_step/max_steps": f"{step}/{steps}", "train_speed(s/it)": 0.01})
            if mood == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if mood in {"go on", "deaf"}:
                time.sleep(0.01)
            if cancelled.is_set() and mood != "deaf":
                print("cancelled", flush=True)
                return
        base: Any = FakeBase(flags["--model"])
        value = int.from_bytes(hashlib.sha256(Path(flags["--dataset"]).read_bytes()).digest()[:2], "big") / 2**16
        saved = write_adapter_source(output / f"checkpoint-{steps}", base, value=value)
        (saved / "trainer_state.json").write_text(json.dumps({"global_step": steps}), encoding="utf-8")
        _log(output, {"global_step": steps, "last_model_checkpoint": str(saved)})


def _log(output: Path, line: dict[str, Any]) -> None:
    with (output / "logging.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _mood(path: Path) -> str:
    if not path.exists():
        return ""
    first, *rest = json.loads(path.read_text(encoding="utf-8")) or [""]
    path.write_text(json.dumps(rest), encoding="utf-8")
    return str(first)


if __name__ == "__main__":
    if sys.argv[1] == "cold":
        Fake().train(sys.argv[2:], threading.Event())
    else:
        warm_link.main(Fake, sys.argv[1:])
