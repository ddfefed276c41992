"""Free memory, from what the kernel and nvidia-smi say."""

from pathlib import Path

import pytest

from trainer import memory


def test_the_machine_and_the_container_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 4000 kB\nMemAvailable:    3000 kB\nHugePages_Total: 0\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.free_bytes() == 3000 * 1024
    for name, text in (
        ("memory.max", "2000000\n"),
        ("memory.current", "900000\n"),
        ("memory.stat", "anon 5\ninactive_file 400000\n"),
    ):
        (tmp_path / name).write_text(text)
    assert memory.free_bytes() == 1_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes() == 3000 * 1024


def test_nothing_is_known_where_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.free_bytes() is None


@pytest.mark.parametrize(
    ("script", "free"),
    [
        ('echo "$@" | grep -q "id=3" && echo 4096, 1024', 1024**3),
        ("echo No devices were found; exit 6", None),
        ("echo unknown", None),
    ],
)
def test_nvidia_smi_is_asked_about_the_card_that_is_seen(
    script: str, free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    assert memory.free_on_gpu() == free


def test_without_nvidia_smi_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert memory.free_on_gpu() is None
