"""Experiments on a real PostgreSQL: who is answered by what, what is counted, how they end, and what a query reads."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from feedback import adapters, answers, arms, cases, experiments, runs, taking_back, votes
from feedback.answers import Outcome, Question
from feedback.arms import Draw, Tally
from feedback.database import Database
from feedback.experiments import Evidence, NoExperiment, Rules
from feedback.models import Adapter, Answer, Assignment, Event, Experiment
from feedback.runs import Decision
from feedback.states import AdapterStatus, AnswerStatus, Arm, CaseStatus, RunStatus, VoteValue
from feedback.votes import Person
from serving.routing import arm_of, route_answer
from settings import ServingSettings
from tests.integration.test_record import finish_run
from tests.integration.test_record_races import at_once
from tests.integration.test_record_training import ADA, approved
from tests.integration.test_serving_routing import make_adapter
from tests.unit.serving.factories import make_settings

RULES = Rules(share=0.5, margin=2.0, alpha=0.05, days=14)
CANARY = "pip-v2-11111111"
STAMPS = count(1000)


def somebody(arm: Arm, number: int = 0) -> Person:
    """A person of that arm; another for another number."""
    crowd = (Person("T1", f"U{index:03}") for index in count())
    return [one for one, _ in zip(_in_arm(crowd, arm), range(number + 1), strict=False)][number]


def _in_arm(crowd: Iterator[Person], arm: Arm) -> Iterator[Person]:
    return (one for one in crowd if arm_of(CANARY, one, RULES.share) is arm)


def canary_out(session: Session, *more: str) -> Experiment:
    """A first version is live; the second, with a case of its own, or with more, is a canary."""
    finish_run(session, runs.start(session, "pip", "base", 1, by=ADA), 1)
    for question in ("Lunch?", *more):
        approved(session, question)
    run = runs.start(session, "pip", "base", 1, by=ADA)
    for stage in ("paraphrasing", "building", "training", "probing", "deploying"):
        runs.advance(session, run.id, RunStatus(stage))
    live = adapters.live(session, "pip")
    assert live is not None
    candidate = make_adapter(CANARY, 2, AdapterStatus.CANDIDATE)
    candidate.run_id, candidate.parent_id = run.id, live.id
    session.add(candidate)
    session.flush()
    return experiments.start(session, run, candidate, live, RULES, why="the gate said yes")


def ask(session: Session, person: Person, thread: str = "", text: str = "Lunch?") -> Answer:
    """A question in a thread of its own, or in this one."""
    ts = f"{next(STAMPS)}.0"
    question = Question("pip", "T1", "C1", thread or ts, ts, person.user_id, person.team_id, text)
    answer_id = answers.take_question(session, question, lease=timedelta(minutes=1))
    assert answer_id is not None
    return answers.get(session, answer_id)


def answered(session: Session, person: Person, settings: ServingSettings) -> Answer:
    answer = ask(session, person)
    route_answer(session, answer, settings)
    answers.finish(session, answer.id, Outcome(AnswerStatus.ANSWERED, text="At noon."))
    return answer


@pytest.fixture
def settings(tmp_path: Path) -> ServingSettings:
    return make_settings(tmp_path, device="cuda")


def test_people_keep_to_their_arm_and_a_thread_to_the_arm_of_whoever_began_it(
    db: Database, settings: ServingSettings
) -> None:
    mia, rex = somebody(Arm.CANARY), somebody(Arm.LIVE)
    with db.begin() as session:
        experiment = canary_out(session)
        live = experiment.live.name
        for person, name, arm in ((mia, CANARY, Arm.CANARY), (rex, live, Arm.LIVE)):
            first = ask(session, person)
            for asker in (person, mia, rex):
                asked = first if asker is person else ask(session, asker, first.thread_ts)
                assert route_answer(session, asked, settings).served_name == name
                assert route_answer(session, asked, settings).served_name == name  # a second try after an outage
                row = session.get_one(Assignment, asked.id)
                assert (row.arm, row.opener) == (arm, str(person))


def test_a_thread_from_before_stays_with_the_live_adapter_and_does_not_count(
    db: Database, settings: ServingSettings
) -> None:
    mia = somebody(Arm.CANARY)
    with db.begin() as session:
        old = ask(session, mia)
    with db.begin() as session:
        experiment = canary_out(session)
        asked = ask(session, mia, old.thread_ts)
        assert route_answer(session, asked, settings).served_name == experiment.live.name
        assert session.get(Assignment, asked.id) is None


def test_once_the_live_mark_has_moved_everybody_is_answered_by_it(db: Database, settings: ServingSettings) -> None:
    with db.begin() as session:
        canary_out(session)
        adapters.roll_back(session, "pip", by=ADA)
        assert route_answer(session, ask(session, somebody(Arm.CANARY)), settings).adapter_id is None


def test_each_arm_has_its_numbers(db: Database, settings: ServingSettings) -> None:
    mia, ada, rex = somebody(Arm.CANARY), somebody(Arm.CANARY, 1), somebody(Arm.LIVE)
    began = datetime(2026, 11, 1, tzinfo=UTC)
    with db.begin() as session:
        answered(session, mia, settings)  # before the experiment
        experiment = canary_out(session)
        given = [answered(session, person, settings) for person in (mia, mia, mia, ada, rex)]
        ask(session, rex)  # nobody has answered that one yet
        for answer, minute in zip(given, (0, 2, 60, 0, 0), strict=True):
            asked_at = began + timedelta(minutes=minute)
            session.execute(update(Answer).where(Answer.id == answer.id).values(created_at=asked_at))
        for answer, voter, value in (
            (given[0], mia, VoteValue.DOWN),
            (given[0], rex, VoteValue.DOWN),
            (given[1], mia, VoteValue.DOWN),
            (given[3], ada, VoteValue.UP),
            (given[4], rex, VoteValue.DOWN),
        ):
            votes.cast(session, answer.id, voter, value)
        case = cases.flag(session, given[0], by=str(mia))
        cases.correct(session, case.id, "At one.", None, by=str(mia))
        cases.flag(session, given[1], by=str(mia))  # says nothing about what would be right
        found = arms.tallies(session, experiment.id)
        drawn = arms.read_draws(session, experiment.id)
    assert found[Arm.CANARY] == Tally(2, 4, up=1, down=2, corrections=1, follow_ups=1, seconds_to_next=30 * 60.0)
    assert found[Arm.LIVE] == Tally(1, 1, down=1)
    assert drawn == [Draw(Arm.CANARY, 2, 1), Draw(Arm.LIVE, 1, 1)]


def test_a_vote_that_is_taken_back_does_not_count(db: Database, settings: ServingSettings) -> None:
    mia = somebody(Arm.CANARY)
    with db.begin() as session:
        experiment = canary_out(session)
        answer = answered(session, mia, settings)
        votes.cast(session, answer.id, mia, VoteValue.DOWN)
        assert arms.people_a_day(session, "pip") == 1 / arms.PACE_DAYS
        votes.withdraw(session, answer.id, mia, VoteValue.DOWN)
        assert arms.read_draws(session, experiment.id) == [] and arms.people_a_day(session, "pip") == 0


def clock(slack: bool) -> float | None:
    """Now by Slack's clock, which not everything that is heard of carries."""
    return time.time() if slack else None


