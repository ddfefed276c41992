"""Runs that train in a warm process: a real PostgreSQL and a real process, in which a small program trains."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from feedback import runs
from feedback.states import RunStatus
from tests.integration.test_trainer_interruptions import Killed
from tests.integration.trainer_parts import Workshop, done
from trainer import process, swift
from trainer.config import TrainConfig
from trainer.context import Trip
from trainer.jobs import WorkerStopping, run_training
from trainer.swift import Training
from trainer.trainers import Trainers, warm_folder
from trainer.warm import Warm

ROOT = Path(__file__).parents[2]
FAKE = (sys.executable, "-m", "tests.unit.trainer.fake_training")


@dataclass
class WarmShop:
    """A workshop whose runs train in a warm process, unless the settings or a death say otherwise."""

    shop: Workshop
    warm: Warm
    cold: list[Training]

    def moods(self, run_id: int, *moods: str) -> None:
        """What goes wrong in the trainings of a run; see `fake_training`."""
        folder = self.shop.context.settings.training.runs_dir / f"run-{run_id}"
        folder.mkdir(parents=True)
        (folder / "moods.json").write_text(json.dumps(moods))

    def output(self, run_id: int) -> str:
        return (self.shop.context.settings.training.runs_dir / f"run-{run_id}" / swift.OUTPUT_NAME).read_text()


def make(shop: Workshop, **training: object) -> WarmShop:
    settings = shop.context.settings
    settings = settings.model_copy(update={"training": settings.training.model_copy(update=training)})
    warm = Warm(warm_folder(settings), 60, FAKE, shop.context.stopping)
    cold: list[Training] = []

    async def start_cold(training: Training, command: Sequence[str]) -> swift.Job:
        cold.append(training)
        return await swift.start_process(training, [*FAKE, "cold", *command[3:]])

    trainers = Trainers(settings, warm, start_cold)
    context = replace(shop.context, settings=settings, train=trainers.train, standby=trainers)
    return WarmShop(replace(shop, context=context), warm, cold)


@pytest.fixture
def warm_shop(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmShop]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = make(shop, trainer="warm")
    yield made
    asyncio.run(made.warm.end())


def test_two_runs_train_in_one_process_that_gets_ready_while_the_run_begins(warm_shop: WarmShop) -> None:
    shop = warm_shop.shop
    first = done(shop)
    pid = warm_shop.warm.pid
    shop.approve()
    second = done(shop)
    for run_id in (first, second):
        run = shop.run_of(run_id)
        assert run.status is RunStatus.LIVE, run.error
        assert f"trained by {pid}" in warm_shop.output(run_id)
        assert run.progress["trainer"] == "warm: MEND_TRAINING__TRAINER is warm"
        marks = run.progress["marks"]
        in_order = [marks[name] for name in ("begun", "training_begun", "first_step", "last_step", "trained")]
        assert in_order == sorted(in_order)
        assert {"begun", "trainer_ready", "training_begun", "first_step", "last_step", "trained"} == set(marks)
    assert shop.run_of(second).progress["marks"]["trainer_ready"] < shop.run_of(second).progress["marks"]["begun"]
    assert not warm_shop.cold


def test_a_run_whose_trainer_is_killed_is_trained_once_more_and_the_next_gets_a_new_one(warm_shop: WarmShop) -> None:
    shop, run_id = warm_shop.shop, warm_shop.shop.start()
    warm_shop.moods(run_id, "die")
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert len(warm_shop.cold) == 1
    assert not warm_shop.warm.alive
    shop.approve()
    assert shop.run_of(done(shop)).status is RunStatus.LIVE
    assert warm_shop.warm.alive
    assert len(warm_shop.cold) == 1


def test_a_training_that_dies_cold_too_fails_with_a_reason(warm_shop: WarmShop) -> None:
    run_id = warm_shop.shop.start()
    warm_shop.moods(run_id, "die", "die")
    run_training(run_id, warm_shop.shop.context)
    run = warm_shop.shop.run_of(run_id)
    assert run.status is RunStatus.FAILED
    assert "killed (status -9)" in (run.error or "")


async def _until_it_trains(warm_shop: WarmShop, run_id: int) -> None:
    async with asyncio.timeout(20):
        while "first_step" not in (warm_shop.shop.run_of(run_id).progress.get("marks") or {}):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_run_that_is_cancelled_leaves_the_trainer_for_the_next(warm_shop: WarmShop) -> None:
    shop, run_id = warm_shop.shop, warm_shop.shop.start()
    warm_shop.moods(run_id, "go on")
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, shop.context))
    await _until_it_trains(warm_shop, run_id)
    with shop.database.begin() as session:
        assert runs.request_cancel(session, run_id, by="T1/UADA")
    await running
    assert shop.run_of(run_id).status is RunStatus.CANCELLED
    assert "cancelled" in warm_shop.output(run_id)
    pid = warm_shop.warm.pid
    await asyncio.to_thread(done, shop)
    assert warm_shop.warm.pid == pid


async def test_a_worker_that_stops_does_not_wait_for_a_step(warm_shop: WarmShop) -> None:
    shop, run_id = warm_shop.shop, warm_shop.shop.start()
    warm_shop.moods(run_id, "deaf")
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, shop.context))
    await _until_it_trains(warm_shop, run_id)
    shop.context.stopping.set()
    with pytest.raises(WorkerStopping):
        await running
    assert warm_shop.warm.pid is None or not process.members(warm_shop.warm.pid)
    assert shop.run_of(run_id).status is RunStatus.TRAINING


@pytest.mark.parametrize(
    ("setting", "why"),
    [({"trainer": "cold"}, "MEND_TRAINING__TRAINER is cold"), ({"trainer": "auto", "resume": "true"}, "a true resume")],
)
def test_a_run_that_is_to_be_cold_starts_no_warm_trainer(
    shop: Workshop, setting: dict[str, object], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = make(shop, **setting)
    run_id = done(made.shop)
    run = made.shop.run_of(run_id)
    assert run.status is RunStatus.LIVE, run.error
    assert run.progress["trainer"].startswith(f"cold: {why}")
    assert made.warm.pid is None and len(made.cold) == 1
    assert "trainer_ready" not in run.progress["marks"]


def test_a_warm_trainer_that_is_not_wanted_any_more_is_ended(warm_shop: WarmShop) -> None:
    shop = warm_shop.shop
    done(shop)
    pid = warm_shop.warm.pid
    assert pid and process.members(pid)
    cold = shop.context.settings.training.model_copy(update={"trainer": "cold"})
    settings = shop.context.settings.model_copy(update={"training": cold})
    standby = Trainers(settings, warm_shop.warm)
    shop.approve()
    run_training(shop.start(), replace(shop.context, settings=settings, standby=standby, train=shop.swift))
    assert not process.members(pid)


class Roomy:
    """Much memory, of which there is less at each look."""

    def __init__(self) -> None:
        self.free = [20_000_000_000, 200_000_000]

    async def ready(self, trip: Trip) -> None:
        """Nothing to do."""

    async def free_bytes(self) -> int | None:
        return self.free.pop(0) if len(self.free) > 1 else self.free[0]


def test_the_batch_is_decided_once_and_kept_by_a_run_that_is_taken_up_again(shop: Workshop, tmp_path: Path) -> None:
    config = yaml.safe_load(shop.context.settings.training.config.read_text())
    del config["swift"]["gradient_checkpointing"]
    for stage in ("first", "follow_up"):
        config[stage] |= {"per_device_train_batch_size": "auto", "gradient_accumulation_steps": 4}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    training = shop.context.settings.training.model_copy(update={"config": tmp_path / "config.yaml"})
    settings = shop.context.settings.model_copy(update={"training": training})
    shop.context = replace(shop.context, settings=settings, standby=Roomy())
    run_id = shop.start()

    def die(training: Training) -> None:
        raise Killed

    shop.swift.before = die
    with pytest.raises(Killed):
        run_training(run_id, shop.context)
    shop.swift.before = lambda training: None
    run_training(run_id, shop.context)
    stored = TrainConfig.model_validate(shop.run_of(run_id).config)
    assert (stored.first.per_device_train_batch_size, stored.first.gradient_accumulation_steps) == (4, 1)
    assert stored.flags("first")["gradient_checkpointing"] is False
    assert [one.config for one in shop.swift.trained] == [stored, stored]
