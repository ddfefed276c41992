"""Candidates: the checkpoints of a run that are put to the test, and which of them it ends with.

Each one is published under a name of its own and loaded beside the live adapter. First it is only read to: how likely
are the corrected answers to the new questions? One that finds them too unlikely is passed over without being asked.
The others are asked the new cases, and everything else only when these are right in all wordings: the earliest that
passes the gate then ends the training. When none does, the last checkpoint and the two most promising ones that were
passed over are all put to the gate; and when that refuses them all, so are some between the run's parent and the last,
which have learned less and lost less (trainer/blending.py). What the loss says decides nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from feedback import adapters, datasets, lineage, reports, runs
from feedback.models import Adapter
from feedback.reports import Result
from feedback.runs import Check, Decision
from feedback.states import AdapterStatus
from serving.adapter_files import publish, whole_folder
from serving.errors import ServingError
from serving.tensor_file import TensorFileError
from trainer import examination, promotion
from trainer.blending import NotAlike, blend
from trainer.context import Trip
from trainer.patience import patiently

log = logging.getLogger(__name__)

FLOOR = -2.0
"""Mean log-likelihood of a token of the corrected answer under which no right answer can be expected.

Measured on SmolLM2-135M with 17 adapters that had seen a case more or less: right answers between -0.01 and -0.7 (said
in other words), wrong ones of adapters that were half-way between -0.5 and -1.7, of others between -2.0 and -5.4.
"""
RIVALS = 2  # candidates that were passed over and get a second look


@dataclass(frozen=True)
class Verdict:
    """A candidate and what the gate says of it."""

    candidate: Adapter
    decision: Decision


@dataclass(frozen=True)
class Promise:
    """What can be expected of a candidate that was passed over."""

    candidate: int
    lacking: int
    """New cases that it does not answer right, as far as is known."""
    likelihood: float
    examined: bool
    """It has answered all probes; what the gate says of it costs nothing."""


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
    new = await examination.of_new_cases(trip, candidate, FLOOR)
    if failed := [result for result in new if not result.passed]:
        if not all(result.asked for result in new):
            least = min(result.likelihood or 0.0 for result in new)
            return f"what was corrected is still too unlikely ({least:.1f} per token)"
        return f"{len(new) - len(failed)} of {len(new)} wordings of the new cases right"
    decision = await _decision(trip, candidate)
    return " ".join(check.reason for check in decision.checks if not check.passed)


async def _decision(
    trip: Trip, candidate: Adapter, on_answer: Callable[[int, int], None] = lambda done, count: None
) -> Decision:
    """The gate's verdict on a candidate that is loaded."""
    base, live = await examination.standing(trip)
    results = await examination.of_candidate(trip, candidate, base, on_answer)
    with trip.database.begin() as session:
        mended = examination.count_mended(session, trip)
        without = lineage.left_out(session, candidate, runs.get(session, trip.run_id).replaces)
        parent = candidate.parent_id and session.get_one(Adapter, candidate.parent_id)
    decision = promotion.decide(results, live, base, trip.settings.gate, mended=mended, without=without)
    if not candidate.blend or not parent:
        return decision
    about = Check(runs.BLEND, True, f"It is {candidate.blend:.0%} of the way from {parent.name} to what was trained.")
    return replace(decision, checks=(*decision.checks, about))


async def best(trip: Trip, last: Adapter) -> Verdict:
    """The candidate that the run ends with: the last, which is loaded, unless one that was passed over does better."""
    verdicts = [Verdict(last, await _decision(trip, last, trip.reporter.tell))]
    if not verdicts[0].decision.accepted or verdicts[0].decision.unmended:
        for rival, examined in _rivals(trip, verdicts[0]):
            try:
                if not examined:
                    await deploy(trip, rival)
                verdicts.append(Verdict(rival, await _decision(trip, rival)))
            except ServingError as error:
                log.warning("%s", error, extra={"action": "candidate_refused", "adapter": rival.name})
    if not any(verdict.decision.accepted for verdict in verdicts):
        verdicts += await _blends(trip, verdicts[0])
    chosen = earliest_of_best(verdicts)
    for verdict in verdicts[1:]:
        if verdict is not chosen:
            await forget(trip, verdict.candidate)
    return chosen