@pytest.mark.parametrize("slack", [True, False])
def test_a_thumb_that_was_turned_counts_from_when_it_was_turned(
    db: Database, settings: ServingSettings, slack: bool
) -> None:
    """Put where the thumb before it was, it would change what the looks until then have seen."""
    mia, rex = somebody(Arm.CANARY), somebody(Arm.LIVE)
    with db.begin() as session:
        experiment_id = canary_out(session).id
    with db.begin() as session:
        hers, his = (answered(session, person, settings).id for person in (mia, rex))
    given = ((hers, mia, VoteValue.UP), (his, rex, VoteValue.DOWN), (hers, mia, VoteValue.DOWN))
    seen = []
    for answer_id, person, value in (*given, given[-1]):  # a reaction after the button is the same thumb
        with db.begin() as session:
            votes.cast(session, answer_id, person, value, clock(slack))
        with db.begin() as session:
            seen.append(arms.read_draws(session, experiment_id))
    first, second = Draw(Arm.LIVE, 1, 1), Draw(Arm.CANARY, 1, 0)
    assert seen == [[], [first], [first, second], [first, second]]


@pytest.mark.parametrize("slack", [True, False])
def test_the_same_thumb_given_again_counts_from_the_first_time(
    db: Database, settings: ServingSettings, slack: bool
) -> None:
    mia, rex = somebody(Arm.CANARY), somebody(Arm.LIVE)
    with db.begin() as session:
        experiment_id = canary_out(session).id
    with db.begin() as session:
        hers, his = (answered(session, person, settings).id for person in (mia, rex))
    for answer_id, person in ((hers, mia), (his, rex), (hers, mia)):
        with db.begin() as session:
            votes.cast(session, answer_id, person, VoteValue.DOWN, clock(slack))
    with db.begin() as session:
        assert arms.read_draws(session, experiment_id) == [Draw(Arm.CANARY, 1, 1), Draw(Arm.LIVE, 0, 1)]


