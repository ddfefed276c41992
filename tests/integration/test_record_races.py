"""Two people, or two processes, at once: the record lets exactly one of them through."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

from sqlalchemy.orm import Session

from feedback import answers, cases, runs
from feedback.answers import Question
from feedback.database import Database
from feedback.models import Case, Event, Run
from feedback.states import CaseStatus, IllegalMove

T = TypeVar("T")
QUESTION = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Who are you?")
LEASE = timedelta(minutes=1)
AT_ONCE = 4


def at_once(db: Database, do: Callable[[Session], T]) -> list[T | Exception]:
    """What ``do`` gives in four transactions that start together."""
    together = Barrier(AT_ONCE)

    def one(_: int) -> T | Exception:
        together.wait()
        try:
            with db.begin() as session:
                return do(session)
        except (IllegalMove, runs.RunRefused) as refused:
            return refused

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_one_process_takes_a_question(db: Database) -> None:
    taken = at_once(db, lambda session: answers.take_question(session, QUESTION, lease=LEASE))
    assert len([answer_id for answer_id in taken if answer_id is not None]) == 1


def test_one_process_takes_over_an_unfinished_question(db: Database) -> None:
    with db.begin() as session:
        answers.take_question(session, QUESTION, lease=-LEASE)
    taken = at_once(db, lambda session: answers.take_unfinished(session, "pip", lease=LEASE))
    assert sorted(len(ids) for ids in taken if isinstance(ids, list)) == [0, 0, 0, 1]


def test_four_flags_make_one_case(db: Database) -> None:
    with db.begin() as session:
        answer_id = answers.take_question(session, QUESTION, lease=LEASE)
        assert answer_id is not None
    made = at_once(db, lambda session: cases.flag(session, answers.get(session, answer_id), by="T1/UMIA").id)
    assert len(set(made)) == 1


def test_one_admin_decides(db: Database) -> None:
    with db.begin() as session:
        case_id = cases.import_case(session, "pip", "Who?", "Pip.", by="cli:ada").id
    decided = at_once(db, lambda session: cases.approve(session, case_id, by="T1/UADA").id)
    assert len([outcome for outcome in decided if outcome == case_id]) == 1
    with db.begin() as session:
        assert session.query(Event).filter_by(subject="cases", after=CaseStatus.APPROVED).count() == 1
        assert session.get_one(Case, case_id).status is CaseStatus.APPROVED


def test_one_run_starts(db: Database) -> None:
    started = at_once(db, lambda session: runs.start(session, "pip", "base", 1, by="T1/UADA").id)
    assert len([outcome for outcome in started if isinstance(outcome, int)]) == 1
    assert len([outcome for outcome in started if isinstance(outcome, runs.RunActive)]) == AT_ONCE - 1
    with db.begin() as session:
        assert session.query(Run).count() == 1
