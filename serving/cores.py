"""Which part of a machine's cores serving computes on, and which part is left to training.

Both keep every thread that they have busy. Where two threads share a core each waits for the other at every barrier:
a step of training took 50 s instead of 3 s so (two cores, the small model).
"""

import os
from collections.abc import Mapping
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
RESERVED = "VLLM_CPU_NUM_OF_RESERVED_CPU"
BOUND = "VLLM_CPU_OMP_THREADS_BIND"


def available() -> int:
    """How many cores this process may use. Two threads of one core are one, where the kernel tells that they are."""
    allowed = os.sched_getaffinity(0)
    return len({_siblings(cpu) for cpu in allowed}) or 1


def _siblings(cpu: int) -> str:
    try:
        return (CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)


def of_training(cores: int) -> int:
    """Half of them, and one at least: what a training computes on, and what serving leaves free."""
    return max(1, cores // 2)


def reserving(inherited: Mapping[str, str]) -> dict[str, str]:
    """vLLM's variable for that; none where somebody has said himself which cores it gets."""
    if RESERVED in inherited or BOUND in inherited:
        return {}
    return {RESERVED: str(of_training(available()))}
