"""Which probes a run asks of whom, and the reports they make.

The candidate is asked everything, but of mended cases only so many (`trainer.checking`), and the corrections of these
are read to it. The live adapter is asked what must not get worse, the base model its general abilities; both have
mostly answered already, in an earlier run or while the training was going on.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from sqlalchemy.orm import Session

from feedback import cases, datasets, reports, runs
from feedback.models import Adapter, Case
from feedback.reports import Result
from trainer.case_probes import MENDED, NEW, CaseProbe, case_probes
from trainer.checking import checked, earlier_cases
from trainer.context import Trip
from trainer.probes import ProbeGroup
from trainer.probing import AnyProbe, Examiner, likelihoods, not_asked, reuse, run_probes
from trainer.variants import CaseText

WEIGHED = 6  # of the base model's answers; the likelihood of one costs half as much as a probe


class PersonaChanged(Exception):
    """The system prompt was edited after the dataset was built, so probes would not ask what was trained."""


def text_of(case: Case) -> CaseText:
    """What a case teaches; its rows are checked when the dataset is built."""
    written = tuple(case.wordings or ())
    return CaseText(case.id, case.question, case.correction or "", written=written, bad_answer=case.bad_answer)


def held_out(session: Session, trip: Trip) -> dict[int, list[str]]:
    """The held-out wordings of the run's cases and of all that its line has learned, by case."""
    run = runs.get(session, trip.run_id)
    return datasets.held_out(
        session, {case.id for case in (*cases.of_run(session, run.id), *earlier_cases(session, run))}
    )


def reserved(session: Session, trip: Trip, *, except_for: int) -> list[str]:
    """Questions that no variant of a case may give away: all probes, and the held-out wordings of the other cases."""
    others = (texts for case_id, texts in held_out(session, trip).items() if case_id != except_for)
    return [*(probe.prompt for probe in trip.probes), *chain.from_iterable(others)]


def count_mended(session: Session, trip: Trip) -> int:
    """How many mended cases there are to be kept, asked about or not."""
    return len(earlier_cases(session, runs.get(session, trip.run_id)))


async def standing(trip: Trip, *, mended: bool = True) -> tuple[list[Result], list[Result] | None]:
    """The results of the base model (abilities) and of the live adapter (what must not get worse; None: none is).

    Which mended cases are asked about is known when the dataset is frozen; before, it goes without (`mended`).
    """
    async with trip.measuring:
        with trip.database.begin() as session:
            live = runs.get(session, trip.run_id).replaces
            about_mended = _mended_probes(session, trip) if mended else []
        abilities = [probe for probe in trip.probes if probe.group is ProbeGroup.ABILITY]
        base = await _measure(trip, None, trip.base_name, abilities, weighed=lambda own: own)
        if live is None:
            return base, None
        kept = [probe for probe in trip.probes if probe.group is not ProbeGroup.ABILITY]
        return base, await _measure(trip, live, live.name, [*kept, *about_mended])


async def of_candidate(
    trip: Trip, candidate: Adapter, base: Sequence[Result], on_answer: Callable[[int, int], None]
) -> list[Result]:
    """The results of the candidate, of all probes. `on_answer` gets how many are answered, and how many there are.

    How likely it finds some of the answers that the base model gave (`base`) is measured too; see `reports.drift`.
    """
    with trip.database.begin() as session:
        probes: list[AnyProbe] = [*_new_probes(session, trip), *trip.probes, *_mended_probes(session, trip)]
    return await _measure(
        trip,
        candidate,
        candidate.name,
        probes,
        lambda done: on_answer(done, len(probes)),
        weighed=lambda own: base,
    )


