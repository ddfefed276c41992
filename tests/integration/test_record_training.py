"""What may start a run, what stops it, and which adapter knows which case, on a real PostgreSQL."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from feedback import adapters, automatic, cases, datasets, lessons, pauses, previews, reviews, runs
from feedback.automatic import ANOTHER_ATTEMPT, AUTOMATIC, Rules, Verdict, Window
from feedback.database import Database
from feedback.models import Case, Event, Run
from feedback.runs import Check, Decision
from feedback.states import CaseStatus, RunStatus
from tests.integration.test_record import finish_run
from tests.integration.test_record_races import AT_ONCE, at_once

ADA, NOOR, MIA = "T1/UADA", "T1/UNOOR", "T1/UMIA"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def approved(session: Session, question: str = "Lunch?", answer: str = "At noon.") -> Case:
    case = cases.import_case(session, "pip", question, answer, by=MIA)
    return cases.approve(session, case.id, by=ADA)


def live_adapter(session: Session, version: int = 1) -> int:
    return finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), version).id


def due(session: Session, after: int = 1) -> Run | Verdict:
    return automatic.start_if_due(session, "pip", Rules(after), NOW, "base", 1)


def why_not(session: Session, after: int = 1) -> str:
    verdict = due(session, after)
    assert isinstance(verdict, Verdict)
    return verdict.why


def test_of_several_processes_one_starts_the_run_that_is_due(db: Database) -> None:
    with db.begin() as session:
        approved(session)
    started = at_once(db, lambda session: due(session))
    assert len([run for run in started if isinstance(run, Run)]) == 1
    assert [one.why for one in started if isinstance(one, Verdict)] == ["a run is under way"] * (AT_ONCE - 1)
    with db.begin() as session:
        (run,) = runs.latest(session, "pip")
        assert run.requested_by == AUTOMATIC
        said = session.query(Event).filter_by(subject="runs").one()
        assert (said.actor, said.why) == (AUTOMATIC, "newly approved cases: 1")


def test_only_newly_approved_cases_count(db: Database) -> None:
    with db.begin() as session:
        live_adapter(session)
        assert why_not(session) == "no case is newly approved"
        approved(session)
        assert why_not(session, after=2) == "1 of 2 newly approved cases are there"
        run = due(session)
        assert isinstance(run, Run)
        runs.close(session, run.id, RunStatus.FAILED, error="disk full")
        assert why_not(session) == "no case is newly approved"  # a failed run is not repeated for ever
        approved(session, "Tea?", "At four.")
        second = due(session)
        assert isinstance(second, Run) and len(cases.of_run(session, second.id)) == 2
        finish_run(session, second, 2)
        adapters.roll_back(session, "pip", by=ADA)
        assert why_not(session) == "no case is newly approved"  # nor is a rollback undone


def refuse(session: Session, run: Run, *, accepted: bool = False) -> None:
    for stage in ("paraphrasing", "building", "training", "probing"):
        runs.advance(session, run.id, RunStatus(stage))
    runs.decide(session, run.id, Decision(accepted, (Check("New cases", accepted, "one probe got worse"),)))
    runs.close(session, run.id, RunStatus.REJECTED, why="one probe got worse")


def test_a_refused_run_is_tried_again_with_another_seed_and_then_left_to_people(db: Database) -> None:
    twice = Rules(attempts=2)

    def due_again(session: Session) -> Run | Verdict:
        return automatic.start_if_due(session, "pip", twice, datetime.now(UTC), "base", 1)

    with db.begin() as session:
        live_adapter(session)
        approved(session)
        first = runs.start(session, "pip", "base", 1, by=ADA, channel="C1")
        approved(session, "Coffee?", "At two.")
        refuse(session, first)
        second = due_again(session)
        assert isinstance(second, Run)
        assert (second.seed, second.requested_by, second.channel_id) == (first.seed + 1, ANOTHER_ATTEMPT, "C1")
        assert runs.started_because(session, second.id) == f"attempt 2 of 2, since run {first.id} was refused"
        assert cases.of_run(session, second.id) == cases.of_run(session, first.id)
        assert automatic.wanted_by(session, second) == ADA, "who is told how it ends"
        refuse(session, second)
        assert isinstance(due_again(session), Verdict)
        third = runs.start(session, "pip", "base", 1, by=ADA)  # somebody who starts one anew has two attempts again
        refuse(session, third)
        assert isinstance(due_again(session), Run)


@pytest.mark.parametrize(
    "otherwise",
    ["taken back after the gate", "cancelled", "nothing to teach", "rolled back", "an older case is taken back"],
)
def test_what_the_gate_did_not_refuse_or_cannot_be_taught_is_not_tried_again(db: Database, otherwise: str) -> None:
    with db.begin() as session:
        live_adapter(session)
        tea = approved(session, "Tea?", "At four.")
        live_adapter(session, 2)
        case = approved(session)
        run = runs.start(session, "pip", "base", 1, by=ADA)
        if otherwise == "cancelled":
            runs.close(session, run.id, RunStatus.CANCELLED)
        else:
            refuse(session, run, accepted=otherwise == "taken back after the gate")
        if otherwise == "nothing to teach":
            cases.withdraw(session, case.id, by="cli:ada")
        if otherwise == "an older case is taken back":
            cases.withdraw(session, tea.id, by="cli:ada")
            assert runs.startable(session, "pip")[0] is not None, "a run without it is for people to start"
        if otherwise == "rolled back":
            adapters.roll_back(session, "pip", by=ADA)
        found = automatic.start_if_due(session, "pip", Rules(attempts=2), datetime.now(UTC), "base", 1)
        assert isinstance(found, Verdict)


def test_once_a_night_is_enough(db: Database) -> None:
    night = Rules(window=Window(time(0, 0), time(23, 59), ZoneInfo("UTC")))
    now = datetime.now(UTC).replace(hour=12)
    with db.begin() as session:
        approved(session)
        assert isinstance(automatic.start_if_due(session, "pip", night, now, "base", 1), Run)
        runs.close(session, 1, RunStatus.CANCELLED)
        approved(session, "Tea?", "At four.")
        verdict = automatic.start_if_due(session, "pip", night, now, "base", 1)
        assert isinstance(verdict, Verdict) and verdict.why == "a run has started tonight already"


def test_while_paused_nothing_starts_and_who_paused_is_kept(db: Database) -> None:
    with db.begin() as session:
        approved(session)
        made, new = pauses.pause(session, "pip", by=ADA, why="the card is needed")
        assert new and pauses.pause(session, "pip", by=NOOR, why="") == (made, False)
        assert why_not(session) == "training is paused"
    with pytest.raises(runs.RunsPaused, match="by T1/UADA: the card is needed"), db.begin() as session:
        runs.start(session, "pip", "base", 1, by=ADA)
    with db.begin() as session:
        assert pauses.resume(session, "pip", by=NOOR)
        assert not pauses.resume(session, "pip", by=NOOR)
        assert isinstance(due(session), Run)
        kept = session.query(Event).filter_by(subject="pauses").order_by(Event.id)
        assert [(e.actor, e.why, e.after) for e in kept] == [
            (ADA, "the card is needed", "paused"),
            (NOOR, "resume", "on"),
        ]


def test_four_who_confirm_one_preview_start_one_run(db: Database) -> None:
    with db.begin() as session:
        approved(session)
        shown = previews.read(session, "pip", "base").shown
    started = at_once(db, lambda session: previews.start_shown(session, "pip", "base", 1, shown, by=ADA).id)
    assert len([run for run in started if isinstance(run, int)]) == 1
    with db.begin() as session:
        runs.close(session, 1, RunStatus.CANCELLED)
    with pytest.raises(previews.PreviewOutdated), db.begin() as session:
        previews.start_shown(session, "pip", "base", 1, shown, by=ADA)  # it was started once


@pytest.mark.parametrize("change", ["approved", "rewritten", "taken back"])
def test_what_was_not_shown_is_not_trained_on(db: Database, change: str) -> None:
    with db.begin() as session:
        case, _ = approved(session), approved(session, "Tea?", "At four.")
        shown = previews.read(session, "pip", "base").shown
        if change == "approved":
            approved(session, "Supper?", "At seven.")
        else:
            cases.take_back(session, case.id, by=NOOR)
        if change == "rewritten":
            cases.correct(session, case.id, "At one.", None, by=NOOR)
            cases.approve(session, case.id, by=NOOR)
    with pytest.raises(previews.PreviewOutdated), db.begin() as session:
        previews.start_shown(session, "pip", "base", 1, shown, by=ADA)
    with db.begin() as session:
        assert runs.latest(session, "pip") == []
        assert CaseStatus.TRAINING not in cases.counts(session, "pip")


def test_a_preview_is_judged_by_the_runs_in_the_record(db: Database) -> None:
    with db.begin() as session:
        run = runs.start(session, "pip", "base", 1, by=ADA)
        recipe = {"new_case_repeats": 1, "identity_rows": 20, "general_rows": 40, "earlier_case_rows": "all"}
        runs.set_config(session, run.id, {
            "first_replay": recipe, "replay": recipe, "paraphrases_per_case": 4,
            "first": {"num_train_epochs": 2}, "follow_up": {"num_train_epochs": 2},
        })  # fmt: skip
        datasets.freeze(session, run.id, [], "0" * 64, {"sources": {"identity": 20, "general": 40}})
        seconds = {"training": 120.0, "probing": 20.0}
        runs.report_progress(session, run.id, runs.Progress("probing", seconds=seconds))
        finish_run(session, run, 1)
        approved(session)
        found = previews.read(session, "pip", "base")
        assert (found.cases, found.earlier, found.judged_by) == (1, 0, (1,))
        assert (found.size.rows, found.size.seconds) == (65, pytest.approx(150))
        assert previews.read(session, "pip", "another base").size.rows is None


def test_an_older_adapter_that_is_promoted_still_knows_what_it_learned(db: Database) -> None:
    """Learned by v2, rolled back, learned again by v3: v2 made live by hand knows it as well."""
    with db.begin() as session:
        first = live_adapter(session)
        case, later = approved(session), None
        second = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 2)
        adapters.roll_back(session, "pip", by=ADA)
        later = approved(session, "Tea?", "At four.")
        third = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 3)
        assert third.parent_id == first and (case.adapter_id, later.adapter_id) == (third.id, third.id)
        adapters.promote(session, second, by=ADA, why="by hand")
        assert (case.status, case.adapter_id) == (CaseStatus.MENDED, second.id)
        assert (later.status, later.adapter_id) == (CaseStatus.APPROVED, third.id)
        adapters.promote(session, third, by=ADA, why="by hand")
        assert {case.status, later.status} == {CaseStatus.MENDED} and case.adapter_id == third.id


def test_new_words_are_a_lesson_that_nobody_has_learned(db: Database) -> None:
    with db.begin() as session:
        live_adapter(session)
        case = approved(session)
        second = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 2)
        assert lessons.known_to(session, [second.id]) == {case.id: second.id}
        cases.correct(session, case.id, "At one.", None, by=MIA)
        assert lessons.known_to(session, [second.id]) == {}


def test_a_case_that_a_run_could_not_mend_is_mended_by_an_older_adapter_that_knows_it(db: Database) -> None:
    with db.begin() as session:
        live_adapter(session)
        case = approved(session)
        second = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 2)
        adapters.roll_back(session, "pip", by=ADA)
        run = runs.start(session, "pip", "base", 1, by=ADA)
        cases.settle(session, case, None, "1 of 3 probes fail", why="run 3")
        runs.close(session, run.id, RunStatus.CANCELLED)
        adapters.promote(session, second, by=ADA, why="by hand")
        assert (case.status, case.outcome, case.announce) == (CaseStatus.MENDED, None, False)


def test_a_case_of_a_run_that_is_overtaken_is_mended_if_what_is_live_now_knows_it(db: Database) -> None:
    with db.begin() as session:
        live_adapter(session)
        case = approved(session)
        second = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 2)
        adapters.roll_back(session, "pip", by=ADA)
        run = runs.start(session, "pip", "base", 1, by=ADA)
        adapters.promote(session, second, by=ADA, why="by hand")
        assert case.status is CaseStatus.TRAINING
        runs.close(session, run.id, RunStatus.FAILED, error="overtaken")
        assert (case.status, case.adapter_id) == (CaseStatus.MENDED, second.id)


def test_lessons_of_before_are_taken_over(db: Database, database_url: str) -> None:
    from alembic import command

    from feedback.database import migrations

    with db.begin() as session:
        live_adapter(session)
        approved(session)
        second = finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 2).id
    command.downgrade(migrations(database_url), "0001")
    command.upgrade(migrations(database_url), "head")
    with db.begin() as session:
        assert list(session.execute(text("SELECT case_id, adapter_id FROM lessons"))) == [(1, second)]


def test_two_different_admins_approve_where_that_is_switched_on(db: Database) -> None:
    with db.begin() as session:
        case = cases.import_case(session, "pip", "Lunch?", "At noon.", by=MIA)
        reviews.approve(session, case.id, by=ADA, two=True)
        assert (case.status, case.first_approved_by) == (CaseStatus.CORRECTED, ADA)
        for no_second in (ADA, MIA):
            with pytest.raises(reviews.NotTheSecond):
                reviews.approve(session, case.id, by=no_second, two=True)
        assert reviews.next_waiting(session, "pip", second=ADA) is None
        assert reviews.next_waiting(session, "pip", second=NOOR) is case
        assert reviews.queue(session, "pip").halfway == 1
        reviews.approve(session, case.id, by=NOOR, two=True)
        assert (case.status, case.first_approved_by, case.decided_by) == (CaseStatus.APPROVED, None, NOOR)


def test_other_words_need_two_new_approvals(db: Database) -> None:
    with db.begin() as session:
        case = cases.import_case(session, "pip", "Lunch?", "At noon.", by=MIA)
        reviews.approve(session, case.id, by=ADA, two=True)
        cases.correct(session, case.id, "At one.", None, by=NOOR)
        assert case.first_approved_by is None
        reviews.approve(session, case.id, by=ADA, two=True)
        assert case.status is CaseStatus.CORRECTED


def test_four_first_approvals_by_one_admin_are_one(db: Database) -> None:
    with db.begin() as session:
        case_id = cases.import_case(session, "pip", "Lunch?", "At noon.", by=MIA).id

    def approve(session: Session) -> str:
        reviews.claim(session, case_id)
        try:
            return reviews.approve(session, case_id, by=ADA, two=True).status
        except reviews.NotTheSecond:
            return "not the second"

    assert sorted(map(str, at_once(db, approve))) == ["corrected", *["not the second"] * (AT_ONCE - 1)]
