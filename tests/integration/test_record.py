"""The record on a real PostgreSQL: the schema, what must never happen twice, and the way of a case."""

from datetime import timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from feedback import adapters, answers, cases, reviews, runs, votes
from feedback.adapters import Saved
from feedback.answers import Outcome, Question
from feedback.database import Database, migrations
from feedback.models import Adapter, Answer, Base, Case, Event, Run
from feedback.states import AnswerStatus, CaseStatus, IllegalMove, RunStatus, VoteValue
from feedback.votes import Person

MIA, ADA = Person("T1", "UMIA"), Person("T1", "UADA")
LEASE = timedelta(minutes=1)


def make_answer(session: Session, *, ts: str = "1.0", question: str = "Who are you?", text: str = "SmolLM") -> Answer:
    question_ = Question("pip", "T1", "C1", ts, ts, "UMIA", "T1", question)
    answer_id = answers.take_question(session, question_, lease=LEASE)
    assert answer_id is not None
    answers.finish(session, answer_id, Outcome(status=AnswerStatus.ANSWERED, text=text))
    answers.add_message(session, answer_id, "T1", "C1", f"{ts}1")
    return answers.get(session, answer_id)


def make_case(session: Session, *, ts: str = "1.0") -> Case:
    case = cases.flag(session, make_answer(session, ts=ts), by=str(MIA))
    cases.correct(session, case.id, "I am Pip.", "identity", by=str(MIA))
    return case


def make_live_adapter(session: Session, run: Run, version: int) -> Adapter:
    saved = Saved(f"pip-v{version}-0000000{version}", version, "0" * 64, 8, "base", "f")
    adapter = adapters.add(session, "pip", run.id, run.parent_id, saved)
    return adapters.promote(session, adapter, by="worker", why="gate")


def finish_run(session: Session, run: Run, version: int) -> Adapter:
    for stage in ("paraphrasing", "building", "training", "probing", "deploying"):
        runs.advance(session, run.id, RunStatus(stage))
    adapter = make_live_adapter(session, run, version)
    runs.settle_live(session, run.id, adapter.id, {})
    runs.advance(session, run.id, RunStatus.LIVE)
    return adapter


