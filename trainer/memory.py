"""How much memory is free, on this machine and on its GPU. Nothing here needs a GPU's libraries."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

MEMINFO, CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
ASK_SECONDS = 10


def free_bytes() -> int | None:
    """What a new process can take without anything being swapped or killed, also inside a container with a limit."""
    known = [one for one in (_of_machine(MEMINFO), _of_container(CGROUP)) if one is not None]
    return min(known, default=None)


def _of_machine(meminfo: Path) -> int | None:
    try:
        fields = dict(line.split(":", 1) for line in meminfo.read_text(encoding="utf-8").splitlines() if ":" in line)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _of_container(cgroup: Path) -> int | None:
    """The limit less what is used; files that are only cached can be dropped."""
    try:
        limit, used = (int((cgroup / name).read_text(encoding="utf-8")) for name in ("memory.max", "memory.current"))
        counts = dict(line.split() for line in (cgroup / "memory.stat").read_text(encoding="utf-8").splitlines())
        return limit - used + int(counts.get("inactive_file", 0))
    except (OSError, ValueError):  # no such files, or no limit: "max"
        return None


def free_on_gpu(environment: Mapping[str, str] = os.environ) -> int | None:
    """What is free on the first GPU that a process with these variables sees, as nvidia-smi says; None: unknown."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    card = environment.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip() or "0"
    command = [program, f"--id={card}", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=ASK_SECONDS).stdout
        return int(said.split()[0]) * 1024 * 1024
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
