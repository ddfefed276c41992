"""The base models' own answers to general prompts."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.models import OwnAnswer


@dataclass(frozen=True)
class Own:
    """One answer; ``rejected_because`` is None when it is trained on."""

    prompt: str
    answer: str
    rejected_because: str | None = None

    @property
    def sha256(self) -> str:
        """The hash that it is kept with."""
        return hashlib.sha256(f"{self.prompt}\0{self.answer}\0{self.rejected_because}".encode()).hexdigest()


def of_base(session: Session, base_fingerprint: str) -> dict[str, Own]:
    """The answers of a base model by what was asked; one that was changed since is as good as none."""
    rows = session.scalars(select(OwnAnswer).where(OwnAnswer.base_fingerprint == base_fingerprint))
    found = {row.asked: (Own(row.prompt, row.answer, row.rejected_because), row.sha256) for row in rows}
    return {asked: own for asked, (own, sha256) in found.items() if own.sha256 == sha256}


def add(session: Session, base_fingerprint: str, asked: str, own: Own) -> None:
    """Keep an answer, in place of one that was changed."""
    values = {
        "prompt": own.prompt, "answer": own.answer, "rejected_because": own.rejected_because, "sha256": own.sha256,
    }  # fmt: skip
    added = insert(OwnAnswer).values(base_fingerprint=base_fingerprint, asked=asked, **values)
    session.execute(added.on_conflict_do_update(index_elements=["base_fingerprint", "asked"], set_=values))
