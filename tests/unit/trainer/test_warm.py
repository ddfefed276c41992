"""The warm trainer as a process, with a small program in place of ms-swift: it is used again, it dies, it goes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.datasets import Example
from trainer import dataset, holding, process, swift
from trainer.config import load_train_config
from trainer.holding import Held
from trainer.swift import Training, TrainingFailed
from trainer.training_log import Step
from trainer.warm import Base, TrainerDied, Warm
from trainer.warm_link import decode, encode, order

ROOT = Path(__file__).parents[3]
CONFIG = load_train_config(ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml")
FAKE = (sys.executable, "-m", "tests.unit.trainer.fake_training")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
BASE = Base(("--model", "base"), "f", ENVIRONMENT)


@pytest.fixture
async def warm(tmp_path: Path) -> AsyncIterator[Warm]:
    trainer = Warm(tmp_path / "warm", idle=60, program=FAKE)
    await trainer.prepare(BASE)
    yield trainer
    await trainer.end()


def make_training(folder: Path, *moods: str) -> Training:
    rows = [Example("case", 1, [{"role": "user", "content": f"{number}?"}]) for number in range(8)]
    sha256 = dataset.write(rows, folder / "dataset.jsonl")
    (folder / "moods.json").write_text(json.dumps(moods))
    return Training(CONFIG, "base", folder / "dataset.jsonl", sha256, len(rows), 42, folder, threads=1)


async def train(
    warm: Warm, training: Training, on_steps: Callable[[Sequence[Step]], None] = lambda steps: None
) -> Path:
    async def refuse(saved: Path) -> bool:
        return False

    return await swift.train(training, on_steps, refuse, warm.start)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  (what is waited for is in another process)
            await asyncio.sleep(0.02)


async def test_one_process_does_one_training_after_the_other(warm: Warm, tmp_path: Path) -> None:
    for name in ("one", "two"):
        training = make_training(tmp_path / name)
        assert (await train(warm, training)).name == f"checkpoint-{training.new_steps}"
        written = (training.folder / swift.OUTPUT_NAME).read_text()
        assert f"trained by {warm.pid}" in written, "each training writes to its own file"
        assert written.count("trained by") == 1
        assert not (training.folder / swift.PID_NAME).exists()
    assert warm.alive


async def test_it_says_when_it_is_prepared_and_what_is_no_event_is_passed_over(warm: Warm) -> None:
    assert await warm.is_prepared()
    assert warm.held == Held(1000, 0)


async def test_it_holds_what_it_said_last_and_other_processes_are_told(warm: Warm, tmp_path: Path) -> None:
    assert await warm.is_prepared()
    assert holding.read(warm.folder) == Held(1000, 0)
    await train(warm, make_training(tmp_path / "run"))
    assert warm.held == holding.read(warm.folder) == Held(3000, 2000), "a training leaves more behind than there was"
    await warm.end()
    assert warm.held == holding.read(warm.folder) == Held()


async def test_one_that_gets_ready_holds_nothing_that_an_earlier_one_said(warm: Warm) -> None:
    assert await warm.is_prepared()
    await warm.prepare(Base(("--model", "broken"), "f", ENVIRONMENT))
    assert not (warm.folder / holding.HELD_NAME).exists()


async def test_what_is_told_of_a_process_that_is_gone_is_nothing(warm: Warm, tmp_path: Path) -> None:
    assert await warm.is_prepared()
    stat = warm.pid_file.read_text()
    started = stat.rpartition(")")[2].split()[19]
    warm.pid_file.write_text(stat.replace(f" {started} ", " 1 "))  # another process has its pid
    assert holding.read(warm.folder) == Held()
    warm.pid_file.write_text(stat)
    (warm.folder / holding.HELD_NAME).write_text("[]")
    assert holding.read(warm.folder) == Held()


async def test_another_base_is_another_process(warm: Warm) -> None:
    before = warm.pid
    await warm.prepare(Base(BASE.argv, "f", ENVIRONMENT))
    assert warm.pid == before
    await warm.prepare(Base(BASE.argv, "other files", ENVIRONMENT))
    assert not process.members(before)
    assert await warm.is_prepared()


async def test_a_cancelled_training_stops_at_its_step_and_the_process_stays(warm: Warm, tmp_path: Path) -> None:
    seen: list[Step] = []
    training = make_training(tmp_path / "long", "go on")
    running = asyncio.create_task(train(warm, training, seen.extend))
    await until(lambda: bool(seen))
    assert (training.folder / swift.PID_NAME).read_text() == warm.pid_file.read_text()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "cancelled" in (training.folder / swift.OUTPUT_NAME).read_text()
    pid = warm.pid
    await train(warm, make_training(tmp_path / "next"))
    assert warm.pid == pid


async def test_a_training_that_fails_is_explained_and_the_next_one_gets_a_new_process(
    warm: Warm, tmp_path: Path
) -> None:
    pid = warm.pid
    with pytest.raises(TrainingFailed, match=r"does not know a flag of the training config: .*no_such_flag"):
        await train(warm, make_training(tmp_path / "bad", "fail"))
    assert not warm.alive
    await warm.prepare(BASE)
    training = make_training(tmp_path / "good")
    assert (await train(warm, training)).name == f"checkpoint-{training.new_steps}"
    assert warm.pid != pid


async def test_a_process_that_is_killed_in_a_training_is_noticed(warm: Warm, tmp_path: Path) -> None:
    with pytest.raises(TrainerDied, match="status -9"):
        await train(warm, make_training(tmp_path / "doomed", "die"))
    assert not warm.alive
    assert warm.prepared is None


async def test_a_base_model_that_cannot_be_loaded_ends_it(tmp_path: Path) -> None:
    warm = Warm(tmp_path / "warm", idle=60, program=FAKE)
    await warm.prepare(Base(("--model", "broken"), "f", ENVIRONMENT))
    with pytest.raises(TrainerDied, match="status 1"):
        await train(warm, make_training(tmp_path / "run"))
    assert "the base model cannot be read" in (warm.folder / "trainer.log").read_text()


async def test_it_gives_its_memory_back_when_it_is_idle(tmp_path: Path) -> None:
    warm = Warm(tmp_path / "warm", idle=0.1, program=FAKE)
    await warm.prepare(BASE)
    pid = warm.pid
    await until(lambda: not warm.alive)
    assert not process.members(pid)
    await warm.prepare(BASE)
    assert await train(warm, make_training(tmp_path / "run"))
    await warm.end()


WORKER = """
import asyncio, os, sys, time
from pathlib import Path
from tests.unit.trainer.test_warm import BASE, FAKE, make_training, train
from trainer.warm import Warm

