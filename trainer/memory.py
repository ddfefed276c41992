"""How much memory is free, on this machine and on its GPU. Nothing here needs a GPU's libraries."""

from pathlib import Path

from serving import gpu_memory

MEMINFO, CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


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


def free_on_gpu() -> int | None:
    """What is free on the GPU that this process would use; None: unknown."""
    found = gpu_memory.read()
    return None if found is None else int(found.free * 2**30)
