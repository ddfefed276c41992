"""The arms of an experiment, on a real PostgreSQL: who is answered by what, what is counted, and what a query reads."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from feedback import adapters, arms, cases, experiments, votes
from feedback.arms import Draw, Tally
from feedback.database import Database
from feedback.models import Answer, Assignment
from feedback.states import Arm, VoteValue
from serving.routing import route_answer
from settings import ServingSettings
from tests.integration.canary_parts import CANARY, answered, ask, canary_out, somebody
from tests.integration.test_record_training import ADA
from tests.unit.serving.factories import make_settings


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