@pytest.mark.parametrize("slack", [True, False])
def test_a_thumb_that_is_turned_when_somebodys_answers_no_longer_count_does_not_count(
    db: Database, settings: ServingSettings, slack: bool
) -> None:
    mia, rex = somebody(Arm.CANARY), somebody(Arm.LIVE)
    with db.begin() as session:
        experiment_id = canary_out(session).id
        answered(session, rex, settings)
        first = answered(session, mia, settings).id
    with db.begin() as session:
        votes.cast(session, first, mia, VoteValue.UP, clock(slack))
    with db.begin() as session:
        for _ in range(arms.WINDOW):
            answered(session, mia, settings)
    with db.begin() as session:
        votes.cast(session, first, mia, VoteValue.DOWN, clock(slack))
    with db.begin() as session:
        assert arms.read_draws(session, experiment_id) == []


def test_a_clock_of_slack_that_is_behind_loses_no_thumb(db: Database, settings: ServingSettings) -> None:
    """By it, somebody's first answer would have been disliked before they began."""
    mia, rex = somebody(Arm.CANARY), somebody(Arm.LIVE)
    with db.begin() as session:
        experiment = canary_out(session)
        answered(session, rex, settings)
        answer = answered(session, mia, settings)
        votes.cast(session, answer.id, mia, VoteValue.DOWN, time.time() - 60)
        assert arms.read_draws(session, experiment.id) == [Draw(Arm.CANARY, 1, 1)]


def test_of_everybody_the_first_answers_count(db: Database, settings: ServingSettings) -> None:
    mia, rex = somebody(Arm.CANARY), somebody(Arm.LIVE)
    with db.begin() as session:
        experiment = canary_out(session)
        answered(session, rex, settings)
        given = [answered(session, mia, settings) for _ in range(arms.WINDOW + 1)]
        votes.cast(session, given[-1].id, mia, VoteValue.DOWN)
        assert arms.read_draws(session, experiment.id) == []
        (member,) = [one for one in arms.members(session, experiment.id) if one.arm is Arm.CANARY]
        assert (member.person, member.until) == (str(mia), given[-1].created_at)


def states(session: Session, experiment: Experiment) -> tuple[object, ...]:
    (case,) = cases.of_run(session, experiment.run_id)
    run, live = runs.get(session, experiment.run_id), adapters.live(session, "pip")
    return session.get_one(Adapter, experiment.adapter_id).status, run.status, case.status, live and live.version


def test_a_canary_holds_its_cases_and_further_runs_until_it_is_live(db: Database) -> None:
    with db.begin() as session:
        experiment = canary_out(session)
        assert states(session, experiment) == ("canary", "canary", CaseStatus.TRAINING, 1)
        assert {one.version for one in adapters.wanted(session, "pip")} == {1, 2}
        with pytest.raises(runs.RunActive, match="People are trying its canary"):
            runs.startable(session, "pip")
        experiments.promote(session, "pip", experiment.id, by="worker", why="enough votes")
        assert states(session, experiment) == ("live", "live", CaseStatus.MENDED, 2)
        (case,) = cases.of_run(session, experiment.run_id)
        assert case.announce and case.adapter_id == experiment.adapter_id  # its thread is to be told
        history = session.query(Event).filter_by(subject="experiments").order_by(Event.id)
        assert [(one.actor, one.before, one.after) for one in history] == [
            ("worker", None, "running"),
            ("worker", "running", "live"),
        ]