said = []

def say_once(steps):
    if not said:
        said.append(print("step", flush=True))

async def work():
    warm = Warm(Path(sys.argv[1]) / "warm", idle=60, program=FAKE)
    await warm.prepare(BASE)
    await train(warm, make_training(Path(sys.argv[1]) / "run", "go on"), say_once)

asyncio.run(work())
"""


async def worker_that_trains(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A worker whose warm trainer is in the middle of a training, and the trainer's pid."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)], env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    with worker.stdout as said:
        assert await asyncio.to_thread(said.readline) == b"step\n"
    return worker, int((folder / "warm" / "trainer.pid").read_text().split()[0])


async def test_it_goes_when_its_worker_is_killed(tmp_path: Path) -> None:
    worker, pid = await worker_that_trains(tmp_path)
    worker.kill()
    await until(lambda: not process.members(pid))
    await asyncio.to_thread(worker.wait)


async def test_the_next_worker_ends_one_that_could_not_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERM_SECONDS", 0.3)
    worker, pid = await worker_that_trains(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    worker.kill()
    await asyncio.to_thread(worker.wait)
    assert process.members(pid)
    assert (tmp_path / "run" / swift.PID_NAME).exists(), "who knows only the run finds it too"
    warm = Warm(tmp_path / "warm", idle=60, program=FAKE)
    await warm.prepare(BASE)
    await until(lambda: not process.members(pid))
    await warm.end()


async def test_what_it_does_not_understand_is_passed_over(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    child = process.launch(
        [*FAKE, str(theirs.fileno()), "60"],
        environment=ENVIRONMENT,
        pid_file=tmp_path / "pid",
        output=tmp_path / "log",
        descriptor=theirs.fileno(),
    )
    theirs.close()
    for line in (b"\xff\xfe\n", b"[]\n", b'{"do": "dance"}\n', b'{"do": "train", "argv": [1]}\n', b'{"do": "train"}\n'):
        ours.sendall(line)
    ours.sendall(encode({"do": "prepare", "argv": []}))
    with ours, ours.makefile("rb") as said:
        heard = await asyncio.to_thread(lambda: [decode(said.readline()) for _ in range(4)])
        assert heard[-1] is not None and heard[-1]["event"] == "prepared", heard
        ours.sendall(encode({"do": "exit"}))
        assert await asyncio.to_thread(child.wait) == 0
    assert (tmp_path / "log").read_text().count("This was not understood") == 5


@given(st.binary())
def test_no_line_is_too_odd_to_be_read(line: bytes) -> None:
    assert order(decode(line)) is None or json.loads(line)["do"] in {"prepare", "train", "cancel", "exit"}


@given(st.sampled_from(["prepare", "train"]), st.lists(st.text()), st.text())
def test_what_is_told_arrives(do: str, argv: list[str], output: str) -> None:
    told = order(decode(encode({"do": do, "argv": argv, "output": output})))
    assert told is not None and (told.do, told.argv, told.output) == (do, argv, output)
