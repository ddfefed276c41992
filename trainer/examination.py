"""Which probes a run asks of whom, and the reports they make.

The candidate is asked everything. The live adapter is asked what must not get worse, the base model its general
abilities; both have mostly answered already, in an earlier run or while the training was going on.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from feedback import adapters, cases, datasets, reports, runs
from feedback.models import Adapter, Case, Run
from feedback.reports import Result
from trainer.case_probes import MENDED, NEW, CaseProbe, case_probes
from trainer.context import Trip
from trainer.probes import ProbeGroup
from trainer.probing import AnyProbe, Examiner, reuse, run_probes
from trainer.variants import CaseText


class PersonaChanged(Exception):
    """The system prompt was edited after the dataset was built, so probes would not ask what was trained."""


def text_of(case: Case) -> CaseText:
    """What a case teaches; its rows are checked when the dataset is built."""
    return CaseText(case.id, case.question, case.correction or "")


def earlier_cases(session: Session, run: Run) -> list[Case]:
    """The cases that the run's parent has learned."""
    line = adapters.lineage(session, run.parent)
    new = {case.id for case in cases.of_run(session, run.id)}
    return [case for case in cases.learned_by(session, [adapter.id for adapter in line]) if case.id not in new]


def reserved(session: Session, trip: Trip, *, except_for: int) -> list[str]:
    """Questions that no variant of a case may give away: all probes, and the held-out wordings of other cases."""
    run = runs.get(session, trip.run_id)
    others = [*cases.of_run(session, run.id), *earlier_cases(session, run)]
    held_out = [
        variant.text
        for case in others
        if case.id != except_for
        for variant in datasets.variants(session, case.id)
        if variant.held_out
    ]
    return [*(probe.prompt for probe in trip.probes), *held_out]


async def standing(trip: Trip) -> tuple[list[Result], list[Result] | None]:
    """The results of the base model (abilities) and of the live adapter (what must not get worse; None: none is)."""
    with trip.database.begin() as session:
        live = runs.get(session, trip.run_id).replaces
        mended = _mended_probes(session, trip)
    abilities = [probe for probe in trip.probes if probe.group is ProbeGroup.ABILITY]
    base = await _measure(trip, None, trip.base_name, abilities)
    if live is None:
        return base, None
    kept = [probe for probe in trip.probes if probe.group is not ProbeGroup.ABILITY]
    return base, await _measure(trip, live, live.name, [*kept, *mended])


async def of_candidate(trip: Trip, candidate: Adapter, on_answer: Callable[[int, int], None]) -> list[Result]:
    """The results of the candidate, of all probes. `on_answer` gets how many are answered, and how many there are."""
    with trip.database.begin() as session:
        probes: list[AnyProbe] = [*_new_probes(session, trip), *trip.probes, *_mended_probes(session, trip)]
    return await _measure(trip, candidate, candidate.name, probes, lambda done: on_answer(done, len(probes)))


async def of_new_cases(trip: Trip, candidate: Adapter) -> list[Result]:
    """The candidate's results of the new cases alone: the few probes that a young checkpoint is most likely to fail."""
    with trip.database.begin() as session:
        probes = _new_probes(session, trip)
    return await _measure(trip, candidate, candidate.name, probes)


def _new_probes(session: Session, trip: Trip) -> list[CaseProbe]:
    return [
        probe
        for case in cases.of_run(session, trip.run_id)
        for probe in case_probes(text_of(case), datasets.variants(session, case.id), group=NEW)
    ]


def _mended_probes(session: Session, trip: Trip) -> list[CaseProbe]:
    run = runs.get(session, trip.run_id)
    return [
        probe
        for case in earlier_cases(session, run)
        for probe in case_probes(text_of(case), datasets.variants(session, case.id), group=MENDED, held_out=1)
    ]


async def _measure(
    trip: Trip,
    adapter: Adapter | None,
    served_name: str,
    probes: Sequence[AnyProbe],
    on_answer: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """One adapter's results, in the order of the probes; what its last report holds already is not asked again."""
    adapter_id = adapter.id if adapter else None
    with trip.database.begin() as session:
        known = reports.latest(session, adapter_id)
    examiner = _examiner(trip)
    found, left = await asyncio.to_thread(reuse, examiner, probes, known)
    if not left:
        return found
    began = time.monotonic()
    found += await run_probes(examiner, served_name, left, lambda done: on_answer(len(probes) - len(left) + done))
    by_id = {result.probe_id: result for result in found}
    results = [by_id[probe.id] for probe in probes]
    with trip.database.begin() as session:
        reports.add(session, trip.run_id, adapter_id, results, time.monotonic() - began)
    return results


def _examiner(trip: Trip) -> Examiner:
    with trip.database.begin() as session:
        frozen = runs.dataset(session, trip.run_id)
    trained = frozen.rows[0].messages[0]["content"] if frozen and frozen.rows else trip.persona.system_prompt
    if trained != trip.persona.system_prompt:
        raise PersonaChanged(
            "The system prompt in persona.yaml was edited while the run was under way. Start a new run."
        )
    return Examiner(trip.chat, trip.base.path, trip.persona.system_prompt, trip.context.patience)
