"""The counts of answers that add up are those that one would count."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback import answer_counts, answers, cases, patches, rewording, votes
from feedback.answers import Outcome, Question
from feedback.database import Database
from feedback.models import Adapter, Answer, AnswerCount, Vote
from feedback.states import AdapterStatus, AnswerStatus, VoteValue
from feedback.votes import Person, Thumbs
from tests.integration.test_record_races import at_once

PEOPLE = [Person("T1", f"U{number}") for number in range(4)]
LEASE = timedelta(seconds=60)


def add_adapter(session: Session, version: int) -> int:
    status = AdapterStatus.RETIRED
    adapter = Adapter(
        persona="pip", version=version, name=f"pip-v{version}", status=status, base_model="b", base_fingerprint="f",
        sha256=str(version), rank=8,
    )  # fmt: skip
    session.add(adapter)
    session.flush()
    return adapter.id


def ask(session: Session, ts: str) -> int:
    question = Question("pip", "T1", "C1", ts, ts, "U1", "T1", "Where?")
    taken = answers.take_question(session, question, lease=LEASE)
    assert taken is not None
    return taken


def finish(session: Session, answer_id: int, status: AnswerStatus, adapter_id: int | None = None) -> None:
    answers.finish(session, answer_id, Outcome(status, "Here.", adapter_id=adapter_id, served_name="m"))


def one_by_one(session: Session) -> list[Thumbs]:
    """The same, from every answer."""
    found: dict[int | None, list[int]] = {}
    for answer in session.scalars(select(Answer).where(~patches.patched())):
        if answer.status in {AnswerStatus.ANSWERED, AnswerStatus.STOPPED}:
            counted = found.setdefault(answer.adapter.version if answer.adapter else None, [0, 0])
            down = session.scalars(select(Vote.id).filter_by(answer_id=answer.id, value=VoteValue.DOWN)).first()
            counted[0] += 1
            counted[1] += down is not None
    return [Thumbs(version, *found[version]) for version in sorted(found, key=lambda version: version or 0)]


def deeds(dice: random.Random, adapters: list[int | None]) -> list[Callable[[Session, int], object]]:
    person, value = dice.choice(PEOPLE), dice.choice(list(VoteValue))
    status, adapter = dice.choice([one for one in AnswerStatus if one != "pending"]), dice.choice(adapters)
    words, now = str(dice.random()), datetime.now(UTC)
    return [
        lambda session, one: finish(session, one, status, adapter),
        lambda session, one: finish(session, one, status, adapter),
        lambda session, one: votes.cast(session, one, person, value),
        lambda session, one: votes.cast(session, one, person, VoteValue.DOWN),
        lambda session, one: votes.withdraw(session, one, person, value),
        lambda session, one: rewording.reword(session, "T1", "C1", f"{one}.0", words, at=now, lease=LEASE),
        lambda session, one: votes.withdraw_all(session, "pip", person, by="U9") if words > "0.8" else None,
    ]


@pytest.mark.parametrize("seed", range(4))
def test_they_add_up_whatever_happens_in_whatever_order(
    db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_counts, "ADDED_UP", 7)
    dice = random.Random(seed)
    with db.begin() as session:
        adapters = [None, add_adapter(session, 1), add_adapter(session, 2)]
        asked = [ask(session, f"{number}.0") for number in range(1, 7)]
        case = cases.import_case(session, "pip", "Where?", "There.", by="U1")
        assert asked == list(range(1, 7))
    for _ in range(60):
        deed = dice.choice(deeds(dice, adapters))
        with db.begin() as session:
            one = dice.choice(asked)
            if session.get_one(Answer, one).status is AnswerStatus.PENDING and dice.random() < 0.3:
                patches.write(session, one, [case.id] if dice.random() < 0.5 else [])
            deed(session, one)
        with db.begin() as session:
            assert votes.by_version(session, "pip") == one_by_one(session)
    with db.begin() as session:
        rows = session.execute(select(func.count()).select_from(AnswerCount)).scalar_one()
        assert rows < 20, "they are added up now and then"


def test_two_thumbs_down_at_once_are_one_answer_with_a_thumbs_down(db: Database) -> None:
    with db.begin() as session:
        answer_id = ask(session, "1.0")
        finish(session, answer_id, AnswerStatus.ANSWERED)
    turns = iter(PEOPLE * 2)

    def vote(session: Session) -> None:
        votes.cast(session, answer_id, next(turns), VoteValue.DOWN)

    at_once(db, vote)
    with db.begin() as session:
        assert votes.by_version(session, "pip") == [Thumbs(None, 1, 1)]


def test_adding_up_keeps_the_sum_and_leaves_other_personas_alone(db: Database) -> None:
    with db.begin() as session:
        adapter_id = add_adapter(session, 1)
        for persona, adapter, down in (("pip", None, 0), ("pip", None, 1), ("pip", adapter_id, 1), ("ada", None, 1)):
            session.add(AnswerCount(persona=persona, adapter_id=adapter, answers=2, down=down))
    with db.begin() as session:
        answer_counts.add_up(session, "pip")
    with db.begin() as session:
        assert votes.by_version(session, "pip") == [Thumbs(None, 4, 1), Thumbs(1, 2, 1)]
        assert votes.by_version(session, "ada") == [Thumbs(None, 2, 1)]
        assert session.execute(select(func.count()).select_from(AnswerCount)).scalar_one() == 3
