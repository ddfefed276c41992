"""What the record knows of variants and datasets, on a real PostgreSQL."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.event import listen

from bot.run_preview import words
from feedback import cases, datasets, previews, reports, runs
from feedback.database import Database
from feedback.datasets import Example, Practised
from feedback.reports import Result
from feedback.states import RunStatus
from tests.integration.test_record import finish_run
from tests.integration.test_record_training import ADA, approved


def test_when_a_case_was_practised_is_read_from_the_datasets_of_some_runs(db: Database) -> None:
    with db.begin() as session:
        case, other = approved(session).id, approved(session, "Tea?", "At four.").id
        run_ids, dataset_ids = [], []
        for number, sources in enumerate([["case"], ["earlier", "earlier"], ["earlier"], []], start=1):
            run = runs.start(session, "pip", "base", 1, by=ADA)
            rows = [Example(source, case, [{"role": "user", "content": "?"}]) for source in sources]
            frozen = datasets.freeze(session, run.id, [*rows, Example("identity", None, [])], "0" * 64, {})
            run_ids.append(run.id)
            dataset_ids.append(frozen.id)
            finish_run(session, run, number)
            approved(session, f"Question {number}?", "Yes.")
        assert datasets.practised(session, [case, other], run_ids) == {case: Practised(dataset_ids[2], 2)}
        assert datasets.practised(session, [case], run_ids[:1]) == {case: Practised(dataset_ids[0], 0)}
        assert datasets.practised(session, [case], []) == {}


def test_a_case_that_the_newest_report_leaves_out_is_known_by_its_own_newest(db: Database) -> None:
    def result(case: int | None, likelihood: float | None, group: str = "mended") -> Result:
        return Result(f"probe-{case}", group, "?", "!", True, "", case_id=case, likelihood=likelihood)

    with db.begin() as session:
        adapter_id = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 1).id
        reports.add(session, None, adapter_id, [result(1, -3.0), result(2, -0.2), result(None, None, "rigour")], 1.0)
        reports.add(session, None, adapter_id, [result(1, -0.4)], 1.0)
        reports.add(session, 1, adapter_id, [result(3, -0.9), result(None, -0.1, "ability")], 1.0)
        known = [(one.case_id, one.likelihood) for one in reports.known(session, adapter_id)]
        assert known == [(3, -0.9), (None, -0.1), (1, -0.4), (2, -0.2)]
        before = reports.known(session, adapter_id, before_run=1)
        assert [(one.case_id, one.likelihood) for one in before] == [(1, -0.4), (2, -0.2)]
        assert len(reports.latest(session, adapter_id) or ()) == 2 and reports.known(session, None) == ()


def test_no_look_at_the_rows_goes_through_all_of_them(db: Database) -> None:
    with db.begin() as session:
        run = runs.start(session, "pip", "base", 1, by=ADA)
        case = cases.import_case(session, "pip", "Lunch?", "At noon.", by=ADA)
        frozen = datasets.freeze(session, run.id, [Example("case", case.id, [])], "0" * 64, {})
        session.execute(
            text(
                "INSERT INTO dataset_rows (dataset_id, position, source, messages)"
                " SELECT :dataset, number, 'general', '[]' FROM generate_series(10, 20000) AS number"
            ),
            {"dataset": frozen.id},
        )
        session.execute(text("ANALYZE dataset_rows"))
        sent: list[tuple[str, Any]] = []
        listen(
            session.connection(), "before_cursor_execute", lambda _, __, sql, values, *___: sent.append((sql, values))
        )
        datasets.practised(session, [case.id], [run.id])
        ((sql, values),) = sent
        plan = [line for (line,) in session.connection().exec_driver_sql(f"EXPLAIN {sql}", values)]
    assert not any("Seq Scan on dataset_rows" in line for line in plan), plan


def test_of_five_hundred_approved_cases_a_run_takes_those_that_wait_longest(db: Database) -> None:
    """The others stay approved, and those of a run that came to nothing do not keep them out."""
    taken: list[set[int]] = []
    with db.begin() as session:
        rows = (
            "SELECT 'pip', 'approved', 'Q' || number, 'A' || number, 'T1/UMIA' FROM generate_series(1, 500) AS number"
        )
        session.execute(text(f"INSERT INTO cases (persona, status, question, correction, flagged_by) {rows}"))
    for _ in range(2):
        with db.begin() as session:
            shown = previews.read(session, "pip", "base")
            assert (shown.cases, shown.left) == (50, 450)
            assert "*50 approved cases*" in words(shown) and "450 more stay approved" in words(shown)
            run = previews.start_shown(session, "pip", "base", 1, shown.shown, by=ADA)
            taken.append({case.id for case in cases.of_run(session, run.id)})
        with db.begin() as session:
            runs.close(session, run.id, RunStatus.CANCELLED)
    assert taken[0] == set(range(1, 51)) and taken[1] == set(range(51, 101))
