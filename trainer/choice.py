"""Candidates: the checkpoints of a run that are put to the test, and which of them is good enough to end it with.

Each one is published under a name of its own, loaded beside the live adapter, and asked the new cases first. The
others are asked only of one that answers these right in all wordings. What the loss says decides nothing.
"""

import asyncio
import logging
from pathlib import Path

from feedback import adapters, runs
from feedback.models import Adapter
from feedback.states import AdapterStatus
from serving.adapter_files import publish
from serving.errors import ServingError
from trainer import examination, promotion
from trainer.context import Trip
from trainer.patience import patiently

log = logging.getLogger(__name__)


async def good_enough(trip: Trip, saved: Path) -> bool:
    """Whether a checkpoint of a training that still goes on passes the gate, with every new case mended.

    Raises:
        ProbeError: a probe could not be asked or graded.
    """
    try:
        candidate = await candidate_from(trip, saved)
    except ServingError as error:
        log.warning("%s", error, extra={"action": "candidate_refused", "run_id": trip.run_id})
        return False
    if candidate.status is not AdapterStatus.CANDIDATE:
        return False  # passed over before the worker was started anew
    try:
        await deploy(trip, candidate)
        wrong = await _wrong(trip, candidate)
    except ServingError as error:
        # A later checkpoint may be luckier; the last one is probed in a stage of its own, which says what is wrong.
        wrong = f"it could not be probed: {error}"
    about = {"run_id": trip.run_id, "adapter": candidate.name}
    if not wrong:
        log.info("%s is good enough.", candidate.name, extra={"action": "candidate_chosen", **about})
        trip.reporter.mention(f"good enough after {saved.name.replace('-', ' ')}")
        return True
    log.info("%s is passed over: %s", candidate.name, wrong, extra={"action": "candidate_passed_over", **about})
    trip.reporter.mention(f"not yet after {saved.name.replace('-', ' ')}: {wrong}")
    with trip.database.begin() as session:
        adapters.reject(session, session.get_one(Adapter, candidate.id), why=f"passed over: {wrong}")
    await forget(trip, candidate)
    return False


async def _wrong(trip: Trip, candidate: Adapter) -> str:
    """What the gate has against a candidate; empty when it may go live and has learned every new case."""
    base, live = await examination.standing(trip)
    new = await examination.of_new_cases(trip, candidate)
    if failed := [result for result in new if not result.passed]:
        return f"{len(new) - len(failed)} of {len(new)} wordings of the new cases right"
    results = await examination.of_candidate(trip, candidate, lambda done, count: None)
    decision = promotion.decide(results, live, base, trip.settings.gate)
    return " ".join(check.reason for check in decision.checks if not check.passed)


async def candidate_from(trip: Trip, saved: Path) -> Adapter:
    """A checkpoint, published and recorded; again gives the same."""
    with trip.database.begin() as session:
        # A number is taken by recording it, so a publication that was cut short is repeated under the same one.
        version = adapters.version_of_run(session, trip.persona.slug, trip.run_id)
    published = await asyncio.to_thread(publish, saved, trip.settings.serving, trip.base, trip.persona.slug, version)
    with trip.database.begin() as session:
        parent_id = runs.get(session, trip.run_id).parent_id
        return adapters.add(session, trip.persona.slug, trip.run_id, parent_id, published)


async def deploy(trip: Trip, candidate: Adapter) -> None:
    """Load a candidate beside the live adapter on every replica, and have both say something."""
    with trip.database.begin() as session:
        live = adapters.live(session, trip.persona.slug)
    beside = [live.name] if live else []
    await patiently(lambda: trip.replicas.deploy(candidate.name, beside), trip.context.patience)


async def forget(trip: Trip, candidate: Adapter) -> None:
    """Unload a candidate that will not go live: only probes have used it, and they are done."""
    try:
        await trip.replicas.unload(candidate.name)
    except ServingError as error:
        log.warning("%s", error, extra={"action": "unload_skipped", "adapter": candidate.name})
