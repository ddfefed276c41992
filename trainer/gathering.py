"""What a run's dataset can be made of: read from the record and the persona's files, and, for the base model's own
answers, asked of the model server.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from feedback import adapters, cases, datasets, reports, runs
from feedback.automatic import ANOTHER_ATTEMPT
from feedback.datasets import NEVER
from feedback.models import Run
from feedback.recipe import Count
from trainer import examination, fitting, own_answers
from trainer.checking import earlier_cases
from trainer.config import Replay, TrainConfig
from trainer.context import Trip
from trainer.dataset import OWN_ANSWER, Ingredients, new_rows, replay_counts
from trainer.replay import Earlier, by_need, standing
from trainer.rows import Source, read_folder
from trainer.variants import CaseText


class NothingToTeach(Exception):
    """None of the run's new cases can be learned."""


def starts_anew(session: Session, run: Run, config: TrainConfig) -> Replay | None:
    """The dose of another attempt, which learns the new cases and all that its parent knows from the base model; None
    where a run goes on from its parent.

    Trained on and on, an adapter wears: after some rounds each one is refused, and one that is trained anew is not
    (bench.learning, the arm from scratch). It has to have a row of each mended case, or it would not know it.
    """
    dose = config.second_attempt
    if dose is None or run.requested_by != ANOTHER_ATTEMPT or run.parent_id is None or run.parent_id != run.replaces_id:
        return None
    return dose if len(earlier_cases(session, run)) <= dose.earlier_case_rows else None


async def gather(trip: Trip, run: Run, dose: Replay) -> Ingredients:
    """Everything to choose from. New cases that are too long to be learned leave the run, with the reason.

    Raises:
        NothingToTeach: no new case is left.
        RowError: a file of the persona cannot be used; with file, line and field.
        ServingUnavailable: the model server did not come back in time.
    """
    folder, persona = trip.settings.persona_dir, trip.persona
    languages = trip.config.taught_languages(persona.languages)
    identity = read_folder(folder / "self_cognition", persona, languages)
    general = read_folder(folder / "replay", persona, languages, source=Source.REPLAY)
    with trip.database.begin() as session:
        taught = [_with_wordings(session, examination.text_of(case)) for case in cases.of_run(session, run.id)]
        known = _earlier(session, run)
        held_out = examination.held_out(session, trip)
    new = await _fitting(trip, run, taught)
    counts = replay_counts(dose, new_rows(new, dose), len(identity), len(general))
    return Ingredients(
        system_prompt=persona.system_prompt,
        new=tuple(new),
        earlier=tuple(await _drawn(trip, known, dose.earlier_case_rows, run.seed)),
        known=tuple(one.case for one in known),
        identity=tuple(identity),
        general=tuple(general),
        own=tuple(await own_answers.of_base(trip, counts[OWN_ANSWER])),
        probes=tuple(probe.prompt for probe in trip.probes),
        held_out=held_out,
    )


async def _fitting(trip: Trip, run: Run, taught: list[CaseText]) -> list[CaseText]:
    kept: list[CaseText] = []
    too_long: dict[int, str] = {}
    for case in taught:
        found = await fitting.fit(trip, case)
        if found.case is None:
            too_long[case.case_id] = fitting.too_long(found.tokens, trip.config.max_length)
        else:
            kept.append(found.case)
    with trip.database.begin() as session:
        for case_id, why in too_long.items():
            runs.leave_out(session, run.id, cases.get(session, case_id), why)
    taking_back = run.parent_id != run.replaces_id
    if run.parent_id and not kept and not taking_back:
        told = "; ".join(f"case {case_id}: {why}" for case_id, why in too_long.items())
        raise NothingToTeach(f"None of the run's cases can be learned. {told}".strip())
    return kept


async def _drawn(trip: Trip, known: Sequence[Earlier], budget: Count, seed: int) -> list[Earlier]:
    """The earlier cases that have a row in this run, with their wordings that fit. The others are neither read nor
    measured, so that a run costs the same however many there are.
    """
    wanted = len(known) if budget == "all" else budget
    drawn: list[Earlier] = []
    for one in by_need(known, wanted, seed):
        if len(drawn) == wanted:
            break
        with trip.database.begin() as session:
            case = _with_wordings(session, one.case)
        if (fitted := (await fitting.fit(trip, case)).case) is not None:
            drawn.append(replace(one, case=fitted))
    return drawn


def _with_wordings(session: Session, case: CaseText) -> CaseText:
    """A case with the wordings it is trained in."""
    trained = [variant.text for variant in datasets.variants(session, case.case_id) if not variant.held_out]
    return replace(case, wordings=tuple(trained))


def _earlier(session: Session, run: Run) -> tuple[Earlier, ...]:
    """What the live adapter has learned, in the words of its question alone, and how well it still knows it."""
    known = earlier_cases(session, run)
    line = [adapter.run_id for adapter in adapters.lineage(session, run.parent) if adapter.run_id is not None]
    practised = datasets.practised(session, [case.id for case in known], line)
    results = reports.known(session, run.parent.id) if run.parent else ()
    return tuple(standing(examination.text_of(case), results, practised.get(case.id, NEVER)) for case in known)
