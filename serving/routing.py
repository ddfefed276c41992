"""Which model name answers a question: read once for each answer, and stored with it.

While a canary is out it answers its share of people. Who they are is a matter of their ids and the canary's name alone,
so everybody keeps to one adapter, in every process and after every restart; the next canary draws anew. A thread keeps
to the adapter of whoever began it. One that is older than the experiment stays with the live adapter and does not
count: nobody has drawn for it.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from feedback import adapters, experiments
from feedback.models import Adapter, Answer
from feedback.states import Arm
from feedback.votes import Person
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
    return _to(live) if live else Route(None, base_name(settings))


def route_answer(session: Session, answer: Answer, settings: ServingSettings) -> Route:
    """The adapter that answers this person in this thread; in an experiment, its arm is written down."""
    live = route(session, answer.persona, settings)
    experiment = experiments.running(session, answer.persona)
    if experiment is None or experiment.live_id != live.adapter_id:  # the other one: an admin has moved the live mark
        return live
    opener, began = experiments.opener(session, answer)
    if began < experiment.created_at:
        return live
    arm = arm_of(experiment.adapter.name, opener, experiments.rules(experiment).share)
    experiments.assign(session, experiment, answer, arm, opener)
    return _to(experiment.adapter) if arm is Arm.CANARY else live


def arm_of(canary: str, person: Person, share: float) -> Arm:
    """Which arm somebody is in. Pure, and as good as a draw: ``share`` of all people are the canary's."""
    digest = hashlib.sha256(f"{canary}\0{person}".encode()).digest()
    return Arm.CANARY if int.from_bytes(digest[:8], "big") / 2**64 < share else Arm.LIVE


def fallbacks(session: Session, adapter_id: int | None, settings: ServingSettings) -> list[Route]:
    """What answers when an adapter's files are gone or broken: those it was trained from, then the base model.

    A canary was trained from the live adapter.
    """
    if adapter_id is None:
        return []
    older = adapters.lineage(session, session.get(Adapter, adapter_id))[1:]
    return [*map(_to, older), Route(None, base_name(settings))]


def _to(adapter: Adapter) -> Route:
    return Route(adapter.id, adapter.name)


def base_name(settings: ServingSettings) -> str:
    """The name under which the base model answers rightly: on the CPU that is the zero adapter's.

    For answers before the first adapter, for paraphrases, and for every comparison with the base model.
    """
    return SERVED_BASE if device.resolve(settings) == "cuda" else _zero_name(settings.base_model)


@lru_cache(maxsize=8)
def _zero_name(path: Path) -> str:
    # The folder is read once: a base model is never changed in place.
    return zero_name(BaseModel.read(path))
