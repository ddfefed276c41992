"""Disk and GPU of this machine."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.checks.finding import Finding, fail, ok, warn
from serving import device
from serving.sharing import weights
from settings import Settings

LITTLE, TOO_LITTLE = 5.0, 1.0  # GB of free disk
QUERY = "name,driver_version,memory.total,memory.free"


@dataclass(frozen=True)
class Gpu:
    """One card; memory in GB."""

    name: str
    driver: str
    total: float
    free: float


def check(settings: Settings) -> Iterator[Finding]:
    """Room for runs and adapters, and a card where one is needed."""
    for folder in dict.fromkeys([settings.home, settings.training.runs_dir, settings.serving.adapters_dir]):
        yield disk(folder, shutil.disk_usage(_existing(folder)).free / 1e9)
    needed = device.resolve(settings.serving) == "cuda"
    found = gpus()
    if needed and not found:
        yield fail("GPU", "nvidia-smi shows none", "Install the driver, or set MEND_SERVING__DEVICE=cpu.")
    for gpu in found:
        yield ok("GPU", f"{gpu.name}, driver {gpu.driver}, {gpu.free:.0f} of {gpu.total:.0f} GB free")
    if needed and found:
        yield from memory(found, weights(settings.serving.base_model), settings.serving.gpu_memory_utilization)


def disk(folder: Path, free: float) -> Finding:
    """Free room, in GB."""
    about, text = "disk", f"{free:.1f} GB free for {folder}"
    if free < TOO_LITTLE:
        return fail(about, text, "Make room: a run that cannot write fails.")
    if free < LITTLE:
        return warn(about, text, "Make room soon; every run keeps a checkpoint and an adapter.")
    return ok(about, text)


def memory(found: list[Gpu], weights_gb: float, share: float) -> Iterator[Finding]:
    """Whether the model fits; what is left to training is for ``sharing`` to say."""
    served = found[0].total * share
    if weights_gb and served < weights_gb * 1.1:
        text = f"vLLM gets {served:.0f} GB of the first card, the weights alone take {weights_gb:.0f} GB"
        yield fail("GPU memory", text, "Use a larger card or a smaller model, or raise the share.")


def gpus() -> list[Gpu]:
    """The cards that the driver shows."""
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse(done.stdout) if done.returncode == 0 else []


def parse(table: str) -> list[Gpu]:
    """nvidia-smi's lines; a card without figures (MIG, some cloud cards) is left out."""
    found = []
    for line in table.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4 and fields[2].isdigit() and fields[3].isdigit():
            found.append(Gpu(fields[0], fields[1], int(fields[2]) / 1024, int(fields[3]) / 1024))
    return found


def _existing(folder: Path) -> Path:
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
