"""How a training and vLLM share one GPU, decided from what is really free.

GB are nvidia-smi's MiB by 1024. What a training needs is for trainer/batch.py to say.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

from serving import device
from settings import ServingSettings

ASLEEP = 1.8  # GB that a server keeps while it sleeps at level 1 (measured with a 7B model on an H100)


class Mode(StrEnum):
    """How training and serving share the GPU."""

    BESIDE = "beside"
    SLEEP = "sleep"
    WINDOW = "window"


@dataclass(frozen=True)
class Memory:
    """A card's memory, in GB."""

    total: float
    free: float


@dataclass(frozen=True)
class Choice:
    """A mode and why, in words for people. Where not even sleep makes room, ``fits`` says so."""

    mode: Mode
    reason: str
    fits: bool = True
    room: float | None = None
    """GB that the training may take then; None: not known."""

    @property
    def sleeps(self) -> bool:
        """Whether vLLM sleeps while the training goes on."""
        return self.mode is not Mode.BESIDE


def may_sleep(settings: ServingSettings) -> bool:
    """Whether the server has to be one that can sleep; a CPU build cannot."""
    return settings.sharing != "beside" and device.resolve(settings) == "cuda"


def weights(folder: Path) -> float:
    """The size of a model's weights, in GB; 0 when there are none."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 1e9 if folder.is_dir() else 0.0


def choose(memory: Memory | None, share: float, needs: float, *, window: bool) -> Choice:
    """The mode for a card, with vLLM awake.

    ``share`` is what vLLM takes of it, ``needs`` what the training takes, in GB; ``window`` says whether there is a
    nightly one. ``memory`` is None where nobody can tell.
    """
    asleep = Mode.WINDOW if window else Mode.SLEEP
    if memory is None:
        return Choice(asleep, "nvidia-smi does not say how much memory is free, and asleep vLLM is in nobody's way")
    free = f"{memory.free:.1f} of {memory.total:.0f} GB are free beside vLLM"
    need = f"the training needs about {needs:.1f}"
    if needs <= memory.free:
        return Choice(Mode.BESIDE, f"{free}, and {need}", room=memory.free)
    room = room_asleep(memory, share)
    if needs <= room:
        return Choice(asleep, f"{free}, {room:.1f} while it sleeps, and {need}", room=room)
    return Choice(asleep, f"{free}, {room:.1f} while it sleeps: too little, since {need}", fits=False, room=room)


def room_asleep(memory: Memory, share: float) -> float:
    """GB that are free when vLLM, which is awake and takes this share, sleeps."""
    # On a card that vLLM is not on, its sleep frees nothing.
    return memory.free + max(0.0, min(memory.total * share, memory.total - memory.free) - ASLEEP)


def as_told(sharing: Literal["beside", "sleep", "window"], memory: Memory | None, share: float) -> Choice:
    """What the settings say, whatever fits."""
    choice = Choice(Mode(sharing), f"MEND_SERVING__SHARING is {sharing}")
    if memory is None:
        return choice
    return replace(choice, room=room_asleep(memory, share) if choice.sleeps else memory.free)


ON_CPU = Choice(Mode.BESIDE, "on a CPU a training has cores and memory of its own, and vLLM cannot sleep there")
