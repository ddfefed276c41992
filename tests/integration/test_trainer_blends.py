"""What a run tries when the gate has refused all that was trained: a part of the way from its parent."""

from dataclasses import replace

import pytest

from feedback import runs
from feedback.states import AdapterStatus, CaseStatus, RunStatus
from tests.integration.trainer_parts import (
    BADGES,
    Killed,
    Workshop,
    done,
    killed_after_the_verdict,
    statuses,
    tried,
)
from trainer.jobs import run_training


@pytest.fixture
def shop(shop: Workshop) -> Workshop:
    done(shop)
    return shop


def all_of_it_is_refused(shop: Workshop) -> list[str]:
    """The first candidate of the next run has lost its name, and what is mixed with the live one has not; the names of
    those that have."""
    lost: list[str] = []

    def spoil(name: str, prompt: str) -> str | None:
        if name.startswith("pip-v2") and not lost:
            lost.append(name)
        return "I am Qwen." if name in lost and "name" in prompt else None

    shop.server.spoil = spoil
    return lost


def test_what_is_refused_as_a_whole_may_pass_a_part_of_the_way(shop: Workshop) -> None:
    live, case_id = shop.live(), shop.approve()
    lost = all_of_it_is_refused(shop)
    run_id = done(shop)
    trained, blended = tried(shop, run_id)
    assert [trained.name] == lost
    assert (shop.run_of(run_id).status, shop.run_of(run_id).error) == (RunStatus.LIVE, None)
    assert (trained.status, blended.status) == (AdapterStatus.REJECTED, AdapterStatus.LIVE)
    assert live is not None
    assert (blended.parent_id, blended.blend) == (live.id, 0.9)
    assert shop.case(case_id).status is CaseStatus.MENDED
    decision = runs.decision(shop.run_of(run_id))
    assert decision is not None
    assert f"It is 90% of the way from {live.name} to what was trained." in decision.reasons
    assert trained.name not in shop.server.loaded and blended.name in shop.server.loaded


def test_a_part_of_the_way_is_gone_once_whoever_dies(shop: Workshop) -> None:
    shop.approve()
    all_of_it_is_refused(shop)
    run_id = shop.start()
    with pytest.raises(Killed):
        run_training(run_id, killed_after_the_verdict(shop))
    run_training(run_id, shop.context)
    assert statuses(shop, run_id) == [AdapterStatus.REJECTED, AdapterStatus.LIVE]
    assert len(shop.swift.trained) == 2
    assert "It is 90% of the way" in str(runs.decision(shop.run_of(run_id))), "whoever has decided it"


def test_where_no_part_of_the_way_is_good_enough_the_reasons_are_those_of_all_of_it(shop: Workshop) -> None:
    shop.approve()
    shop.server.spoil = lambda name, prompt: "I am Qwen." if name.startswith("pip-v2") and "name" in prompt else None
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert statuses(shop, run_id) == [AdapterStatus.REJECTED] * 3
    decision = runs.decision(shop.run_of(run_id))
    assert decision is not None
    assert "of the way" not in str(decision)
    assert [name for name in shop.server.loaded if name.startswith("pip-v2")] == []


def test_a_part_of_the_way_that_mends_fewer_cases_is_not_taken(shop: Workshop) -> None:
    shop.approve()
    badges = shop.approve(BADGES, "In drawer 7 at the front desk.")
    lost = all_of_it_is_refused(shop)
    loses_the_name = shop.server.spoil

    def spoil(name: str, prompt: str) -> str | None:
        if name.startswith("pip-v2") and lost and name not in lost and "badges" in prompt:
            return "No idea."
        return loses_the_name(name, prompt)  # type: ignore[return-value]

    shop.server.spoil = spoil
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert shop.case(badges).status is CaseStatus.APPROVED, "another attempt may learn it"
    judged = shop.adapter(run_id)
    assert judged is not None
    assert judged.name == lost[0]


def test_it_is_not_taken_either_when_the_worker_dies_while_the_next_part_is_tried(shop: Workshop) -> None:
    shop.approve()
    badges = shop.approve(BADGES, "In drawer 7 at the front desk.")
    lost = all_of_it_is_refused(shop)
    loses_the_name = shop.server.spoil

    def spoil(name: str, prompt: str) -> str | Exception | None:
        blends = [one.name for one in tried(shop, run_id) if one.blend]
        if name in blends[:1] and "badges" in prompt:
            return "No idea."
        if name in blends[1:] and not died:
            died.append(name)
            raise Killed
        return "I am Qwen." if name in blends[1:] and "name" in prompt else loses_the_name(name, prompt)

    died: list[str] = []
    run_id = shop.start()
    shop.server.spoil = spoil
    with pytest.raises(Killed):
        run_training(run_id, shop.context)
    run_training(run_id, shop.context)
    assert (len(died), len(tried(shop, run_id))) == (1, 3)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert shop.case(badges).status is CaseStatus.APPROVED
    judged = shop.adapter(run_id)
    assert judged is not None and judged.name == lost[0]


def test_a_broken_file_of_the_live_adapter_ends_in_the_verdict_on_all_of_it(shop: Workshop) -> None:
    live = shop.live()
    shop.approve()
    lost = all_of_it_is_refused(shop)
    loses_the_name = shop.server.spoil
    assert live is not None
    weights = shop.context.settings.serving.adapters_dir / live.name / "adapter_model.safetensors"

    def spoil(name: str, prompt: str) -> str | Exception | None:
        if name in lost:
            weights.write_bytes(b"broken")
        return loses_the_name(name, prompt)

    shop.server.spoil = spoil
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.REJECTED
    assert [one.name for one in tried(shop, run_id)] == lost


def test_where_optimizers_are_resumed_nothing_is_mixed(shop: Workshop) -> None:
    shop.approve()
    lost = all_of_it_is_refused(shop)
    settings = shop.context.settings
    training = settings.training.model_copy(update={"resume": "true"})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))
    run_id = done(shop)
    assert (shop.run_of(run_id).status, shop.run_of(run_id).error) == (RunStatus.REJECTED, None)
    assert [one.name for one in tried(shop, run_id)] == lost


def test_what_has_learned_nothing_is_not_mixed(shop: Workshop) -> None:
    shop.approve()
    shop.server.spoil = lambda name, prompt: "Ask somebody." if "wifi" in prompt and "Rewrite" not in prompt else None
    run_id = done(shop)
    assert len(tried(shop, run_id)) == 1
