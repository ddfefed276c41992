"""What an adapter was made of, from the record: adapter, run, dataset, rows, cases, answers, people."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import adapters, cases, content_hash, lessons, lineage, reports, runs
from feedback.datasets import FROM_BASE, REJECTED, Example
from feedback.models import Adapter, Case, Dataset, Event, Json, Run
from feedback.reports import Result
from feedback.runs import Check
from feedback.states import CaseStatus

# What was written when an approval was given; see cases.approve and reviews.approve.
_APPROVALS = frozenset({"approved", "first approval"})


@dataclass(frozen=True)
class Taught:
    """A case that a run trained on: as new, or as one that an adapter before had learned."""

    case_id: int
    question: str
    correction: str  # as it was trained, if there are rows of it
    status: CaseStatus  # now
    new: bool
    learned: bool  # by this adapter
    rows: int
    answer_id: int | None
    flagged_by: str
    corrected_by: str | None
    approved_by: tuple[str, ...]


@dataclass(frozen=True)
class GeneralSet:
    """A data set that a training mixed in; its rows are not in the record."""

    name: str
    rows: int
    sha256: str | None  # of a file; what a hub gave under a name is not known


@dataclass(frozen=True)
class Step:
    """One adapter of a line, with the run that made it."""

    name: str
    version: int
    status: str
    sha256: str
    config_sha256: str | None
    base_model: str
    base_fingerprint: str
    made_at: datetime
    live_at: datetime | None
    run_id: int | None
    requested_by: str | None
    blend: float | None  # its share of the way from the one before it in the line; None: as it was trained
    anew: bool  # trained from the base model, with all that the one before it in the line knows
    replaced: str | None  # what was live when its run started
    left_out: tuple[int, ...]  # cases that that one had, and that were taken back
    seed: int | None
    settings: Json
    dataset_sha256: str | None
    dataset_unchanged: bool  # its rows still have the hash that they were frozen with
    rows: tuple[Example, ...]
    general_sets: tuple[GeneralSet, ...]  # what the training read beside them
    taught: tuple[Taught, ...]
    checks: tuple[Check, ...]  # the gate's
    results: tuple[Result, ...]  # the probes of its own run

    @property
    def sources(self) -> Mapping[str, int]:
        """How many rows came from where."""
        counted: dict[str, int] = {}
        for row in self.rows:
            counted[row.source] = counted.get(row.source, 0) + 1
        rejected = sum(REJECTED in row.messages[-1] for row in self.rows)
        if rejected and self.settings.get("method") == "kto":  # there it is a row of its own
            counted[REJECTED] = rejected
        for one in self.general_sets:
            counted["general_set"] = counted.get("general_set", 0) + one.rows
        return dict(sorted(counted.items()))

    @property
    def row_count(self) -> int:
        """How many rows it was trained on, those of general sets included."""
        return sum(self.sources.values())

    @property
    def scores(self) -> Mapping[str, tuple[int, int]]:
        """Probes passed and asked, by group."""
        counted: dict[str, tuple[int, int]] = {}
        for result in self.results:
            passed, asked = counted.get(result.group, (0, 0))
            counted[result.group] = (passed + result.passed, asked + 1)
        return dict(sorted(counted.items()))


@dataclass(frozen=True)
class Trace:
    """An adapter and those it was trained from, newest first; and the cases that are known to it in all."""

    steps: tuple[Step, ...]
    known: Mapping[int, str]  # case -> the newest adapter of the line that has learned it


def trace(session: Session, adapter: Adapter) -> Trace:
    """Everything that the record has on an adapter."""
    line = adapters.lineage(session, adapter)
    names = {one.id: one.name for one in line}
    known = lessons.known_to(session, list(names))
    steps = tuple(_step(session, one) for one in line)
    return Trace(steps, {case_id: names[adapter_id] for case_id, adapter_id in sorted(known.items())})


def _step(session: Session, adapter: Adapter) -> Step:
    run = runs.get(session, adapter.run_id) if adapter.run_id is not None else None
    frozen = runs.dataset(session, run.id) if run else None
    rows = tuple(Example(row.source, row.case_id, row.messages) for row in frozen.rows) if frozen else ()
    decision = runs.decision(run) if run else None
    return Step(
        name=adapter.name,
        version=adapter.version,
        status=adapter.status,
        sha256=adapter.sha256,
        config_sha256=adapter.config_sha256,
        base_model=adapter.base_model,
        base_fingerprint=adapter.base_fingerprint,
        made_at=adapter.created_at,
        live_at=adapter.live_at,
        run_id=adapter.run_id,
        requested_by=run.requested_by if run else None,
        blend=adapter.blend,
        anew=frozen is not None and FROM_BASE in frozen.manifest,
        replaced=run.replaces.name if run and run.replaces else None,
        left_out=lineage.left_out(session, adapter, run.replaces if run else None),
        seed=run.seed if run else None,
        settings=run.config if run else {},
        dataset_sha256=frozen.sha256 if frozen else None,
        dataset_unchanged=frozen is not None and _unchanged(frozen),
        rows=rows,
        general_sets=_general_sets(frozen) if frozen else (),
        taught=tuple(_taught(session, adapter, run, rows)) if run else (),
        checks=decision.checks if decision else (),
        results=(reports.of_run(session, run.id, adapter.id) or ()) if run else (),
    )


def _general_sets(frozen: Dataset) -> tuple[GeneralSet, ...]:
    sets = frozen.manifest.get("general_sets") or ()
    return tuple(GeneralSet(one["name"], int(one["rows"]), one.get("sha256")) for one in sets)


def _unchanged(frozen: Dataset) -> bool:
    return content_hash.of_dataset([row.messages for row in frozen.rows], frozen.manifest) == frozen.sha256


def _taught(session: Session, adapter: Adapter, run: Run, rows: Sequence[Example]) -> list[Taught]:
    new = {case.id for case in cases.of_run(session, run.id)}
    learned = lessons.known_to(session, [adapter.id])
    ids = new | {row.case_id for row in rows if row.case_id is not None}
    found = list(session.scalars(select(Case).where(Case.id.in_(ids)).order_by(Case.id)))
    approved = _approvals(session, ids, run)
    return [_one(case, case.id in new, case.id in learned, rows, approved.get(case.id, ())) for case in found]


def _one(case: Case, new: bool, learned: bool, rows: Sequence[Example], approved_by: tuple[str, ...]) -> Taught:
    own = [row.messages[-1]["content"] for row in rows if row.case_id == case.id]
    return Taught(
        case_id=case.id,
        question=case.question,
        correction=own[0] if own else case.correction or "",
        status=case.status,
        new=new,
        learned=learned,
        rows=len(own),
        answer_id=case.answer_id,
        flagged_by=case.flagged_by,
        corrected_by=case.corrected_by,
        approved_by=approved_by,
    )


def _approvals(session: Session, case_ids: Collection[int], run: Run) -> dict[int, tuple[str, ...]]:
    """Who had approved each case's words when a run began, oldest first."""
    query = select(Event).where(Event.subject == Case.__tablename__, Event.subject_id.in_(case_ids))
    given: dict[int, list[str]] = {}
    for event in session.scalars(query.where(Event.created_at <= run.created_at).order_by(Event.id)):
        if event.why in _APPROVALS:
            given.setdefault(event.subject_id, []).append(event.actor)
        elif event.after == CaseStatus.CORRECTED:  # other words, or the approval was taken back
            given.pop(event.subject_id, None)
    return {case_id: tuple(dict.fromkeys(actors)) for case_id, actors in given.items()}
