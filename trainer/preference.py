"""Learning from what was answered badly as well as from the corrections: ms-swift's KTO and DPO, for follow-up runs.

In the record a row's last message may have, beside its ``content``, the answer that is ``rejected`` for the same
question; the dataset's hash covers both. What ms-swift reads is made of that:

- KTO reads answers one by one, each with a ``label``. Corrections and all replay are wanted; every row of a new case
  has a second one, the same wording with the case's bad answer, which is not. So it is more rows, and more steps. The
  loss is the one without a divergence term (``apo_zero_unpaired``): for that term ms-swift gives each row the answer of
  a neighbour, and refuses to when both have the same, as the rows of a case do.
- DPO reads pairs, and every row has to be one (``rejected_response``). A new case's is its bad answer. Replay has no
  bad answer on record, so it rejects the correction of a new case, which would be wrong there: that is what a run of
  few cases errs towards. ``rpo_alpha`` adds the likelihood of the right answer, as SFT has it; without, DPO only widens
  the gap between the two, and both may become unlikely.

The reference that both hold to is the live adapter (``ref_adapters``; without, ms-swift takes the base model with the
adapter switched off, and the persona would be a departure from it). A run none of whose new cases has a bad answer on
record, as when all come from a file, is plain SFT; so is every first run.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from feedback.datasets import REJECTED, Example
from feedback.models import Json
from trainer.config import FlagValue, Method, TrainConfig
from trainer.rows import Message, problem_in
from trainer.variants import CaseText


def method_of(wanted: Method, new: Sequence[CaseText]) -> Method:
    """How a run with these new cases learns."""
    return wanted if any(bad_answer(case) for case in new) else "sft"


def bad_answer(case: CaseText) -> str | None:
    """The answer on record that somebody found bad; None where there is none that can be trained on."""
    bad = case.bad_answer
    if bad is None or bad.strip().casefold() == case.correction.casefold():
        return None
    return None if problem_in((Message("user", case.question), Message("assistant", bad))) else bad


def with_rejected(
    rows: Sequence[Example], method: Method, cases: Iterable[CaseText], corrections: Sequence[str], seed: int
) -> list[Example]:
    """The rows with what each rejects. ``cases`` are those whose own bad answer counts; ``corrections`` those of the
    new cases, which the other rows of DPO reject."""
    bad = {case.case_id: answer for case in cases if (answer := bad_answer(case)) is not None}
    if method == "sft":
        return list(rows)
    return [_rejecting(row, _rejected(row, number, method, bad, corrections, seed)) for number, row in enumerate(rows)]


def _rejected(
    row: Example, number: int, method: Method, bad: Mapping[int, str], corrections: Sequence[str], seed: int
) -> str | None:
    own = bad.get(row.case_id) if row.case_id is not None else None
    if own is not None or method == "kto":
        return own
    told = str(row.messages[-1]["content"])
    others = [one for one in corrections if one != told] or list(bad.values())
    return random.Random(f"{seed}:rejected:{number}").choice(others)


def _rejecting(row: Example, rejected: str | None) -> Example:
    if rejected is None:
        return row
    return replace(row, messages=[*row.messages[:-1], row.messages[-1] | {REJECTED: rejected}])


def rejected_by(messages: Sequence[Json]) -> str | None:
    """What a recorded row rejects."""
    found = messages[-1].get(REJECTED)
    return None if found is None else str(found)


def read_by_swift(rows: Iterable[Example], method: Method) -> Iterator[Json]:
    """The lines of ms-swift's file."""
    for row in rows:
        *before, last = row.messages
        rejected = rejected_by(row.messages)
        wanted = [*before, {name: value for name, value in last.items() if name != REJECTED}]
        if method == "sft":
            yield {"messages": wanted}
        elif method == "dpo":
            yield {"messages": wanted, "rejected_response": rejected}
        else:
            yield {"label": True, "messages": wanted}
            if rejected is not None:
                yield {"label": False, "messages": [*before, wanted[-1] | {"content": rejected}]}


def flags(config: TrainConfig, method: Method, parent: Path | None) -> dict[str, FlagValue]:
    """What ms-swift is told beside the flags of any training."""
    if method == "sft" or parent is None:
        return {}
    told: dict[str, FlagValue] = {"rlhf_type": method, "beta": config.beta, "ref_adapters": str(parent)}
    return told | ({"rpo_alpha": config.rpo_alpha} if method == "dpo" else {"loss_type": "apo_zero_unpaired"})
