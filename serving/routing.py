"""Which model name answers a question: read once for each answer, and stored with it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from feedback import adapters
from serving import device
from serving.base import SERVED_BASE, BaseModel
from serving.zero_adapter import zero_name
from settings import ServingSettings


@dataclass(frozen=True)
class Route:
    """The name to send to vLLM, and the adapter behind it; None is the base model."""

    adapter_id: int | None
    served_name: str


def route(session: Session, persona_slug: str, settings: ServingSettings) -> Route:
    """The live adapter, or the base model while there is none."""
    live = adapters.live(session, persona_slug)
    return Route(live.id, live.name) if live else Route(None, base_name(settings))


def fallbacks(session: Session, persona_slug: str, settings: ServingSettings) -> list[Route]:
    """What answers when the live adapter's files are gone or broken: those it was trained from, then the base model."""
    older = adapters.lineage(session, adapters.live(session, persona_slug))[1:]
    return [*(Route(adapter.id, adapter.name) for adapter in older), Route(None, base_name(settings))]


def base_name(settings: ServingSettings) -> str:
    """The name under which the base model answers rightly: on the CPU that is the zero adapter's.

    For answers before the first adapter, for paraphrases, and for every comparison with the base model.
    """
    return SERVED_BASE if device.resolve(settings) == "cuda" else _zero_name(settings.base_model)


@lru_cache(maxsize=8)
def _zero_name(path: Path) -> str:
    # The folder is read once: a base model is never changed in place.
    return zero_name(BaseModel.read(path))
