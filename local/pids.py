"""Which processes are ours: remembered in files, so that whoever comes after a crash can end them.

Linux only (it reads /proc). A process is known by its id, its start time and the boot it belongs to: ids are used
again, and ending a stranger would be worse than leaving an orphan.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

SUFFIX = ".pid"


@dataclass(frozen=True)
class Mark:
    """One started process, which leads a session of its own, and how it wants to be stopped."""

    name: str
    pid: int
    identity: str
    stop_signal: int
    stop_timeout: float


def identity(pid: int) -> str | None:
    """What tells this process from every other that had or will have its id; None when it does not run."""
    stat = _stat(pid)
    return f"{_boot()}:{stat.started}" if stat else None


def remember(folder: Path, mark: Mark) -> None:
    """Write the mark; a half-written file is never seen."""
    file = folder / f"{mark.name}{SUFFIX}"
    unfinished = file.with_suffix(f"{SUFFIX}.unfinished")
    unfinished.write_text(json.dumps(asdict(mark)))
    unfinished.replace(file)


def recorded(folder: Path) -> list[Mark]:
    """The marks in the folder, oldest first; an unreadable one names no process that could be ended."""
    marks = []
    for file in sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime):
        try:
            marks.append(Mark(**json.loads(file.read_text())))
        except (ValueError, TypeError):
            file.unlink(missing_ok=True)
    return marks


def forget(folder: Path, mark: Mark) -> None:
    """Remove the mark, unless another process has taken its name since."""
    if mark in recorded(folder):
        (folder / f"{mark.name}{SUFFIX}").unlink(missing_ok=True)


def stop_recorded(folder: Path) -> list[str]:
    """End what the folder remembers, newest first, and return the names of what was still running."""
    stopped = []
    for mark in reversed(recorded(folder)):
        if stop(mark):
            stopped.append(mark.name)
        forget(folder, mark)
    return stopped


def stop(mark: Mark) -> bool:
    """End a process and all that it started: asked first, then killed. False when nothing of it was running."""
    ours = _members(mark)
    if not ours:
        return False
    if ours.get(mark.pid) == mark.identity:
        _signal(mark.pid, mark.stop_signal)
        _wait(lambda: identity(mark.pid) != mark.identity, mark.stop_timeout)
    for pid, known in (ours | _members(mark)).items():
        if identity(pid) == known:
            _signal(pid, signal.SIGKILL)
    _wait(lambda: not _members(mark), 5)
    return True


@dataclass(frozen=True)
class _Stat:
    parent: int
    session: int
    started: str


def _members(mark: Mark) -> dict[int, str]:
    """The process, what runs in its session, and what these have started: id -> identity."""
    leader = identity(mark.pid)
    if leader not in (None, mark.identity) or not mark.identity.startswith(f"{_boot()}:"):
        return {}  # the id belongs to a stranger now; the kernel gives it away only when the session is empty
    everyone = {pid: stat for pid in _all_pids() if (stat := _stat(pid))}
    ours = {pid for pid, stat in everyone.items() if stat.session == mark.pid or pid == mark.pid}
    while grown := {pid for pid, stat in everyone.items() if stat.parent in ours and pid not in ours}:
        ours |= grown
    return {pid: f"{_boot()}:{everyone[pid].started}" for pid in ours if pid in everyone}


def _all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208 - thousands of Paths


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before may contain spaces and brackets
    if fields[0] in "ZX":
        return None  # dead; only its parent has not looked yet
    return _Stat(parent=int(fields[1]), session=int(fields[3]), started=fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, number)


def _wait(over: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not over() and time.monotonic() < end:
        time.sleep(0.05)
