"""Experiments on a real PostgreSQL: what they hold meanwhile, and how they end."""

from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy.orm import Session

from feedback import adapters, arms, cases, experiments, runs, taking_back
from feedback.database import Database
from feedback.experiments import Evidence, NoExperiment
from feedback.models import Adapter, Event, Experiment
from feedback.runs import Decision
from feedback.states import AdapterStatus, CaseStatus, RunStatus
from tests.integration.canary_parts import RULES, canary_out
from tests.integration.test_record_races import at_once
from tests.integration.test_record_training import ADA, approved


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