async def _blends(trip: Trip, last: Verdict) -> list[Verdict]:
    """Of candidates between the run's parent and the last, the first that the gate accepts and that has mended as many
    cases, if there is one."""
    learned = any(check.name == runs.NEW_CASES and check.passed for check in last.decision.checks)
    with trip.database.begin() as session:
        run = runs.get(session, trip.run_id)
        parent = None if datasets.from_base(session, run) else run.parent
    # A true resume of a later run would miss the optimizer's state of one that was never trained.
    if parent is None or not learned or last.candidate.blend or trip.settings.training.resume == "true":
        return []
    for share in trip.config.blends:
        trip.reporter.mention(f"refused; trying {share:.0%} of the way from {parent.name}")
        try:
            candidate = await _blended(trip, parent, last.candidate, share)
        except (ServingError, NotAlike, TensorFileError) as error:
            log.warning("%s", error, extra={"action": "candidate_refused", "run_id": trip.run_id})
            return []
        try:
            await deploy(trip, candidate)
            verdict = Verdict(candidate, await _decision(trip, candidate))
        except ServingError as error:
            why = str(error)
        else:
            # What it has not mended would go to review, where another attempt may still learn it.
            if verdict.decision.accepted and verdict.decision.unmended.keys() <= last.decision.unmended.keys():
                return [verdict]
            why = " ".join(verdict.decision.reasons)
        about = {"run_id": trip.run_id, "adapter": candidate.name}
        log.info("%s is passed over: %s", candidate.name, why, extra={"action": "candidate_passed_over", **about})
        await forget(trip, candidate)
    return []


async def _blended(trip: Trip, parent: Adapter, last: Adapter, share: float) -> Adapter:
    """A candidate so far on the way, published and recorded; again gives the same."""
    settings, into = trip.settings.serving, trip.folder / "output" / f"blend-{share:.2f}"
    with trip.database.begin() as session:
        seals = [(one.name, adapters.seal(session, one.name)) for one in (parent, last)]
    begin, end = [await asyncio.to_thread(whole_folder, settings.adapters_dir, *sealed) for sealed in seals]
    made = await asyncio.to_thread(blend, begin, end, share, into)
    saved = await asyncio.to_thread(publish, made, settings, trip.base, trip.persona.slug, last.version)
    with trip.database.begin() as session:
        return adapters.add(session, trip.persona.slug, trip.run_id, parent.id, saved, blend=share)


def earliest_of_best(verdicts: Sequence[Verdict]) -> Verdict:
    """The one that the gate accepts with fewest cases unmended, the earlier of two; if none, the first."""
    accepted = [verdict for verdict in verdicts if verdict.decision.accepted]
    return min(accepted, key=lambda one: (len(one.decision.unmended), one.candidate.id), default=verdicts[0])


def _rivals(trip: Trip, last: Verdict) -> list[tuple[Adapter, bool]]:
    """Those that were passed over and may still do better than the last, and whether they have answered everything.

    Of those that have not, the most promising few. None is a part of the way, which a worker that died may have tried:
    these come after all others, by a rule of their own.
    """
    with trip.database.begin() as session:
        trained = [one for one in adapters.all_of_run(session, trip.run_id) if one.blend is None]
        others = {one.id: one for one in trained if one.id != last.candidate.id}
        known = reports.of_candidates(session, trip.run_id)
    fewest = len(last.decision.unmended) if last.decision.accepted else None
    hopeful = [
        promise
        for promise in most_promising({number: known[number] for number in others if number in known}, FLOOR)
        if fewest is None or promise.lacking <= fewest
    ]
    unexamined = [promise for promise in hopeful if not promise.examined][:RIVALS]
    return [(others[one.candidate], one.examined) for one in hopeful if one.examined or one in unexamined]


def most_promising(known: Mapping[int, Sequence[Result]], floor: float) -> list[Promise]:
    """Candidates by how few new cases they can be expected to lack, then by likelihood, then by age.

    A case counts as lacking when one of its wordings was answered wrong, or, where nothing was asked, when the
    correction is too unlikely. One that lacks every case promises nothing.
    """
    found = []
    for candidate, results in known.items():
        new = [result for result in results if result.group == promotion.NEW]
        lacking = {one.case_id for one in new if (not one.passed if one.asked else (one.likelihood or 0.0) < floor)}
        likely = [one.likelihood for one in new if one.likelihood is not None]
        if len(lacking) < len({one.case_id for one in new}):
            mean = sum(likely) / len(likely) if likely else 0.0
            found.append(Promise(candidate, len(lacking), mean, examined=len(new) < len(results)))
    return sorted(found, key=lambda one: (one.lacking, -one.likelihood, one.candidate))


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
