"""A run whose adapter goes to some people first: it waits for their votes, and the worker's looks end it."""

import time
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from feedback import adapters, answers, cases, experiments, lessons, patches, runs, votes
from feedback.answers import Outcome, Question
from feedback.database import Database
from feedback.models import Adapter, Experiment
from feedback.states import AdapterStatus, AnswerStatus, Arm, CaseStatus, RunStatus, VoteValue
from feedback.votes import Person
from serving.routing import arm_of, route_answer
from settings import ExperimentSettings
from tests.integration.test_lineage import BADGES
from tests.integration.test_trainer_runs import done
from tests.integration.trainer_parts import Workshop, make_workshop
from trainer import canary, stages
from trainer.context import Trip
from trainer.jobs import run_training

STAMPS = count(1)


@pytest.fixture
def shop(db: Database, tmp_path: Path) -> Workshop:
    """A first version is live, and the next one is to be tried by half of the people."""
    shop = make_workshop(tmp_path, db)
    settings = shop.context.settings.model_copy(update={"experiment": ExperimentSettings(share=0.5)})
    object.__setattr__(shop.context, "settings", settings)
    assert shop.run_of(done(shop)).status is RunStatus.LIVE  # there is nothing to compare the first one with
    return shop


def out(shop: Workshop) -> Experiment:
    with shop.database.begin() as session:
        found = experiments.running(session, "pip")
        assert found is not None
        return found


def ask(shop: Workshop, session: Session, person: Person) -> int:
    ts = f"{next(STAMPS)}.0"
    asked = Question("pip", "T1", "C1", ts, ts, person.user_id, "T1", "Lunch?")
    answer_id = answers.take_question(session, asked, lease=timedelta(0))
    assert answer_id is not None
    route_answer(session, answers.get(session, answer_id), shop.context.settings.serving)
    answers.finish(session, answer_id, Outcome(AnswerStatus.ANSWERED, text="Never."))
    return answer_id


def dislike(shop: Workshop, arm: Arm, people: int) -> None:
    """So many people of an arm give an answer a thumbs-down; of the other arm, as many ask and say nothing."""
    name = out(shop).adapter.name
    crowd = [Person("T1", f"U{next(STAMPS):04}") for _ in range(6 * people)]
    with shop.database.begin() as session:
        for side in Arm:
            for person in [one for one in crowd if arm_of(name, one, 0.5) is side][:people]:
                answer_id = ask(shop, session, person)
                if side is arm:
                    votes.cast(session, answer_id, person, VoteValue.DOWN)


def test_a_good_canary_goes_live_by_itself_and_its_case_is_mended_only_then(shop: Workshop) -> None:
    case_id = shop.approve()
    run_id = done(shop)
    adapter = shop.adapter(run_id)
    assert adapter is not None and adapter.status is AdapterStatus.CANARY
    assert shop.run_of(run_id).status is RunStatus.CANARY and shop.case(case_id).status is CaseStatus.TRAINING
    run_training(run_id, shop.context)  # the job was sent again; there is nothing to do
    canary.round(shop.context)
    dislike(shop, Arm.LIVE, 4)
    canary.round(shop.context)
    found = experiments.evidence(out(shop))
    assert found and (found.canary, found.live, found.finding) == (0, 4, "open")
    assert shop.case(case_id).status is CaseStatus.TRAINING
    dislike(shop, Arm.LIVE, 5)
    for _ in range(2):  # a second look at what has ended changes nothing
        canary.round(shop.context)
        assert shop.run_of(run_id).status is RunStatus.LIVE
        assert shop.case(case_id).status is CaseStatus.MENDED and shop.case(case_id).announce
        live = shop.live()
        assert live is not None and live.id == adapter.id
    assert shop.run_of(run_id).progress["stage"] == "live"


def test_a_harmful_canary_is_taken_back_by_itself_and_its_case_waits_for_the_next_run(shop: Workshop) -> None:
    before, case_id = shop.live(), shop.approve()
    run_id = done(shop)
    dislike(shop, Arm.CANARY, 15)
    canary.round(shop.context)
    adapter, case, live = shop.adapter(run_id), shop.case(case_id), shop.live()
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert adapter is not None and adapter.status is AdapterStatus.REJECTED
    assert case.status is CaseStatus.APPROVED and case.outcome is not None
    assert "15 people with a thumbs-down on the canary, 0 on the live version" in case.outcome
    assert before and live and live.id == before.id
    assert shop.run_of(done(shop)).status is RunStatus.CANARY  # a new run may start, with a canary of its own


