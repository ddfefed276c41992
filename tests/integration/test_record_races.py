"""Two people, or two processes, at once: the record lets exactly one of them through."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from threading import Event as Signal
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot import rolling_back
from feedback import adapters, answers, cases, runs
from feedback.adapters import Saved
from feedback.answers import Question
from feedback.database import Database
from feedback.models import Adapter, Case, Event, Run
from feedback.states import AdapterStatus, CaseStatus, IllegalMove, RunStatus

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


def test_a_flag_does_not_wait_for_an_approver_who_waits_for_it(db: Database) -> None:
    with db.begin() as session:
        answer_id = answers.take_question(session, QUESTION, lease=LEASE)
        assert answer_id is not None
        case_id = cases.flag(session, answers.get(session, answer_id), by="T1/UMIA").id
    with db.begin() as approver:
        # What any change of a foreign key does: it holds the answer's row for key share.
        approver.execute(text("SELECT 1 FROM answers WHERE id = :id FOR KEY SHARE"), {"id": answer_id})
        with db.begin() as member:
            member.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert cases.flag(member, answers.get(member, answer_id), by="T1/UBO").id == case_id


def test_a_cancel_is_seen_by_a_session_that_has_read_the_run(db: Database) -> None:
    with db.begin() as session:
        run_id = runs.start(session, "pip", "base", 1, by="T1/UADA").id
    with db.begin() as session:
        read = runs.get(session, run_id)
        with db.begin() as other:
            assert runs.request_cancel(other, run_id, by="T1/UADA")
        with pytest.raises(runs.RunCancelled):
            runs.advance(session, read.id, RunStatus.PARAPHRASING)


def test_a_correction_sees_that_the_case_was_withdrawn_meanwhile(db: Database) -> None:
    with db.begin() as session:
        case_id = cases.import_case(session, "pip", "Who?", "Pip.", by="cli:ada").id
    with pytest.raises(IllegalMove), db.begin() as session:
        read = cases.get(session, case_id)
        with db.begin() as other:
            cases.withdraw(other, case_id, by="cli:ada")
        cases.correct(session, read.id, "I am Pip.", None, by="cli:bo")


def test_one_promotion_and_one_rollback_leave_one_live_adapter(db: Database) -> None:
    with db.begin() as session:
        first, second, third = (make_adapter(session, version) for version in (1, 2, 3))
        second.parent_id = first.id
        adapters.promote(session, first, by="worker", why="gate")
        adapters.promote(session, second, by="worker", why="gate")
        second_id, third_id = second.id, third.id
    rolling = Signal()

    def promote() -> None:
        rolling.wait()
        with db.begin() as session:
            adapters.promote(session, session.get_one(Adapter, third_id), by="worker", why="gate")

    with ThreadPoolExecutor(1) as pool:
        with db.begin() as session:
            adapters.roll_back(session, "pip", by="T1/UADA")
            promotion = pool.submit(promote)
            rolling.set()
            time.sleep(0.5)  # the promotion is waiting, or has read an adapter that is live no more
        promotion.result(timeout=10)
    with db.begin() as session:
        seen = [adapter.status for adapter in reversed(adapters.listed(session, "pip"))]
        assert session.get_one(Adapter, second_id).status is AdapterStatus.RETIRED
    assert seen == [AdapterStatus.RETIRED, AdapterStatus.RETIRED, AdapterStatus.LIVE]


def test_two_admins_who_roll_the_same_version_back_roll_back_once(db: Database) -> None:
    with db.begin() as session:
        first, second, third = (make_adapter(session, version) for version in (1, 2, 3))
        second.parent_id, third.parent_id = first.id, second.id
        for adapter in (first, second, third):
            adapters.promote(session, adapter, by="worker", why="gate")
    with db.begin() as session:
        move = rolling_back.planned(session, "pip")
    names = iter(range(AT_ONCE))

    def make(session: Session) -> bool | str:
        try:
            return rolling_back.roll_back(session, "pip", move, "T1/UADA", f"click-{next(names)}")
        except rolling_back.LiveChanged:
            return "changed"

    made = at_once(db, make)
    assert sorted(map(str, made)) == ["True", "changed", "changed", "changed"]
    with db.begin() as session:
        live = adapters.live(session, "pip")
        assert live is not None
        assert live.version == 2


def make_adapter(session: Session, version: int) -> Adapter:
    saved = Saved(f"pip-v{version}-0000000{version}", version, "0" * 64, 8, "base", "f")
    run = Run(persona="pip", status=RunStatus.LIVE, requested_by="x", base_model="base", config={}, seed=1, progress={})
    session.add(run)
    session.flush()
    return adapters.add(session, "pip", run.id, None, saved)
