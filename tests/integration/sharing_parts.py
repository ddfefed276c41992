"""A workshop whose model server can sleep, as one on a GPU, and may be asked nothing meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from feedback import naps
from feedback.database import Database
from feedback.models import Event
from serving.adapters import Replicas
from settings import Settings
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.trainer_parts import ROOT, Workshop, make_workshop


def with_(shop: Workshop, **options: Any) -> Workshop:
    """The workshop with other settings of serving or training."""
    settings = shop.context.settings.model_dump()
    for name, value in options.items():
        settings["serving" if name in settings["serving"] else "training"][name] = value
    return replace(shop, context=replace(shop.context, settings=Settings.model_validate(settings)))


def sleepy_workshop(db: Database, folder: Path, model: StandInModel) -> Workshop:
    """One whose server may be asked nothing while it sleeps: neither probes nor paraphrases."""
    config = yaml.safe_load((ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml").read_text())
    three_epochs = {"follow_up": config["follow_up"] | {"num_train_epochs": 3}, "first_candidate_epoch": 1}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | three_epochs))
    made = make_workshop(folder, db)
    made.server.loaded = model.models  # type: ignore[assignment]  # only looked things up in
    made.server.spoil = lambda name, prompt: pytest.fail("asked while asleep") if model.asleep else None
    made.swift.at_its_steps = True
    made.context = replace(made.context, replicas=Replicas, drained=0.2, patience=1.5)
    return with_(made, urls=[model.url], device="cuda", sharing="sleep", config=folder / "config.yaml")


def open_batch(shop: Workshop, *stages: str, rows: int = 16) -> Workshop:
    """With a recipe that leaves the batch of these stages to the free memory."""
    path = shop.context.settings.training.config
    config = yaml.safe_load(path.read_text())
    del config["swift"]["gradient_checkpointing"]
    for stage in stages or ("first", "follow_up"):
        config[stage] |= {"per_device_train_batch_size": "auto", "gradient_accumulation_steps": rows}
    path.write_text(yaml.safe_dump(config))
    return shop


def nap_events(shop: Workshop, run_id: int) -> list[str | None]:
    with shop.database.begin() as session:
        query = select(Event.after).where(Event.subject == naps.SUBJECT, Event.subject_id == run_id)
        return list(session.scalars(query.order_by(Event.id)))


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  (what is waited for is in another thread)
            await asyncio.sleep(0.02)