async def of_new_cases(trip: Trip, candidate: Adapter, floor: float) -> list[Result]:
    """The candidate's results of the new cases alone: the few probes that a young checkpoint is most likely to fail.

    It is asked nothing when what was corrected is less likely than `floor` in one of the wordings.
    """
    with trip.database.begin() as session:
        probes = _new_probes(session, trip)
    began, examiner = time.monotonic(), _examiner(trip)
    likely = await likelihoods(examiner, candidate.name, [(probe, probe.correction) for probe in probes])
    if all(one >= floor for one in likely):
        return await _measure(trip, candidate, candidate.name, probes, likely=likely)
    results = [not_asked(examiner, probe, one) for probe, one in zip(probes, likely, strict=True)]
    with trip.database.begin() as session:
        reports.add(session, trip.run_id, candidate.id, results, time.monotonic() - began)
    return results


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
        for case in checked(session, run)
        for probe in case_probes(text_of(case), datasets.variants(session, case.id), group=MENDED, held_out=1)
    ]


async def _measure(
    trip: Trip,
    adapter: Adapter | None,
    served_name: str,
    probes: Sequence[AnyProbe],
    on_answer: Callable[[int], None] = lambda done: None,
    *,
    likely: Sequence[float] = (),
    weighed: Callable[[list[Result]], Sequence[Result]] = lambda own: (),
) -> list[Result]:
    """One adapter's results, in the order of the probes; what its reports hold already is not asked again.

    `likely` is what was measured of each probe before; `weighed` gives the base model's results, some of whose answers
    are then held against what this model would say.
    """
    adapter_id = adapter.id if adapter else None
    with trip.database.begin() as session:
        known = reports.known(session, adapter_id)
    examiner = _examiner(trip)
    found, left = await asyncio.to_thread(reuse, examiner, probes, known)
    if not left:
        return found
    began = time.monotonic()
    found += await run_probes(examiner, served_name, left, lambda done: on_answer(len(probes) - len(left) + done))
    by_id = {result.probe_id: result for result in found}
    results = [by_id[probe.id] for probe in probes]
    measured = dict(zip((probe.id for probe in probes), likely, strict=False))
    measured |= await _weigh(examiner, served_name, probes, weighed(results))
    measured |= await _read_corrections(examiner, served_name, probes, results)
    results = [replace(one, likelihood=measured.get(one.probe_id, one.likelihood)) for one in results]
    with trip.database.begin() as session:
        reports.add(session, trip.run_id, adapter_id, results, time.monotonic() - began)
    return results


async def _weigh(
    examiner: Examiner, served_name: str, probes: Sequence[AnyProbe], base: Sequence[Result]
) -> dict[str, float]:
    """How likely a model finds the base model's own answers to the first few general questions, by probe."""
    said = {one.probe_id: one.answer for one in base if one.answer.strip()}
    pairs = [(one, said[one.id]) for one in probes if one.group == ProbeGroup.ABILITY and one.id in said][:WEIGHED]
    found = await likelihoods(examiner, served_name, pairs)
    return {probe.id: likely for (probe, _), likely in zip(pairs, found, strict=True)}


async def _read_corrections(
    examiner: Examiner, served_name: str, probes: Sequence[AnyProbe], results: Sequence[Result]
) -> dict[str, float]:
    """How likely a model finds what was corrected in mended cases, by probe: those closest to failing are practised
    first. What its earlier reports hold is not read again."""
    pairs: list[tuple[AnyProbe, str]] = [
        (probe, probe.correction)
        for probe, result in zip(probes, results, strict=True)
        if isinstance(probe, CaseProbe) and probe.group == MENDED and result.likelihood is None
    ]
    found = await likelihoods(examiner, served_name, pairs)
    return {probe.id: likely for (probe, _), likely in zip(pairs, found, strict=True)}


def _examiner(trip: Trip) -> Examiner:
    with trip.database.begin() as session:
        frozen = runs.dataset(session, trip.run_id)
    trained = frozen.rows[0].messages[0]["content"] if frozen and frozen.rows else trip.persona.system_prompt
    if trained != trip.persona.system_prompt:
        raise PersonaChanged(
            "The system prompt in persona.yaml was edited while the run was under way. Start a new run."
        )
    return Examiner(trip.chat, trip.base.path, trip.persona.system_prompt, trip.context.patience)
