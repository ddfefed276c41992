"""How much of the GPU's memory is really free, by the driver's own tool."""

import os
import subprocess

from serving.sharing import Memory

QUERY = ("--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits")


def read() -> Memory | None:
    """The memory of the card that this process would use; None where nvidia-smi cannot tell."""
    # nvidia-smi shows all cards whatever this says, and takes the same numbers and names.
    mine = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    command = ["nvidia-smi", *QUERY, *([f"--id={mine}"] if mine else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(done.stdout) if done.returncode == 0 else None


def parse(table: str) -> Memory | None:
    """The first card of the table that has figures; one in parts (MIG) has none."""
    for line in table.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 2 and all(field.isdigit() for field in fields):
            return Memory(int(fields[0]) / 1024, int(fields[1]) / 1024)
    return None