@pytest.mark.parametrize(("harmful", "end"), [(True, ("rejected", "rejected")), (False, ("retired", "cancelled"))])
def test_one_that_is_taken_back_leaves_its_cases_approved(db: Database, harmful: bool, end: tuple[str, str]) -> None:
    with db.begin() as session:
        experiment = canary_out(session)
        experiments.take_back(session, "pip", experiment.id, by=ADA, why="disliked", harmful=harmful)
        assert states(session, experiment) == (*end, CaseStatus.APPROVED, 1)
        (case,) = cases.of_run(session, experiment.run_id)
        assert case.announce is harmful  # what an admin stops is nobody's news
        assert experiments.running(session, "pip") is None
        runs.start(session, "pip", "base", 1, by=ADA)


@pytest.mark.parametrize("harmful", [True, False])
def test_one_that_is_taken_back_leaves_what_it_had_not_mended_to_the_reviewers(db: Database, harmful: bool) -> None:
    with db.begin() as session:
        experiment = canary_out(session, "Tea?")
        mended, unmended = cases.of_run(session, experiment.run_id)
        why = "right in 1 of 3 wordings"
        runs.decide(session, experiment.run_id, Decision(True, (), {unmended.id: why}))
        experiments.take_back(session, "pip", experiment.id, by=ADA, why="disliked", harmful=harmful)
        assert mended.status is CaseStatus.APPROVED
        assert (unmended.status, unmended.outcome, unmended.announce) == (CaseStatus.UNMENDED, why, True)


def test_one_whose_live_version_was_rolled_back_cannot_go_live_any_more(db: Database) -> None:
    with db.begin() as session:
        experiment = canary_out(session)
        assert experiments.overtaken(session, experiment) is None
        adapters.roll_back(session, "pip", by=ADA)
        with pytest.raises(NoExperiment, match="and now the base model is live"):
            experiments.promote(session, "pip", experiment.id, by=ADA, why="yes")


def test_what_only_a_canary_has_learned_is_taken_back_with_it(db: Database) -> None:
    with db.begin() as session:
        experiment = canary_out(session, "Tea?", "Cake?")
        lunch, tea, cake = cases.of_run(session, experiment.run_id)
        runs.decide(session, experiment.run_id, Decision(True, (), {cake.id: "right in 1 of 3 wordings"}))
        before = taking_back.consequences(session, "pip", [lunch.id, cake.id])
        assert [case.id for case in before.cases] == [lunch.id, cake.id] and not before.stay and not before.learned
        assert before.canary is not None and before.canary.id == experiment.id and before.overtaken is None
        assert experiments.running(session, "pip") is not None, "nothing is done before it is confirmed"
        taking_back.take_back(session, "pip", [lunch.id, cake.id], by=ADA, why="taken back")
        assert [case.status for case in (lunch, tea, cake)] == ["withdrawn", "approved", "withdrawn"]
        assert not lunch.announce and not cake.announce
        ended = session.get_one(Experiment, experiment.id)
        assert ended.ended_at is not None
        assert ended.outcome == f"Cases {lunch.id} and {cake.id}, which the canary has learned, were taken back."
        assert (ended.adapter.status, ended.run.status) == (AdapterStatus.RETIRED, RunStatus.CANCELLED)
        assert ended.run.cancel_requested_by == ADA
        assert cases.of_run(session, runs.start(session, "pip", "base", 1, by=ADA).id) == [tea]


def test_a_canary_that_goes_on_from_what_is_taken_back_ends_at_once_so_that_the_run_without_it_can_start(
    db: Database,
) -> None:
    with db.begin() as session:
        wifi = approved(session, "Guest wifi?")
        experiment = canary_out(session)
        assert wifi.status is CaseStatus.MENDED
        follows = taking_back.take_back(session, "pip", [wifi.id], by=ADA, why="taken back")
        assert follows.learned == (wifi.id,) and follows.canary is not None
        assert experiments.running(session, "pip") is None
        assert runs.start(session, "pip", "base", 1, by=ADA).parent_id is None
        assert session.get_one(Adapter, experiment.adapter_id).status is AdapterStatus.RETIRED


