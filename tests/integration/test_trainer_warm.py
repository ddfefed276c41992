"""The warm trainer with ms-swift itself on the small model: the same bytes as a process for each training."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from serving.adapter_checks import sha256_of
from tests.integration.test_trainer_swift import TINY, ignore, make_training, refuse
from trainer import checkpoint, swift, training_log
from trainer.swift import Training
from trainer.warm import Base, Warm

pytestmark = [pytest.mark.slow]


def base_of(trainer: Warm, base_model: Path) -> Base:
    """As on a GPU, with a rehearsal: it must not show in the bytes either."""
    swift_flags = {name: value for name, value in TINY.swift.items() if name != "use_cpu"}
    config = TINY.model_copy(update={"swift": swift_flags})
    argv = swift.loading_arguments(config, str(base_model.absolute()), trainer.folder / "base")
    environment = {**swift.process_environment(os.environ, 1, trainer.cache), "CUDA_VISIBLE_DEVICES": ""}
    return Base(tuple(argv), "", environment)


@pytest.fixture
async def warm(base_model: Path, tmp_path: Path) -> AsyncIterator[Warm]:
    trainer = Warm(tmp_path / "warm", idle=600)
    await trainer.prepare(base_of(trainer, base_model))
    yield trainer
    await trainer.end()


def weights(saved: Path) -> str:
    return sha256_of(saved / checkpoint.WEIGHTS)


async def test_the_same_rows_and_seed_give_the_same_bytes_as_a_cold_run(
    warm: Warm, base_model: Path, tmp_path: Path
) -> None:
    first = await swift.train(make_training(tmp_path / "first", base_model), ignore, refuse)
    pid = warm.pid_file.read_text()

    def again(name: str, *, follow_up: bool) -> Training:
        return replace(make_training(tmp_path / name, base_model), parent=first if follow_up else None)

    cold = await swift.train(again("cold", follow_up=True), ignore, refuse)
    assert weights(await swift.train(again("w1", follow_up=True), ignore, refuse, warm.start)) == weights(cold)
    assert weights(await swift.train(again("w2", follow_up=False), ignore, refuse, warm.start)) == weights(first)

    # One that is cancelled after some steps leaves nothing behind either.
    follow_up = TINY.follow_up.model_copy(update={"num_train_epochs": 40})
    config = TINY.model_copy(update={"follow_up": follow_up, "first_candidate_epoch": 1})
    offered: list[str] = []

    async def take_the_second(saved: Path) -> bool:
        offered.append(saved.name)
        return len(offered) == 2

    long = replace(again("long", follow_up=True), config=config)
    found = await swift.train(long, ignore, take_the_second, warm.start)
    assert (offered, found.name) == (["checkpoint-2", "checkpoint-4"], "checkpoint-4")
    assert len(training_log.read_steps(long.output / "logging.jsonl")) < 80, "it did not go on to its end"
    assert not (long.folder / swift.PID_NAME).exists()

    assert weights(await swift.train(again("w3", follow_up=True), ignore, refuse, warm.start)) == weights(cold)
    assert warm.alive and warm.pid_file.read_text() == pid, "one process did them all"
