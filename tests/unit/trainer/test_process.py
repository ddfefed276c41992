"""Ending a training with all that it has started, also one that a killed worker has left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from trainer import process

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


async def started(code: str, folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    """A running program, and the first line that it has written."""
    output = folder / "out"
    child = await process.start(
        [sys.executable, "-c", code], environment=dict(os.environ), pid_file=folder / "pid", output=output
    )
    while not (line := output.read_text()).endswith("\n"):
        assert child.returncode is None, line
        await asyncio.sleep(0.02)
    return child, line.strip()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_stopping_ends_the_children_too(tmp_path: Path) -> None:
    child, grandchild = await started(PARENT, tmp_path)
    assert alive(int(grandchild))
    await process.stop(child)
    assert not alive(int(grandchild))
    assert child.returncode == -signal.SIGTERM


async def test_the_deaf_are_killed(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(process, "TERM_SECONDS", 0.3)
    child, _ = await started(STUBBORN, tmp_path)
    await process.stop(child)
    assert child.returncode == -signal.SIGKILL


async def test_an_orphan_is_found_by_its_pid_file(tmp_path: Path) -> None:
    child, grandchild = await started(PARENT, tmp_path)
    assert await process.stop_orphan(tmp_path / "pid")
    await child.wait()
    assert not alive(int(grandchild))
    assert not await process.stop_orphan(tmp_path / "pid")


async def test_the_children_of_a_dead_leader_are_orphans_too(tmp_path: Path) -> None:
    child, grandchild = await started(PARENT, tmp_path)
    child.kill()
    await child.wait()
    assert alive(int(grandchild))
    assert await process.stop_orphan(tmp_path / "pid")
    assert not alive(int(grandchild))


async def test_another_process_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    child, _ = await started(PARENT, tmp_path)
    pid_file = tmp_path / "pid"
    fields = pid_file.read_text().rpartition(")")
    earlier = fields[2].split()
    earlier[19] = "1"
    pid_file.write_text(f"{fields[0]}) {' '.join(earlier)}")
    assert not await process.stop_orphan(pid_file)
    assert child.returncode is None
    await process.stop(child)


async def test_no_or_broken_pid_file_is_no_orphan(tmp_path: Path) -> None:
    assert not await process.stop_orphan(tmp_path / "none")
    (tmp_path / "pid").write_text("12 (half")
    assert not await process.stop_orphan(tmp_path / "pid")
