"""A child process that trains: in a session of its own, so that all of it can be ended, and found again by a later
worker when this one is killed.

Linux only: it reads `/proc`.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TERM_SECONDS = 10.0  # between SIGTERM and SIGKILL
POLL_SECONDS = 0.1

# The child writes its own pid and start time before it becomes the program: there is no moment in which a killed
# worker leaves a program without a pid file. `exec` keeps pid and start time.
_LAUNCHER = 'read -r stat < /proc/$$/stat; printf "%s\\n" "$stat" > "$0" && exec nice -n 5 "$@"'


async def start(
    command: Sequence[str], *, environment: Mapping[str, str], pid_file: Path, output: Path
) -> asyncio.subprocess.Process:
    """Start a command as the leader of its own session, its output appended to a file."""
    with output.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _LAUNCHER,
            str(pid_file),
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )


def launch(
    command: Sequence[str], *, environment: Mapping[str, str], pid_file: Path, output: Path, descriptor: int
) -> subprocess.Popen[bytes]:
    """As `start`, for a process that outlives an event loop. It inherits a descriptor to be spoken to through."""
    with output.open("ab") as file:
        return subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCHER, str(pid_file), *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=[descriptor],
            start_new_session=True,
        )


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process that `start` started, with all that it has started; returns when none of it is left."""
    await end_group(process.pid)
    await process.wait()


async def stop_orphan(pid_file: Path) -> bool:
    """End what a killed worker has left behind under this pid file; whether there was anything."""
    group = _left_behind(pid_file)
    if group is None:
        return False
    await end_group(group)
    return True


def _left_behind(pid_file: Path) -> int | None:
    """The group under a pid file if any of it is still alive, and not another process that has its pid now."""
    try:
        pid, started = _parse(pid_file.read_text(encoding="utf-8"))
    except (OSError, ValueError, IndexError):
        return None
    now = _start_time(pid)
    # The leader may be gone and its children not; the kernel gives nobody its pid while they have it as their group.
    return pid if now in (None, started) and members(pid) else None


def lives(pid_file: Path) -> bool:
    """Whether the process that wrote this pid file is alive; not another one that has its pid now."""
    try:
        pid, started = _parse(pid_file.read_text(encoding="utf-8"))
        now = _fields(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
        return now[19] == started and now[0] not in "ZX"
    except (OSError, ValueError, IndexError):
        return False


async def end_group(group: int) -> None:
    """End all processes of a session; returns when none of it is left."""
    for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, TERM_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
        give_up = time.monotonic() + seconds
        while members(group):
            if time.monotonic() > give_up:
                break
            await asyncio.sleep(POLL_SECONDS)
        else:
            return


def members(group: int) -> list[int]:
    """The living processes of a session (a group of it may have been left, the session cannot be); no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = _fields((entry / "stat").read_text(encoding="utf-8", errors="replace"))
                if int(fields[3]) == group and fields[0] not in "ZX":
                    found.append(int(entry.name))
    return found


def _start_time(pid: int) -> str | None:
    try:
        return _parse(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))[1]
    except (OSError, ValueError, IndexError):
        return None


def _parse(stat: str) -> tuple[int, str]:
    """Pid and start time (in ticks since boot) of a `/proc/<pid>/stat` line."""
    return int(stat.split(" ", 1)[0]), _fields(stat)[19]


def _fields(stat: str) -> list[str]:
    """The fields after the name, which may hold spaces and brackets: state, parent, group, session, ..."""
    return stat.rpartition(")")[2].split()
