"""A training that has the GPU while the model server sleeps; on a real PostgreSQL and a stand-in for vLLM's HTTP."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from feedback import naps, runs
from feedback.database import Database
from feedback.models import Adapter, Event
from feedback.naps import Nap
from feedback.runs import Progress
from feedback.states import AdapterStatus, RunStatus
from serving.adapters import Replicas
from serving.sharing import Memory
from settings import Settings
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.trainer_parts import ROOT, Workshop, done, make_workshop
from trainer import sharing
from trainer.context import Nothing
from trainer.jobs import WorkerStopping, run_training
from trainer.lock import TrainingLock
from trainer.sharing import wake_forgotten
from trainer.swift import Choose, Training, TrainingFailed
from trainer.training_log import Step


@pytest.fixture
def model() -> Iterator[StandInModel]:
    with StandInModel().serve() as stand_in:
        yield stand_in


def test_how_long_it_sleeps_is_judged_by_its_steps_and_before_the_first_by_earlier_trainings(
    shop: Workshop, model: StandInModel
) -> None:
    first = done(shop)
    took = shop.run_of(first).progress["seconds"]["training"]
    shop.approve()
    run_id = killed_asleep(shop, model)

    def nap() -> Nap:
        with shop.database.begin() as session:
            found = naps.current(session, "pip")
        assert found is not None and found.ends is not None and found.run_id == run_id
        return found

    assert nap().ends == nap().since + timedelta(seconds=took)
    with shop.database.begin() as session:
        runs.report_progress(session, run_id, Progress("training", step=3, steps=40, eta_seconds=90.0))
    assert nap().ends == shop.run_of(run_id).updated_at + timedelta(seconds=90)
    assert nap().training
    with shop.database.begin() as session:
        runs.close(session, run_id, RunStatus.FAILED, error="it broke off")
    assert not nap().training


class Holding(Nothing):
    """Something is held ready for the next training, and given back in this way."""

    def __init__(self, give_back: Callable[[], Awaitable[None]]) -> None:
        self._give_back = give_back

    async def give_back(self) -> None:
        await self._give_back()


class Killed(BaseException):
    """Stands for SIGKILL."""


def with_(shop: Workshop, **options: Any) -> Workshop:
    """The workshop with other settings of serving or training."""
    settings = shop.context.settings.model_dump()
    for name, value in options.items():
        settings["serving" if name in settings["serving"] else "training"][name] = value
    return replace(shop, context=replace(shop.context, settings=Settings.model_validate(settings)))


@pytest.fixture
def shop(db: Database, tmp_path: Path, model: StandInModel) -> Workshop:
    """One whose server may be asked nothing while it sleeps: neither probes nor paraphrases."""
    config = yaml.safe_load((ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml").read_text())
    three_epochs = {"follow_up": config["follow_up"] | {"num_train_epochs": 3}, "first_candidate_epoch": 1}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config | three_epochs))
    made = make_workshop(tmp_path, db)
    made.server.loaded = model.models  # type: ignore[assignment]  # only looked things up in
    made.server.spoil = lambda name, prompt: pytest.fail("asked while asleep") if model.asleep else None
    made.swift.at_its_steps = True
    made.context = replace(made.context, replicas=Replicas, drained=0.2, patience=1.5)
    return with_(made, urls=[model.url], device="cuda", sharing="sleep", config=tmp_path / "config.yaml")


async def given_back(model: StandInModel, held: list[str]) -> None:
    assert model.asleep, "before the server wants its memory"
    held.clear()


def nap_events(shop: Workshop, run_id: int) -> list[str | None]:
    with shop.database.begin() as session:
        query = select(Event.after).where(Event.subject == naps.SUBJECT, Event.subject_id == run_id)
        return list(session.scalars(query.order_by(Event.id)))


def is_recorded_asleep(shop: Workshop) -> bool:
    with shop.database.begin() as session:
        return naps.current(session, "pip") is not None


def candidates(shop: Workshop, run_id: int) -> list[AdapterStatus]:
    with shop.database.begin() as session:
        rows = session.scalars(select(Adapter).where(Adapter.run_id == run_id).order_by(Adapter.id))
        return [row.status for row in rows]


def test_the_server_sleeps_while_it_is_trained_and_at_no_other_time(shop: Workshop, model: StandInModel) -> None:
    seen: list[tuple[bool, bool]] = []
    shop.swift.before = lambda training: seen.append((model.asleep, is_recorded_asleep(shop)))
    run_id = done(shop)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert seen == [(True, True)]
    assert model.turns == ["sleep", "wake_up"] and model.asked_asleep == 0
    assert nap_events(shop, run_id) == ["asleep", "awake"] and not is_recorded_asleep(shop)


def test_what_is_held_ready_for_the_next_training_makes_room_for_the_server(
    shop: Workshop, model: StandInModel
) -> None:
    held = ["the base model"]
    shop.context = replace(shop.context, standby=Holding(lambda: given_back(model, held)))
    done(shop)
    assert not held and not model.asleep


def test_checkpoints_are_judged_after_waking_and_the_first_good_one_is_taken(
    shop: Workshop, model: StandInModel
) -> None:
    done(shop)
    shop.approve()
    run_id = done(shop)
    assert candidates(shop, run_id) == [AdapterStatus.LIVE], "the earliest of three was good, and no other was asked"
    assert model.turns == ["sleep", "wake_up"] * 2
    live = shop.live()
    assert live is not None
    assert shop.swift.trained[-1].new_steps == 3 * shop.swift.trained[-1].offered_steps[0]
    assert live.name in model.models


def test_a_checkpoint_that_has_not_learned_the_case_is_passed_over_as_ever(shop: Workshop) -> None:
    done(shop)
    shop.approve()
    tried: list[str] = []
    first_live = shop.live()
    assert first_live is not None

    def unlikely(name: str, prompt: str, answer: str) -> float:
        if name not in (*tried, first_live.name):
            tried.append(name)
        return -9.0 if tried and name == tried[0] else -0.1

    shop.server.likelihood = unlikely
    run_id = done(shop)
    assert candidates(shop, run_id) == [AdapterStatus.REJECTED, AdapterStatus.LIVE]


def test_a_training_that_fails_gives_the_server_back(shop: Workshop, model: StandInModel) -> None:
    def fail(training: Training) -> None:
        raise TrainingFailed("There was not enough memory.")

    shop.swift.before = fail
    run_id = done(shop)
    run = shop.run_of(run_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "There was not enough memory.")
    assert not model.asleep and not is_recorded_asleep(shop)


def endless(shop: Workshop) -> Callable[..., Awaitable[Path]]:
    async def train(training: Training, on_steps: Callable[[Sequence[Step]], None], choose: Choose) -> Path:
        shop.swift.trained.append(training)
        await asyncio.sleep(60)
        raise AssertionError("nobody stopped the training")

    return train


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  (what is waited for is in another thread)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("end", ["cancel", "stop"])
async def test_a_run_that_is_interrupted_gives_the_server_back(shop: Workshop, model: StandInModel, end: str) -> None:
    run_id = shop.start()
    context = replace(shop.context, train=endless(shop))
    running = asyncio.create_task(asyncio.to_thread(lambda: _ended(run_id, replace(shop, context=context))))
    await wait_until(lambda: bool(shop.swift.trained))
    assert model.asleep
    if end == "cancel":
        with shop.database.begin() as session:
            assert runs.request_cancel(session, run_id, by="T1/UADA")
    else:
        context.stopping.set()
    await running
    assert shop.run_of(run_id).status is (RunStatus.CANCELLED if end == "cancel" else RunStatus.TRAINING)
    assert not model.asleep and not is_recorded_asleep(shop)


def _ended(run_id: int, shop: Workshop) -> None:
    with contextlib.suppress(WorkerStopping):
        run_training(run_id, shop.context)


def killed_asleep(shop: Workshop, model: StandInModel) -> int:
    """A run whose worker was killed in the middle of its training."""
    run_id = shop.start()
    with shop.database.begin() as session:
        for stage in (RunStatus.PARAPHRASING, RunStatus.BUILDING, RunStatus.TRAINING):
            runs.advance(session, run_id, stage)
        naps.begin(session, run_id, "it was too tight")
    model.asleep = True
    return run_id


def test_what_a_killed_worker_left_asleep_the_next_one_wakes(shop: Workshop, model: StandInModel) -> None:
    run_id = killed_asleep(shop, model)
    wake_forgotten(shop.context)
    assert not model.asleep and nap_events(shop, run_id) == ["asleep", "awake"]
    wake_forgotten(shop.context)
    assert model.turns == ["wake_up"], "once is enough"


def test_a_server_that_a_living_worker_lets_sleep_is_left_asleep(shop: Workshop, model: StandInModel) -> None:
    killed_asleep(shop, model)
    with shop.database.begin() as session:
        assert not naps.attended(session, "pip")
    with TrainingLock(shop.database, "pip") as lock:
        assert lock.take()
        with shop.database.begin() as session:
            assert naps.attended(session, "pip")
            assert not naps.attended(session, "other")
        wake_forgotten(shop.context)
    assert model.asleep


def test_a_worker_is_seen_by_its_lock_whatever_number_postgresql_makes_of_the_name(db: Database) -> None:
    signs = set()
    for name in ("pip", "mia", "noor", "ada", "harbor", "a", "b", "c"):
        with db.begin() as session:
            hashed = select(func.hashtext(naps.training_lock(name)))
            signs.add(session.execute(hashed).scalar_one() < 0)
            assert not naps.attended(session, name)
        with TrainingLock(db, name) as lock:
            assert lock.take()
            with db.begin() as session:
                assert naps.attended(session, name)
    assert signs == {True, False}


def test_a_run_that_is_gone_on_with_wakes_what_sleeps_before_it_looks_what_is_free(
    shop: Workshop, model: StandInModel
) -> None:
    def die(training: Training) -> None:
        raise Killed

    shop.swift.before, run_id = die, shop.start()
    with pytest.raises(Killed):
        run_training(run_id, shop.context)
    model.asleep, shop.swift.before = True, lambda training: None  # the worker was gone before it could wake the server
    with shop.database.begin() as session:
        naps.begin(session, run_id, "killed")
    measured: list[bool] = []

    def memory() -> Memory:
        measured.append(model.asleep)
        return Memory(80, 70)

    run_training(run_id, replace(with_(shop, sharing="auto").context, memory=memory))
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert measured and not any(measured) and not model.asleep
    assert nap_events(shop, run_id) == ["asleep", "awake"] * 2


def test_a_server_that_does_not_wake_up_is_said_and_tried_again(shop: Workshop, model: StandInModel) -> None:
    def get_stuck(training: Training) -> None:
        model.stuck = True

    shop.swift.before = get_stuck
    run_id = done(shop)
    run = shop.run_of(run_id)
    assert run.status is RunStatus.FAILED and "CUDA out of memory" in (run.error or "")
    assert is_recorded_asleep(shop)
    wake_forgotten(shop.context)
    assert model.asleep and is_recorded_asleep(shop)
    model.stuck = False
    wake_forgotten(shop.context)
    assert not model.asleep and not is_recorded_asleep(shop)


def test_a_server_that_cannot_sleep_is_told_and_goes_on_answering(shop: Workshop, model: StandInModel) -> None:
    model.sleepless = True
    run = shop.run_of(done(shop))
    assert run.status is RunStatus.FAILED and "cannot sleep: restart it with `mend serve`" in (run.error or "")
    assert not is_recorded_asleep(shop) and not shop.swift.trained


def test_a_server_that_was_restarted_in_its_sleep_gets_its_adapters_back(shop: Workshop, model: StandInModel) -> None:
    done(shop)
    live = shop.live()
    assert live is not None
    shop.approve()

    def restart(training: Training) -> None:
        model.asleep, model.models = False, {"base": "/models/base"}
        shop.server.loaded = model.models  # type: ignore[assignment]

    shop.swift.before = restart
    assert shop.run_of(done(shop)).status is RunStatus.LIVE
    assert live.name in model.models


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


def test_on_a_cpu_nobody_is_asked_to_sleep(shop: Workshop, model: StandInModel) -> None:
    cpu = with_(shop, device="cpu", sharing="window", nightly="02:00-05:00")
    cpu.context = replace(cpu.context, memory=lambda: pytest.fail("there is no card"))
    assert sharing.chosen(
        cpu.context.settings, config_of(cpu), cpu.context.settings.serving.base_model, "first", cpu.context.memory
    ).reason.startswith("on a CPU")
    done(cpu)
    assert model.turns == []


def config_of(shop: Workshop) -> Any:
    from trainer.config import load_train_config

    return load_train_config(shop.context.settings.training.config)


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


def test_a_worker_that_dies_after_the_training_is_followed_by_one_that_judges_without_another_sleep(
    shop: Workshop, model: StandInModel
) -> None:
    done(shop)
    shop.approve()
    model.turns.clear()
    run_id = shop.start()

    def die(name: str, prompt: str, answer: str) -> float:
        raise Killed

    likely, shop.server.likelihood = shop.server.likelihood, die
    with pytest.raises(Killed):
        run_training(run_id, shop.context)
    shop.server.likelihood = likely
    run_training(run_id, shop.context)
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert model.turns == ["sleep", "wake_up"]
    assert candidates(shop, run_id) == [AdapterStatus.LIVE]
