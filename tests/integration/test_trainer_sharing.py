"""A training that has the GPU while the model server sleeps; on a real PostgreSQL and a stand-in for vLLM's HTTP."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from feedback import naps, runs
from feedback.database import Database
from feedback.models import Adapter
from feedback.naps import Nap
from feedback.runs import Progress
from feedback.states import AdapterStatus, RunStatus
from serving.sharing import Memory
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.sharing_parts import nap_events, sleepy_workshop, wait_until, with_
from tests.integration.trainer_parts import Killed, Workshop, done
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


@pytest.fixture
def shop(db: Database, tmp_path: Path, model: StandInModel) -> Workshop:
    return sleepy_workshop(db, tmp_path, model)


async def given_back(model: StandInModel, held: list[str]) -> None:
    assert model.asleep, "before the server wants its memory"
    held.clear()


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
