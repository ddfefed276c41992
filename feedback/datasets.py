"""Variants and datasets in the record."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback.models import Dataset, DatasetRow, Json, Variant


@dataclass(frozen=True)
class Paraphrase:
    """A variant as a generator gave it; ``rejected_because`` is None when it was accepted."""

    text: str
    generator: str
    held_out: bool
    rejected_because: str | None = None


@dataclass(frozen=True)
class Example:
    """One training row and where it comes from (case, earlier, identity or general)."""

    source: str
    case_id: int | None
    messages: list[Json]


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


def freeze(session: Session, run_id: int, examples: list[Example], sha256: str, manifest: Json) -> Dataset:
    """Record a run's rows, in order, with the hash of the file they make."""
    dataset = Dataset(run_id=run_id, sha256=sha256, manifest=manifest)
    session.add(dataset)
    session.flush()
    for position, example in enumerate(examples):
        session.add(DatasetRow(dataset_id=dataset.id, position=position, **vars(example)))
    return dataset
