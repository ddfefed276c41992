"""Variants and datasets in the record."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from feedback.models import Case, Dataset, DatasetRow, Json, Run, RunCase, Variant

LEFT_OVER = "there are enough already"  # nothing speaks against such a variant, and it is not used


@dataclass(frozen=True)
class Paraphrase:
    """A variant as a generator gave it; ``rejected_because`` is None when it was accepted."""

    text: str
    generator: str
    held_out: bool
    rejected_because: str | None = None


@dataclass(frozen=True)
class Example:
    """One training row and where it comes from (case, earlier, identity, general or own_answer)."""

    source: str
    case_id: int | None
    messages: list[Json]


@dataclass(frozen=True)
class Practised:
    """When a case was trained on."""

    last: int | None = None
    """The newest dataset that has it; None: none has."""
    times: int = 0
    """How many datasets have it as an earlier case."""


NEVER = Practised()
EARLIER = "earlier"  # the source of a row of an earlier case
FROM_BASE = "from_base"  # in the manifest of a follow-up that does not go on from its parent's weights
REJECTED = "rejected"  # what a row's last message names that is to be kept away from, where it is known (KTO, DPO)


def add_variants(session: Session, run_id: int, case_id: int, paraphrases: list[Paraphrase]) -> None:
    """Record a case's variants; those that are known already stay as they are."""
    known = {variant.text for variant in variants(session, case_id, accepted_only=False)}
    for paraphrase in paraphrases:
        if paraphrase.text not in known:
            known.add(paraphrase.text)
            session.add(Variant(run_id=run_id, case_id=case_id, **vars(paraphrase)))


def variants(session: Session, case_id: int, *, accepted_only: bool = True) -> list[Variant]:
    """A case's variants, oldest first."""
    query = select(Variant).where(Variant.case_id == case_id).order_by(Variant.id)
    return list(session.scalars(query.where(Variant.rejected_because.is_(None)) if accepted_only else query))


def held_out(session: Session, case_ids: Collection[int]) -> dict[int, list[str]]:
    """The held-out wordings of some cases, by case."""
    query = select(Variant.case_id, Variant.text).where(Variant.case_id.in_(case_ids), Variant.held_out)
    found: dict[int, list[str]] = {}
    for case_id, text in session.execute(query.where(Variant.rejected_because.is_(None)).order_by(Variant.id)):
        found.setdefault(case_id, []).append(text)
    return found


@dataclass(frozen=True)
class Yield:
    """What came of one generator's wordings."""

    accepted: int = 0
    turned_down: int = 0
    left_over: int = 0


def yields(session: Session, run_id: int) -> dict[str, Yield]:
    """What came of each generator's wordings that a run has judged, of those that it trains on as new."""
    query = (
        select(Variant.generator, Variant.rejected_because)
        .join(RunCase, RunCase.case_id == Variant.case_id)
        .where(RunCase.run_id == run_id, Variant.run_id == run_id)
    )
    by_generator: dict[str, list[str | None]] = {}
    for generator, reason in session.execute(query):
        by_generator.setdefault(generator, []).append(reason)
    return {
        generator: Yield(
            accepted=reasons.count(None),
            turned_down=sum(reason not in (None, LEFT_OVER) for reason in reasons),
            left_over=reasons.count(LEFT_OVER),
        )
        for generator, reasons in sorted(by_generator.items())
    }


def manifest(session: Session, run_id: int) -> Json | None:
    """What a run's dataset is made of, without its rows."""
    return session.scalars(select(Dataset.manifest).where(Dataset.run_id == run_id)).first()


def from_base(session: Session, run: Run) -> bool:
    """Whether a run trains from the base model: a first one, or one that learns everything anew."""
    return run.parent_id is None or FROM_BASE in (manifest(session, run.id) or {})


def freeze(session: Session, run_id: int, examples: list[Example], sha256: str, manifest: Json) -> Dataset:
    """Record a run's rows, in order, with the hash of the file they make."""
    dataset = Dataset(run_id=run_id, sha256=sha256, manifest=manifest)
    session.add(dataset)
    session.flush()
    had = {example.case_id for example in examples if example.case_id is not None}
    session.execute(update(Case).where(Case.id.in_(had), ~Case.taught).values(taught=True))
    for position, example in enumerate(examples):
        session.add(DatasetRow(dataset_id=dataset.id, position=position, **vars(example)))
    return dataset


def practised(session: Session, case_ids: Collection[int], run_ids: Collection[int]) -> dict[int, Practised]:
    """When cases were trained on in the datasets of some runs; those that never were are left out."""
    repeated = func.count(DatasetRow.dataset_id.distinct()).filter(DatasetRow.source == EARLIER)
    query = (
        select(DatasetRow.case_id, func.max(DatasetRow.dataset_id), repeated)
        .join(Dataset, Dataset.id == DatasetRow.dataset_id)
        .where(DatasetRow.case_id.in_(case_ids), Dataset.run_id.in_(run_ids))
        .group_by(DatasetRow.case_id)
    )
    found = session.execute(query)
    return {case_id: Practised(last, times) for case_id, last, times in found if case_id is not None}