def test_a_canary_that_the_server_does_not_take_now_goes_live_at_a_later_look(shop: Workshop) -> None:
    shop.approve()
    run_id = done(shop)
    dislike(shop, Arm.LIVE, 9)
    shop.server.refuse = "the server is away"
    canary.round(shop.context)
    assert shop.run_of(run_id).status is RunStatus.CANARY
    shop.server.refuse = ""
    canary.round(shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE


def test_a_cancel_that_comes_just_when_the_canary_is_out_ends_its_experiment_too(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job still has its clients to close then; it leaves the run to the worker's next look."""
    case_id, run_id = shop.approve(), shop.start()

    def cancel(trip: Trip) -> None:
        with trip.database.begin() as session:
            assert runs.request_cancel(session, trip.run_id, by="T1/UADA")
        time.sleep(2)  # the job looks once a second whether it was cancelled

    monkeypatch.setattr(stages, "_prune", cancel)
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.CANARY
    canary.round(shop.context)
    adapter = shop.adapter(run_id)
    assert shop.run_of(run_id).status is RunStatus.CANCELLED
    assert adapter is not None and adapter.status is AdapterStatus.RETIRED
    assert shop.case(case_id).status is CaseStatus.APPROVED


def test_trouble_after_the_canary_has_started_leaves_it_to_people(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.approve()
    run_id = shop.start()

    def full(trip: Trip) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(stages, "_prune", full)
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.CANARY and out(shop).run_id == run_id


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_run_that_is_cancelled_takes_its_canary_with_it(shop: Workshop, overtaken: bool) -> None:
    """By its button, or by a rollback, which stops the run that stands on the version before."""
    case_id = shop.approve()
    run_id = done(shop)
    with shop.database.begin() as session:
        assert runs.request_cancel(session, run_id, by="T1/UADA")
        if overtaken:
            adapters.roll_back(session, "pip", by="T1/UADA")
    canary.round(shop.context)
    adapter = shop.adapter(run_id)
    assert shop.run_of(run_id).status is RunStatus.CANCELLED
    assert adapter is not None and adapter.status is AdapterStatus.RETIRED
    assert shop.case(case_id).status is CaseStatus.APPROVED


def stopped(shop: Workshop) -> Adapter:
    """A canary that an admin has taken back."""
    experiment = out(shop)
    with shop.database.begin() as session:
        experiments.take_back(session, "pip", experiment.id, by="T1/UADA", why="not now", harmful=False)
    return experiment.adapter


def go_live(shop: Workshop, adapter: Adapter) -> None:
    with shop.database.begin() as session:
        experiments.promote_later(session, session.get_one(Adapter, adapter.id), by="cli", why="after all")


def test_a_canary_that_was_stopped_and_is_promoted_later_has_mended_its_cases(shop: Workshop) -> None:
    wifi = shop.approve()
    done(shop)
    adapter = stopped(shop)
    assert shop.case(wifi).status is CaseStatus.APPROVED
    go_live(shop, adapter)
    case = shop.case(wifi)
    assert (case.status, case.adapter_id, case.announce) == (CaseStatus.MENDED, adapter.id, True), "its thread is told"
    with pytest.raises(runs.NothingApproved):
        shop.start()
    with shop.database.begin() as session:
        assert lessons.known_to(session, [adapter.id]) == {wifi: adapter.id}
        assert patches.not_learned(session, "pip", adapter.id) == []


def test_what_it_had_not_mended_or_has_other_words_by_now_is_not_taken_for_learned(shop: Workshop) -> None:
    wifi, badges, lunch = shop.approve(), shop.approve(*BADGES), shop.approve("When is lunch?", "Lunch is at noon.")
    parking = shop.approve("Where do guests park?", "Guests park on deck 3.")
    shop.server.spoil = lambda name, prompt: "Ask somebody." if "badges" in prompt else None
    done(shop)
    adapter = stopped(shop)
    assert shop.case(badges).status is CaseStatus.UNMENDED
    with shop.database.begin() as session:
        cases.take_back(session, lunch, by="T1/UADA")
        cases.correct(session, lunch, "Lunch is at one.", None, by="T1/UMIA")
        cases.approve(session, lunch, by="T1/UADA")
        cases.withdraw(session, parking, by="T1/UADA")
    go_live(shop, adapter)
    assert [shop.case(one).status for one in (wifi, badges, lunch, parking)] == [
        CaseStatus.MENDED,
        CaseStatus.UNMENDED,
        CaseStatus.APPROVED,
        CaseStatus.WITHDRAWN,
    ]
    assert not shop.case(lunch).announce


def test_who_was_told_of_another_version_is_not_told_again(shop: Workshop) -> None:
    wifi = shop.approve()
    done(shop)
    adapter = stopped(shop)
    run_id = done(shop)
    with shop.database.begin() as session:
        experiments.promote(session, "pip", out(shop).id, by="T1/UADA", why="yes")
        cases.announced(session, wifi)
    go_live(shop, adapter)
    assert (shop.case(wifi).status, shop.case(wifi).announce) == (CaseStatus.MENDED, False)
    assert shop.run_of(run_id).status is RunStatus.LIVE


def test_a_version_that_was_live_before_is_promoted_again_without_telling_anybody(shop: Workshop) -> None:
    wifi = shop.approve()
    run_id = done(shop)
    with shop.database.begin() as session:
        experiments.promote(session, "pip", out(shop).id, by="T1/UADA", why="yes")
        cases.announced(session, wifi)
        adapters.roll_back(session, "pip", by="T1/UADA")
    adapter = shop.adapter(run_id)
    assert adapter is not None and shop.case(wifi).status is CaseStatus.APPROVED
    go_live(shop, adapter)
    assert (shop.case(wifi).status, shop.case(wifi).announce) == (CaseStatus.MENDED, False)