def test_a_case_of_somebody_elses_does_not_end_the_canary(db: Database) -> None:
    with db.begin() as session:
        experiment = canary_out(session)
        other = approved(session, "Guest wifi?")
        follows = taking_back.take_back(session, "pip", [other.id], by=ADA, why="taken back")
        assert follows.canary is None and other.status is CaseStatus.WITHDRAWN
        still = experiments.running(session, "pip")
        assert still is not None and still.id == experiment.id


def test_a_case_is_taken_back_while_somebody_ends_its_canary(db: Database) -> None:
    """Whoever comes first: the case is withdrawn, and no two wait for one another."""
    with db.begin() as session:
        experiment = canary_out(session)
        experiment_id, (case,) = experiment.id, cases.of_run(session, experiment.run_id)
    turns = count()

    def act(session: Session) -> object:
        if next(turns) % 2:
            return taking_back.take_back(session, "pip", [case.id], by=ADA, why="taken back")
        try:
            return experiments.take_back(session, "pip", experiment_id, by=ADA, why="no", harmful=True)
        except NoExperiment:
            return None

    at_once(db, act)
    with db.begin() as session:
        assert cases.get(session, case.id).status is CaseStatus.WITHDRAWN
        assert experiments.running(session, "pip") is None


def test_of_several_who_end_an_experiment_one_does(db: Database) -> None:
    with db.begin() as session:
        experiment_id = canary_out(session).id
    turns = count()

    def end(session: Session) -> object:
        try:
            if next(turns) % 2:
                return experiments.take_back(session, "pip", experiment_id, by=ADA, why="no", harmful=False)
            return experiments.promote(session, "pip", experiment_id, by=ADA, why="yes")
        except NoExperiment:
            return None

    assert len([one for one in at_once(db, end) if one is not None]) == 1
    with db.begin() as session:
        assert session.query(Event).filter_by(subject="experiments").count() == 2


def test_what_a_look_has_found_is_kept(db: Database) -> None:
    seen = Evidence(2, 1, 0.1, None, "open")
    with db.begin() as session:
        experiment = canary_out(session)
        assert experiments.evidence(experiment) is None
        experiments.look(session, experiment.id, seen, arms.tallies(session, experiment.id))
    with db.begin() as session:
        found = experiments.running(session, "pip")
        assert found and experiments.evidence(found) == seen and experiments.rules(found) == RULES
        assert experiments.evidence(found) != replace(seen, canary=3)
        assert found.run.progress["detail"] == seen.counted


def test_no_query_reads_all_answers_votes_or_cases(db: Database, settings: ServingSettings) -> None:
    """With many answers from before: whatever one more look or answer costs, it does not grow with them."""
    with db.begin() as session:
        experiment = canary_out(session)
        person = somebody(Arm.CANARY)
        answer = answered(session, person, settings)
        votes.cast(session, answer.id, person, VoteValue.DOWN)
        fill = (
            "INSERT INTO answers (persona, team_id, channel_id, thread_ts, question_ts, asker_id, asker_team_id,"
            " question, status, created_at) SELECT 'pip', 'T1', 'C1', n::text, n::text, 'U' || n % 50, 'T1', 'Q',"
            " 'answered', now() - interval '90 days' FROM generate_series(1, 20000) n"
        )
        session.execute(text(fill))
        session.execute(
            text(
                "INSERT INTO votes (answer_id, team_id, user_id, value, created_at, persona, asker) SELECT id, 'T1',"
                " asker_id, 'down', created_at, persona, 'T1/' || asker_id FROM answers"
                " WHERE created_at < now() - interval '9 d'"
            )
        )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    plans: list[str] = []

    def explain(connection: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        if statement.startswith("SELECT"):
            with db.engine.connect() as other:
                rows = other.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
                plans.append("\n".join(row[0] for row in rows))

    with db.begin() as session:
        asked = ask(session, person)
        event.listen(db.engine, "before_cursor_execute", explain)
        try:
            arms.tallies(session, experiment.id)
            arms.read_draws(session, experiment.id)
            arms.people_a_day(session, "pip")
            experiments.opener(session, asked)
            experiments.to_tell(session, "pip")
        finally:
            event.remove(db.engine, "before_cursor_execute", explain)
    assert len(plans) >= 5
    for plan in plans:
        assert "Seq Scan on answers" not in plan and "Seq Scan on votes" not in plan, plan