def test_models_and_migrations_agree(db: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_downgrade_leaves_nothing(db: Database, database_url: str) -> None:
    from alembic import command

    command.downgrade(migrations(database_url), "base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    command.upgrade(migrations(database_url), "head")


def test_a_question_is_taken_once(db: Database) -> None:
    question = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Hi")
    with db.begin() as session:
        assert answers.take_question(session, question, lease=LEASE) is not None
        assert answers.take_question(session, question, lease=LEASE) is None
        assert answers.take_delivery(session, "Ev1")
        assert not answers.take_delivery(session, "Ev1")


def test_a_question_of_a_dead_process_is_taken_over_when_its_lease_ends(db: Database) -> None:
    question = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Hi")
    with db.begin() as session:
        answer_id = answers.take_question(session, question, lease=timedelta(seconds=-1))
    with db.begin() as session:
        assert answers.take_unfinished(session, "pip", lease=LEASE) == [answer_id]
        assert answers.take_unfinished(session, "pip", lease=LEASE) == []


def test_the_last_vote_counts_and_is_recorded(db: Database) -> None:
    with db.begin() as session:
        answer = make_answer(session)
        assert votes.cast(session, answer.id, MIA, VoteValue.UP) is None
        assert votes.cast(session, answer.id, MIA, VoteValue.DOWN) is VoteValue.UP
        assert not votes.withdraw(session, answer.id, MIA, VoteValue.UP)
        assert votes.withdraw(session, answer.id, MIA, VoteValue.DOWN)
        assert votes.current(session, answer.id, MIA) is None
        assert session.query(Event).filter_by(subject="answers").count() == 3


def test_a_thumb_that_was_taken_back_before_it_was_heard_of_does_not_count(db: Database) -> None:
    with db.begin() as session:
        answer_id = make_answer(session).id
        assert not votes.withdraw(session, answer_id, MIA, VoteValue.DOWN, at=20.0)
        assert votes.is_overtaken(session, answer_id, MIA, VoteValue.DOWN, at=10.0)
        assert not votes.is_overtaken(session, answer_id, MIA, VoteValue.UP, at=10.0)  # was never taken back
        assert not votes.is_overtaken(session, answer_id, ADA, VoteValue.DOWN, at=10.0)
        assert not votes.is_overtaken(session, answer_id, MIA, VoteValue.DOWN, at=30.0)
        votes.cast(session, answer_id, MIA, VoteValue.DOWN, at=30.0)
        assert votes.is_overtaken(session, answer_id, MIA, VoteValue.UP, at=25.0)
        assert not votes.is_overtaken(session, answer_id, MIA, VoteValue.UP, at=None)


def test_flagging_twice_gives_one_case(db: Database) -> None:
    with db.begin() as session:
        answer = make_answer(session)
        assert cases.flag(session, answer, by=str(MIA)).id == cases.flag(session, answer, by=str(ADA)).id
    with pytest.raises(IntegrityError), db.begin() as session:
        session.add(Case(persona="pip", answer_id=answer.id, status=CaseStatus.FLAGGED, question="q", flagged_by="x"))


def test_two_admins_cannot_decide_one_case(db: Database) -> None:
    with db.begin() as session:
        case_id = make_case(session).id
    with db.begin() as session:
        cases.approve(session, case_id, by=str(ADA))
    with pytest.raises(IllegalMove), db.begin() as session:
        cases.approve(session, case_id, by=str(MIA))


@pytest.mark.parametrize("text", ["", "  \n", "...", "SMOLLM ", "x" * 2001])
def test_a_bad_correction_is_refused(text: str) -> None:
    with pytest.raises(cases.CorrectionError):
        cases.check_correction("SmolLM", text)


def test_a_case_that_no_run_could_train_on_is_not_approved(db: Database) -> None:
    with db.begin() as session:
        answer = make_answer(session, question="What does {{ name }} print?")
        case = cases.correct(session, cases.flag(session, answer, by=str(MIA)).id, "The name.", None, by=str(MIA))
        with pytest.raises(cases.CorrectionError, match="reject the case"):
            cases.approve(session, case.id, by=str(ADA))
        assert case.status is CaseStatus.CORRECTED
        with pytest.raises(cases.CorrectionError, match="the question"):
            cases.import_case(session, "pip", "What is <|im_end|>?", "A token.", by="cli:ada")


def test_the_first_run_needs_no_case_and_a_second_run_does(db: Database) -> None:
    with db.begin() as session:
        run = runs.start(session, "pip", "base", 1, by=str(ADA))
        with pytest.raises(runs.RunActive):
            runs.start(session, "pip", "base", 1, by=str(ADA))
        finish_run(session, run, 1)
        make_case(session)
        with pytest.raises(runs.NothingApproved) as refused:
            runs.start(session, "pip", "base", 1, by=str(ADA))
        assert refused.value.waiting == 1


def test_a_case_is_mended_and_a_rollback_queues_it_again(db: Database) -> None:
    with db.begin() as session:
        first = finish_run(session, runs.start(session, "pip", "base", 1, by=str(ADA)), 1)
        case = cases.approve(session, make_case(session).id, by=str(ADA))
        second = finish_run(session, runs.start(session, "pip", "base", 1, by=str(ADA)), 2)
        assert (case.status, case.adapter_id, case.announce) == (CaseStatus.MENDED, second.id, True)
        assert cases.learned_by(session, [second.id]) == [case]
        assert adapters.roll_back(session, "pip", by=str(ADA)) == (second, first)
        assert case.status is CaseStatus.APPROVED
        adapters.promote(session, second, by=str(ADA), why="by hand")
        assert case.status is CaseStatus.MENDED


def test_a_new_correction_is_not_taken_for_learned_by_a_promotion(db: Database) -> None:
    with db.begin() as session:
        case = cases.approve(session, make_case(session).id, by=str(ADA))
        first = finish_run(session, runs.start(session, "pip", "base", 1, by=str(ADA)), 1)
        cases.approve(session, make_case(session, ts="2.0").id, by=str(ADA))
        run = runs.start(session, "pip", "base", 1, by=str(ADA))
        cases.correct(session, case.id, "I am Pip, the team's helper.", "identity", by=str(MIA))
        cases.approve(session, case.id, by=str(ADA))
        assert finish_run(session, run, 2).parent_id == first.id
        assert (case.status, case.adapter_id) == (CaseStatus.APPROVED, None)


def test_a_new_correction_clears_the_verdict_on_the_old_one(db: Database) -> None:
    with db.begin() as session:
        case = cases.reject(session, make_case(session).id, "not true", by=str(ADA))
        cases.correct(session, case.id, "I am Pip, a bot.", "identity", by=str(MIA))
        assert (case.status, case.outcome) == (CaseStatus.CORRECTED, None)


def test_nobody_is_told_what_is_not_so_any_more(db: Database) -> None:
    with db.begin() as session:
        finish_run(session, runs.start(session, "pip", "base", 1, by=str(ADA)), 1)
        cases.approve(session, make_case(session).id, by=str(ADA))
        finish_run(session, runs.start(session, "pip", "base", 1, by=str(ADA)), 2)
        assert len(cases.to_announce(session, "pip")) == 1
        adapters.roll_back(session, "pip", by=str(ADA))
        assert cases.to_announce(session, "pip") == []


def test_an_answer_does_not_keep_the_error_of_an_earlier_try(db: Database) -> None:
    question = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Hi")
    with db.begin() as session:
        answer_id = answers.take_question(session, question, lease=LEASE)
        assert answer_id is not None
        answers.postpone(session, answer_id, error="vLLM is away", retry_in=LEASE)
        answers.finish(session, answer_id, Outcome(status=AnswerStatus.ANSWERED, text="Hello"))
    with db.begin() as session:
        row = answers.get(session, answer_id)
        assert (row.text, row.error) == ("Hello", None)
        assert session.scalar(text("SELECT messages IS NULL AND sampling IS NULL FROM answers"))


def test_an_answer_that_is_finished_is_not_started_under_another_name(db: Database) -> None:
    with db.begin() as session:
        answer = make_answer(session)
        answers.start(session, answer.id, None, "somebody-else")
    with db.begin() as session:
        assert answers.get(session, answer.id).served_name is None


def test_a_failed_answer_keeps_the_name_it_was_started_under(db: Database) -> None:
    question = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Hi")
    with db.begin() as session:
        answer_id = answers.take_question(session, question, lease=LEASE)
        assert answer_id is not None
        answers.start(session, answer_id, None, "base")
        answers.finish(session, answer_id, Outcome(status=AnswerStatus.FAILED, error="no answer"))
    with db.begin() as session:
        assert answers.get(session, answer_id).served_name == "base"


def test_the_newest_cases_come_first_when_asked_for(db: Database) -> None:
    with db.begin() as session:
        made = [cases.import_case(session, "pip", f"Who? {n}", "Pip.", by="cli:ada").id for n in range(4)]
        assert [case.id for case in cases.listed(session, "pip", limit=2)] == made[:2]
        assert [case.id for case in cases.listed(session, "pip", limit=2, newest=True)] == made[:1:-1]


def test_a_failed_run_gives_its_cases_back(db: Database) -> None:
    with db.begin() as session:
        case = cases.approve(session, make_case(session).id, by=str(ADA))
        run = runs.start(session, "pip", "base", 1, by=str(ADA))
        runs.advance(session, run.id, RunStatus.PARAPHRASING)
        assert case.status is CaseStatus.TRAINING
        runs.close(session, run.id, RunStatus.FAILED, error="disk full")
        assert (case.status, run.error) == (CaseStatus.APPROVED, "disk full")


def test_a_cancelled_run_does_not_go_on(db: Database) -> None:
    with db.begin() as session:
        run = runs.start(session, "pip", "base", 1, by=str(ADA))
        assert runs.request_cancel(session, run.id, by=str(ADA))
        with pytest.raises(runs.RunCancelled):
            runs.advance(session, run.id, RunStatus.PARAPHRASING)


def test_events_are_only_ever_added(db: Database) -> None:
    with db.begin() as session:
        make_case(session)
    with pytest.raises(ProgrammingError, match="only ever added"), db.begin() as session:
        session.execute(text("UPDATE events SET why = 'nothing happened'"))


def test_an_unmended_case_goes_back_to_those_who_decide(db: Database) -> None:
    with db.begin() as session:
        case = cases.approve(session, make_case(session).id, by=str(ADA))
        run = runs.start(session, "pip", "base", 1, by=str(ADA))
        assert reviews.next_waiting(session, "pip") is None
        cases.settle(session, case, None, "1 of 3 probes fail", why=f"run {run.id}")
        assert reviews.next_waiting(session, "pip") is case
        assert reviews.queue(session, "pip").waiting == 1
        reviews.claim(session, case.id)
        cases.approve(session, case.id, by=str(ADA))
        with pytest.raises(reviews.AlreadyDecided):
            reviews.claim(session, case.id)
