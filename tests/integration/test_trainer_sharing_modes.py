"""Beside the model server, while it sleeps, or at night: what decides about a training, and when."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedback.database import Database
from feedback.states import RunStatus
from serving.sharing import Memory
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.sharing_parts import nap_events, open_batch, sleepy_workshop, wait_until, with_
from tests.integration.trainer_parts import Killed, Workshop, done
from trainer import sharing
from trainer.config import TrainConfig, load_train_config
from trainer.context import Nothing
from trainer.jobs import run_training
from trainer.swift import Training, TrainingFailed


@pytest.fixture
def model() -> Iterator[StandInModel]:
    with StandInModel().serve() as stand_in:
        yield stand_in


@pytest.fixture
def shop(db: Database, tmp_path: Path, model: StandInModel) -> Workshop:
    return sleepy_workshop(db, tmp_path, model)


def test_a_training_for_which_there_is_room_goes_on_beside_people(shop: Workshop, model: StandInModel) -> None:
    roomy = with_(shop, sharing="auto", gpu_memory_utilization=0.5)
    roomy.context = replace(roomy.context, memory=lambda: Memory(80, 40))
    run_id = done(roomy)
    assert roomy.run_of(run_id).status is RunStatus.LIVE
    assert model.turns == [] and nap_events(roomy, run_id) == []


def test_a_training_for_which_there_is_none_lets_the_server_sleep(shop: Workshop, model: StandInModel) -> None:
    tight = with_(shop, sharing="auto")
    tight.context = replace(tight.context, memory=lambda: Memory(80, 0.0))
    done(tight)
    assert model.turns == ["sleep", "wake_up"]


def test_a_long_row_lets_the_server_sleep_where_there_is_room_for_short_ones(
    shop: Workshop, model: StandInModel
) -> None:
    some = with_(shop, sharing="auto")
    some.context = replace(some.context, memory=lambda: Memory(80, 10))
    done(some)
    assert model.turns == []
    some.approve("What are the rules of the house?", "Leave it as you found it. " * 60)
    assert some.run_of(done(some)).status is RunStatus.LIVE
    assert model.turns == ["sleep", "wake_up"]


Tries = list[int]


def cramped(shop: Workshop, most: int) -> tuple[Workshop, Tries]:
    """One with memory that looks free, where no more than so many rows at a time fit; and what was tried."""
    tried: Tries = []

    def before(training: Training) -> None:
        tried.append(training.config.batch_of(training.stage).per_device)
        if tried[-1] > most:
            raise TrainingFailed("no room", status=1, tail="torch.OutOfMemoryError: CUDA out of memory. Tried 2 GiB")

    shop = with_(shop, sharing="auto", gpu_memory_utilization=0.5)
    shop.context = replace(shop.context, memory=lambda: Memory(80, 40), standby=GivesBack())
    shop.swift.before = before
    return shop, tried


class GivesBack(Nothing):
    """Counts how often the memory of a trainer was given back."""

    def __init__(self) -> None:
        self.times = 0

    async def give_back(self) -> None:
        self.times += 1


@pytest.mark.parametrize(("most", "last", "ends"), [(2, 2, RunStatus.LIVE), (0, 1, RunStatus.FAILED)])
def test_a_batch_that_did_not_fit_after_all_is_followed_by_smaller_ones(
    shop: Workshop, most: int, last: int, ends: RunStatus
) -> None:
    shop, tried = cramped(open_batch(shop), most)
    run = shop.run_of(done(shop))
    assert run.status is ends
    assert (tried[0], tried[-1]) == (16, last) and tried == sorted(tried, reverse=True)
    stored = TrainConfig.model_validate(run.config)
    assert stored.batch_of("first").per_device == last and stored.first.rows_per_update == 16
    assert shop.context.standby.times == len(tried) - 1  # type: ignore[attr-defined]


def test_a_worker_that_begins_anew_lowers_the_batch_that_the_one_before_decided(shop: Workshop) -> None:
    shop, tried = cramped(open_batch(shop), most=2)
    too_large = shop.swift.before
    shop.swift.before = lambda training: raise_(Killed())
    run_id = shop.start()
    with pytest.raises(Killed):
        run_training(run_id, shop.context)
    shop.swift.before = too_large
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert (tried[0], tried[-1]) == (16, 2)


def raise_(error: BaseException) -> None:
    raise error


def test_a_batch_that_somebody_has_set_is_not_lowered(shop: Workshop) -> None:
    shop, tried = cramped(open_batch(shop, "first"), most=16)
    assert shop.run_of(done(shop)).status is RunStatus.LIVE
    shop, tried = cramped(shop, most=0)
    shop.approve()
    assert shop.run_of(done(shop)).status is RunStatus.FAILED
    assert len(tried) == 1


def test_on_a_cpu_nobody_is_asked_to_sleep(shop: Workshop, model: StandInModel) -> None:
    cpu = with_(shop, device="cpu", sharing="window", nightly="02:00-05:00")
    cpu.context = replace(cpu.context, memory=lambda: pytest.fail("there is no card"))
    settings = cpu.context.settings
    config, base = load_train_config(settings.training.config), settings.serving.base_model
    assert sharing.chosen(settings, config, base, "first", 65, cpu.context.memory).reason.startswith("on a CPU")
    done(cpu)
    assert model.turns == []


def with_night(shop: Workshop, night: threading.Event, noon: Memory, after: Memory, **options: Any) -> Workshop:
    """One whose trainings wait for the night, at which other memory is free than at noon."""
    shop = with_(shop, nightly="02:00-05:00", **options)

    def clock() -> datetime:
        return datetime(2026, 11, 28, 3 if night.is_set() else 12, tzinfo=UTC)

    shop.context = replace(shop.context, clock=clock, memory=lambda: after if night.is_set() else noon)
    return shop


async def in_the_night(shop: Workshop, night: threading.Event) -> int:
    """A run that begins at noon, and goes on at night."""
    run_id = shop.start()
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, shop.context))
    await wait_until(lambda: "waits for" in shop.run_of(run_id).progress["detail"])
    night.set()
    await running
    assert shop.run_of(run_id).status is RunStatus.LIVE
    return run_id


async def test_what_was_free_before_the_night_does_not_decide_about_it(
    shop: Workshop, model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "WINDOW_LOOK", 0.02)
    night = threading.Event()
    await in_the_night(with_night(shop, night, Memory(80, 0), Memory(80, 70), sharing="auto"), night)
    assert model.turns == [], "there is room beside the server by now"


async def test_the_batch_is_decided_at_night_too(
    shop: Workshop, model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "WINDOW_LOOK", 0.02)
    night = threading.Event()
    shop = with_night(open_batch(shop, rows=4), night, Memory(2, 0), Memory(80, 40), sharing="window")
    run_id = await in_the_night(shop, night)
    assert model.turns == ["sleep", "wake_up"]
    stored = TrainConfig.model_validate(shop.run_of(run_id).config)
    assert (stored.first.per_device_train_batch_size, stored.first.gradient_accumulation_steps) == (4, 1)
    assert shop.swift.trained[0].config == stored


async def test_at_night_only_means_that_a_run_waits_for_it(
    shop: Workshop, model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "WINDOW_LOOK", 0.02)
    night = threading.Event()
    shop = with_(shop, sharing="window", nightly="02:00-05:00", time_zone="Europe/Berlin")
    shop.context = replace(
        shop.context, clock=lambda: datetime(2026, 11, 28, 2 if night.is_set() else 12, 30, tzinfo=UTC)
    )
    run_id = shop.start()
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, shop.context))
    await wait_until(lambda: "02:00-05:00 Europe/Berlin" in shop.run_of(run_id).progress["detail"])
    assert shop.run_of(run_id).status is RunStatus.TRAINING and not model.turns
    night.set()
    await running
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert model.turns == ["sleep", "wake_up"]
