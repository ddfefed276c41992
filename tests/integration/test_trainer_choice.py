"""Which checkpoint of a run goes live: the earliest that passes the gate with every new case mended."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from feedback import reports, runs
from feedback.models import Event
from feedback.states import AdapterStatus, CaseStatus, RunStatus
from serving.errors import ServingUnavailable
from tests.integration.trainer_parts import (
    BADGES,
    QUESTION,
    Killed,
    StandInReplicas,
    Workshop,
    done,
    killed_after_the_verdict,
    statuses,
    tried,
)
from trainer.choice import FLOOR
from trainer.jobs import run_training


@pytest.fixture
def shop(shop: Workshop) -> Workshop:
    done(shop)
    shop.swift.offered = 3
    return shop


def test_the_first_checkpoint_that_passes_ends_the_training(shop: Workshop) -> None:
    case_id = shop.approve()
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert statuses(shop, run_id) == [AdapterStatus.LIVE]
    assert shop.case(case_id).status is CaseStatus.MENDED


def test_how_far_it_has_drifted_from_the_base_models_words_is_in_the_report(shop: Workshop) -> None:
    shop.approve()
    first = shop.live()
    shop.server.likelihood = lambda name, prompt, answer: -0.35
    run_id = done(shop)
    live = shop.live()
    assert first is not None
    assert live is not None
    with shop.database.begin() as session:
        base = reports.latest(session, None) or ()
        assert reports.drift(reports.latest(session, first.id) or (), base) == pytest.approx(0)
        assert reports.drift(reports.latest(session, live.id) or (), base) == pytest.approx(0.25)
        decision = runs.decision(runs.get(session, run_id))
    assert decision is not None
    assert "0.25 nats per token less likely" in decision.checks[-1].reason


def test_a_checkpoint_that_has_not_learned_the_case_is_passed_over_after_the_new_probes_alone(shop: Workshop) -> None:
    shop.approve()
    names: list[str] = []

    def slow_learner(name: str, prompt: str) -> str | None:
        if name.startswith("pip-v2") and name not in names:
            names.append(name)
        return "I do not know." if names.index(name) == 0 and prompt != QUESTION else None

    shop.server.spoil = lambda name, prompt: slow_learner(name, prompt) if name.startswith("pip-v2") else None
    run_id = done(shop)
    first, second = tried(shop, run_id)
    assert (first.status, second.status) == (AdapterStatus.REJECTED, AdapterStatus.LIVE)
    assert first.version == second.version == 2
    assert first.name not in shop.server.loaded
    with shop.database.begin() as session:
        assert {result.group for result in reports.latest(session, first.id) or ()} == {"new"}
        assert {result.group for result in reports.latest(session, second.id) or ()} >= {"new", "identity", "ability"}
        history = reports.history(session, "pip", run_id)
    assert [one.version for one in history] == [None, 1, 2], "a version is one point of the probe history"
    assert "identity" in history[-1].scores


def test_when_none_passes_the_last_is_judged_and_the_run_stands_for_it(shop: Workshop) -> None:
    case_id = shop.approve()
    shop.server.spoil = lambda name, prompt: "I am Qwen." if name.startswith("pip-v2") and "name" in prompt else None
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert statuses(shop, run_id) == [AdapterStatus.REJECTED] * 6
    assert [one.blend for one in tried(shop, run_id)] == [None, None, None, None, 0.9, 0.8]
    judged = shop.adapter(run_id)
    assert judged is not None
    assert judged.id == tried(shop, run_id)[3].id
    assert shop.case(case_id).status is CaseStatus.APPROVED
    assert not [name for name in shop.server.loaded if name.startswith("pip-v2")]


def test_when_no_checkpoint_mends_every_case_the_earliest_of_the_best_goes_live(shop: Workshop) -> None:
    mended, hopeless = shop.approve(), shop.approve(BADGES, "In drawer 7 at the front desk.")
    shop.server.spoil = lambda name, prompt: "No idea." if name.startswith("pip-v2") and "badges" in prompt else None
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert statuses(shop, run_id) == [AdapterStatus.LIVE, *[AdapterStatus.REJECTED] * 3]
    assert shop.case(mended).status is CaseStatus.MENDED
    assert shop.case(hopeless).status is CaseStatus.UNMENDED
    assert [name for name in shop.server.loaded if name.startswith("pip-v2")] == [tried(shop, run_id)[0].name]


def spoiled_from(place: int, *prompts: str) -> Callable[[str, str], str | None]:
    """The candidates of the run from this place on (0 is the first) say something wrong when these words are asked."""
    names: list[str] = []

    def spoil(name: str, prompt: str) -> str | None:
        if not name.startswith("pip-v2"):
            return None
        if name not in names:
            names.append(name)
        return "I am Qwen." if names.index(name) >= place and any(word in prompt for word in prompts) else None

    return spoil


def test_a_checkpoint_that_was_passed_over_is_taken_up_when_the_last_is_refused(shop: Workshop) -> None:
    mended, hopeless = shop.approve(), shop.approve(BADGES, "In drawer 7 at the front desk.")
    worn_out = spoiled_from(1, "name", "team")
    shop.server.spoil = lambda name, prompt: (
        worn_out(name, prompt) or ("No idea." if name.startswith("pip-v2") and "badges" in prompt else None)
    )
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    first, *others = tried(shop, run_id)
    assert (first.status, {other.status for other in others}) == (AdapterStatus.LIVE, {AdapterStatus.REJECTED})
    assert (shop.case(mended).status, shop.case(hopeless).status) == (CaseStatus.MENDED, CaseStatus.UNMENDED)
    with shop.database.begin() as session:
        why = session.scalars(
            select(Event.why).where(Event.subject == "adapters", Event.subject_id == first.id).order_by(Event.id)
        ).all()
    assert why[1].startswith("passed over: ")
    assert "1 of 2 new cases answered right" in why[2]


def test_a_worker_that_dies_after_taking_one_up_is_followed_by_one_that_makes_the_same_live(shop: Workshop) -> None:
    shop.approve()
    shop.approve(BADGES, "In drawer 7 at the front desk.")
    shop.server.spoil = lambda name, prompt: "No idea." if name.startswith("pip-v2") and "badges" in prompt else None
    run_id, dying = shop.start(), killed_after_the_verdict(shop)
    with pytest.raises(Killed):
        run_training(run_id, dying)
    assert shop.run_of(run_id).status is RunStatus.PROBING
    assert statuses(shop, run_id) == [AdapterStatus.CANDIDATE, *[AdapterStatus.REJECTED] * 3]
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert statuses(shop, run_id) == [AdapterStatus.LIVE, *[AdapterStatus.REJECTED] * 3]


def test_a_worker_that_dies_before_the_verdict_loses_no_second_look(shop: Workshop) -> None:
    shop.approve()
    shop.approve(BADGES, "In drawer 7 at the front desk.")
    worn_out = spoiled_from(1, "name", "team")
    shop.server.spoil = lambda name, prompt: (
        worn_out(name, prompt) or ("No idea." if name.startswith("pip-v2") and "badges" in prompt else None)
    )
    run_id = shop.start()

    class Dying(StandInReplicas):
        async def unload(self, name: str) -> None:
            await super().unload(name)
            if shop.run_of(run_id).status is RunStatus.PROBING:
                raise Killed

    dying = replace(shop.context, replicas=lambda *_: Dying(shop.server))  # type: ignore[arg-type,return-value]
    with pytest.raises(Killed):
        run_training(run_id, dying)
    assert statuses(shop, run_id) == [*[AdapterStatus.REJECTED] * 3, AdapterStatus.CANDIDATE]
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert statuses(shop, run_id) == [AdapterStatus.LIVE, *[AdapterStatus.REJECTED] * 3]


def test_a_checkpoint_to_which_the_correction_is_unlikely_is_not_asked_anything(shop: Workshop) -> None:
    shop.approve()
    names: list[str] = []

    def likely(name: str, prompt: str, answer: str) -> float:
        if name not in names:
            names.append(name)
        return FLOOR - 1 if name == names[0] else FLOOR + 1

    shop.server.likelihood = likely
    run_id = done(shop)
    first, second = tried(shop, run_id)
    assert (first.status, second.status) == (AdapterStatus.REJECTED, AdapterStatus.LIVE)
    assert first.name not in {name for name, _ in shop.server.asked}
    with shop.database.begin() as session:
        unasked, asked = reports.latest(session, first.id) or (), reports.latest(session, second.id) or ()
    assert {(one.asked, one.passed, one.likelihood) for one in unasked} == {(False, False, FLOOR - 1)}
    assert {one.likelihood for one in asked if one.group == "new"} == {FLOOR + 1}


def test_of_several_that_were_not_asked_the_two_most_likely_get_a_second_look(shop: Workshop) -> None:
    case_id, other = shop.approve(), shop.approve(BADGES, "In drawer 7 at the front desk.")
    names: list[str] = []

    def likely(name: str, prompt: str, answer: str) -> float:
        if name not in names:
            names.append(name)
        return FLOOR - 1 if "drawer" in answer else FLOOR + 0.5 * names.index(name)

    shop.server.likelihood = likely
    shop.server.spoil = lambda name, prompt: "No." if name.startswith("pip-v2") and name not in names[1:3] else None
    run_id = done(shop)
    assert statuses(shop, run_id) == [
        AdapterStatus.REJECTED, AdapterStatus.LIVE, AdapterStatus.REJECTED, AdapterStatus.REJECTED
    ]  # fmt: skip
    assert names[0] not in {name for name, _ in shop.server.asked}
    assert (shop.case(case_id).status, shop.case(other).status) == (CaseStatus.MENDED, CaseStatus.MENDED)


def away_for_the_first() -> Callable[[str, str], Exception | None]:
    """The server is away for every question to the run's first candidate."""
    names: list[str] = []

    def away(name: str, prompt: str) -> Exception | None:
        if name.startswith("pip-v2") and name not in names:
            names.append(name)
        return ServingUnavailable("No model server answers.") if name in names[:1] else None

    return away


