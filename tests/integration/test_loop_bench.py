"""The bench of the loop on a record: what each measured run has to learn."""

from bench import loop
from feedback import cases, runs
from feedback.database import Database
from feedback.states import CaseStatus, RunStatus


def new_cases_of_a_failed_run(db: Database) -> int:
    with db.begin() as session:
        run_id = runs.start(session, loop.PERSONA, "/models/base", 1, by=loop.BY).id
    with db.begin() as session:
        count = len(cases.of_run(session, run_id))
        runs.close(session, run_id, RunStatus.FAILED, error="no memory")
    return count


def test_every_measured_run_has_one_new_case_also_after_one_that_did_not_go_live(db: Database) -> None:
    for _ in range(3):
        loop.teach(db)
        assert new_cases_of_a_failed_run(db) == 1


def test_only_the_benchs_own_cases_are_withdrawn(db: Database) -> None:
    loop.teach(db)
    with db.begin() as session:
        theirs = cases.import_case(session, loop.PERSONA, "Who are you?", "I am Pip.", by="T1/U1").id
        cases.approve(session, theirs, by="T1/U1")
        loop.withdraw_left(session)
        assert [case.id for case in cases.listed(session, loop.PERSONA, [CaseStatus.APPROVED])] == [theirs]
