"""Probe reports: what an adapter, or the base model, said to every probe."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback import adapters
from feedback.models import Adapter, Report


@dataclass(frozen=True)
class Result:
    """One probe's outcome. ``group`` is identity, rigour, ability, mended or new."""

    probe_id: str
    group: str
    prompt: str
    answer: str
    passed: bool
    reason: str
    case_id: int | None = None
    conditions: str = ""  # hash of base model, system prompt and sampling; another hash, another question
    likelihood: float | None = None
    """Mean log-likelihood of a token of the answer that is held against this one: a case's correction, or what the base
    model says. None: not measured."""
    asked: bool = True  # False: the correction was so unlikely that no answer was asked for


def add(
    session: Session, run_id: int | None, adapter_id: int | None, results: Sequence[Result], seconds: float
) -> None:
    """Record all results of one adapter (None: the base model)."""
    session.add(
        Report(run_id=run_id, adapter_id=adapter_id, results=[asdict(result) for result in results], seconds=seconds)
    )


def of_run(session: Session, run_id: int, adapter_id: int | None) -> tuple[Result, ...] | None:
    """The results of one adapter in one run."""
    query = select(Report).where(Report.run_id == run_id, Report.adapter_id == adapter_id)
    return _results(session.scalars(query.order_by(Report.id.desc())).first())


def latest(session: Session, adapter_id: int | None) -> tuple[Result, ...] | None:
    """The newest results of an adapter, from whichever run."""
    query = select(Report).where(Report.adapter_id == adapter_id).order_by(Report.id.desc())
    return _results(session.scalars(query.limit(1)).first())


def known(session: Session, adapter_id: int | None, *, before_run: int | None = None) -> tuple[Result, ...]:
    """The newest results of an adapter, and with them the newest of each case that those leave out: a run asks about
    some of the cases only. Without those that the run `before_run` has added itself.
    """
    query = select(Report).where(Report.adapter_id == adapter_id).order_by(Report.id.desc())
    if before_run is not None:
        query = query.where(Report.run_id.is_distinct_from(before_run))
    found: list[Result] = []
    for place, report in enumerate(session.scalars(query)):
        cases = {result.case_id for result in found}
        found += [one for one in _results(report) or () if place == 0 or one.case_id not in {None, *cases}]
    return tuple(found)


def of_candidates(session: Session, run_id: int) -> dict[int, tuple[Result, ...]]:
    """The newest results of each adapter of a run, by its id."""
    query = select(Report).join(Adapter, Adapter.id == Report.adapter_id).where(Adapter.run_id == run_id)
    oldest_first = session.scalars(query.order_by(Report.id))
    return {report.adapter_id: _results(report) or () for report in oldest_first if report.adapter_id}


def drift(results: Sequence[Result], base: Sequence[Result], group: str = "ability") -> float | None:
    """By how many nats a token the base model's own answers have become less likely; below 0: more likely.

    It shows a change of ways before any answer is wrong. None: it was not measured.
    """
    own = {one.probe_id: one.likelihood for one in base if one.group == group and one.likelihood is not None}
    changes = [
        own[one.probe_id] - one.likelihood
        for one in results
        if one.group == group and one.likelihood is not None and one.probe_id in own
    ]
    return sum(changes) / len(changes) if changes else None


@dataclass(frozen=True)
class VersionScores:
    """How a version did when it was probed: passed and asked, by group. ``version`` None: the base model."""

    version: int | None
    scores: dict[str, tuple[int, int]]


def history(session: Session, persona: str, run_id: int, *, most: int = 12) -> list[VersionScores]:
    """The versions that were probed up to a run, oldest first: those that went live, and the run's own."""
    own = adapters.of_run(session, run_id)  # not its candidates that were passed over
    query = (
        select(Adapter)
        .where(Adapter.persona == persona, Adapter.run_id <= run_id)
        .where((Adapter.live_at.is_not(None)) | (Adapter.id == (own.id if own else None)))
        .order_by(Adapter.version.desc())
        .limit(most)
    )
    found = []
    for adapter in reversed(list(session.scalars(query))):
        results = of_run(session, adapter.run_id, adapter.id) if adapter.run_id is not None else None
        found += [VersionScores(adapter.version, _counted(results))] if results else []
    base = latest(session, None)
    return [VersionScores(None, _counted(base)), *found] if base and found else found


def _counted(results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    counted: dict[str, tuple[int, int]] = {}
    for result in results:
        passed, asked = counted.get(result.group, (0, 0))
        counted[result.group] = (passed + result.passed, asked + 1)
    return counted


def said_to_case(session: Session, adapter_id: int, case_id: int, question: str) -> str | None:
    """What an adapter said to a case's own question when it was probed, or to one of its other wordings."""
    found = [result for result in known(session, adapter_id) if result.case_id == case_id]
    found.sort(key=lambda result: result.prompt != question)
    return found[0].answer.strip() or None if found else None


def _results(report: Report | None) -> tuple[Result, ...] | None:
    return tuple(Result(**result) for result in report.results) if report else None
