"""What is held ready for a training leaves the GPU's memory to a model server that has yet to take it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from feedback.database import Database
from feedback.states import RunStatus
from serving.errors import ServingUnavailable
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.sharing_parts import sleepy_workshop, wait_until, with_
from tests.integration.trainer_parts import Workshop, done
from trainer.context import Nothing, Trip
from trainer.jobs import run_training

NOBODY = "http://127.0.0.1:9"


class Told(Nothing):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def ready(self, trip: Trip) -> None:
        self.told.append("ready")

    async def give_back(self) -> None:
        self.told.append("give back")


@pytest.fixture
def model() -> Iterator[StandInModel]:
    with StandInModel().serve() as stand_in:
        yield stand_in


@pytest.fixture
def standby() -> Told:
    return Told()


@pytest.fixture
def shop(db: Database, tmp_path: Path, model: StandInModel, standby: Told) -> Workshop:
    made = sleepy_workshop(db, tmp_path, model)
    made.context = replace(made.context, standby=standby)
    return made


def test_a_trainer_gets_ready_at_once_beside_a_server_that_is_awake(shop: Workshop, standby: Told) -> None:
    run_id = done(with_(shop, sharing="beside"))
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert standby.told == ["ready"]


async def test_no_trainer_gets_ready_before_the_server_is_awake(
    shop: Workshop, model: StandInModel, standby: Told
) -> None:
    model.asleep = True
    shop.context = replace(shop.context, patience=30)
    run_id = shop.start()
    running = asyncio.create_task(asyncio.to_thread(run_training, run_id, shop.context))
    await wait_until(lambda: bool(standby.told))
    assert standby.told == ["give back"], "what was held from before may be what the server lacks"
    await wait_until(lambda: "waits until the model server" in str(shop.run_of(run_id).progress))
    model.asleep = False
    await running
    assert shop.run_of(run_id).status is RunStatus.LIVE
    assert standby.told[:2] == ["give back", "ready"]


@pytest.mark.parametrize("sharing", ["auto", "beside"])
def test_no_trainer_gets_ready_where_a_server_cannot_be_reached(
    shop: Workshop, model: StandInModel, standby: Told, sharing: str
) -> None:
    run_id = done(with_(shop, urls=[model.url, NOBODY], sharing=sharing))
    run = shop.run_of(run_id)
    assert run.status is RunStatus.FAILED and NOBODY in (run.error or "")
    assert "ready" not in standby.told


def test_a_run_that_waits_for_the_server_in_vain_gives_the_memory_back(shop: Workshop, standby: Told) -> None:
    shop.server.spoil = lambda name, prompt: ServingUnavailable("It starts anew.")
    shop.context = replace(shop.context, patience=0.1)
    run_id = done(with_(shop, sharing="beside"))
    run = shop.run_of(run_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "It starts anew.")
    assert standby.told == ["ready", "give back"]