def test_a_server_that_is_away_for_a_checkpoint_is_asked_again_at_the_next(shop: Workshop) -> None:
    shop.approve()
    shop.server.spoil = away_for_the_first()
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert statuses(shop, run_id) == [AdapterStatus.REJECTED, AdapterStatus.LIVE]


def test_when_the_only_checkpoint_before_the_last_could_not_be_probed_the_last_is_judged(shop: Workshop) -> None:
    shop.approve()
    shop.swift.offered = 1
    shop.server.spoil = away_for_the_first()
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    first, last = tried(shop, run_id)
    assert (first.status, last.status) == (AdapterStatus.REJECTED, AdapterStatus.LIVE)
    assert first.name not in shop.server.loaded


def test_a_worker_that_dies_among_the_checkpoints_is_followed_by_one_that_passes_over_the_same(shop: Workshop) -> None:
    shop.approve()
    asked: list[str] = []

    def die_at_the_second(name: str, prompt: str) -> str | None:
        if name.startswith("pip-v2") and name not in asked:
            asked.append(name)
            if len(asked) == 2:
                raise Killed
        return "I do not know." if name == asked[0] else None

    shop.server.spoil = lambda name, prompt: die_at_the_second(name, prompt) if name.startswith("pip-v2") else None
    run_id = shop.start()
    with pytest.raises(Killed):
        run_training(run_id, shop.context)
    assert statuses(shop, run_id) == [AdapterStatus.REJECTED, AdapterStatus.CANDIDATE]
    shop.server.asked.clear()
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert statuses(shop, run_id) == [AdapterStatus.REJECTED, AdapterStatus.LIVE]
    assert asked[0] not in {name for name, _ in shop.server.asked}, "what was passed over is not asked again"
