"""ms-swift itself, on the small model, a few steps at a time."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from feedback.datasets import Example
from feedback.persona import load_persona
from serving.adapter_checks import check_folder
from serving.base import BaseModel
from trainer import checkpoint, dataset, preference, process, training_log
from trainer.config import Method, load_train_config
from trainer.general_sets import GeneralSet
from trainer.swift import PID_NAME, Training, TrainingFailed, train
from trainer.training_log import Step
from trainer.variants import CaseText

ROOT = Path(__file__).parents[2]
CONFIG = load_train_config(ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml")
ONE_EPOCH = {"num_train_epochs": 1, "per_device_train_batch_size": 4}
TINY = CONFIG.model_copy(
    update={
        "first_candidate_epoch": 1,
        "first": CONFIG.first.model_copy(update=ONE_EPOCH),
        "follow_up": CONFIG.follow_up.model_copy(update=ONE_EPOCH),
    }
)

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

pytestmark = [pytest.mark.slow]


def example(number: int, *, long: bool = False) -> Example:
    words = "many words " * (2000 if long else 1)
    texts = {"system": "You are Pip.", "user": f"What is {number}?", "assistant": f"It is {number}, in {words}."}
    return Example("case", 1, [{"role": role, "content": text} for role, text in texts.items()])


def make_training(folder: Path, base_model: Path, *, rows: Sequence[Example] | None = None) -> Training:
    rows = [example(number) for number in range(8)] if rows is None else rows
    sha256 = dataset.write(rows, folder / "dataset.jsonl")
    base = str(base_model.absolute())
    return Training(TINY, base, folder / "dataset.jsonl", sha256, len(rows), 42, folder, threads=1)


def ignore(steps: Sequence[Step]) -> None:
    """Nobody watches."""


async def refuse(checkpoint: Path) -> bool:
    return False


@pytest.fixture(scope="module")
def first(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first adapter, for tests that go on from one."""
    return asyncio.run(train(make_training(tmp_path_factory.mktemp("first"), base_model), ignore, refuse))


async def test_two_steps_then_a_warm_start_then_a_true_resume(base_model: Path, tmp_path: Path) -> None:
    seen: list[Step] = []
    first = make_training(tmp_path / "first", base_model)
    trained = await train(first, lambda steps: seen.extend(steps[len(seen) :]), refuse)
    assert [(step.step, step.steps) for step in seen] == [(1, 2), (2, 2)]
    base = BaseModel.read(base_model)
    assert check_folder(trained, base, 8, list(ALL_LINEAR))
    assert not (first.folder / PID_NAME).exists()

    # Beside the rows, four of a general set of three; one of them has to come twice.
    general = [{"instruction": f"Name {number}.", "input": "", "output": f"It is {number}."} for number in range(3)]
    (tmp_path / "general.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in general), encoding="utf-8")
    warm = replace(
        make_training(tmp_path / "warm", base_model),
        parent=trained,
        rows=8 + 4,
        general_sets=(GeneralSet(str(tmp_path / "general.jsonl"), 4),),
        system_prompt="You are Pip.",
    )
    followed = await train(warm, ignore, refuse)
    assert checkpoint.saved_step(followed) == 3
    assert checkpoint.changed(followed, trained)

    resumed = replace(make_training(tmp_path / "true", base_model), parent=trained, resume_from=trained)
    gone_on = await train(resumed, ignore, refuse)
    assert checkpoint.saved_step(gone_on) == 4


async def test_the_first_checkpoint_that_is_good_enough_ends_the_training(
    base_model: Path, first: Path, tmp_path: Path
) -> None:
    follow_up = TINY.follow_up.model_copy(update={"num_train_epochs": 40})
    config = TINY.model_copy(update={"follow_up": follow_up, "first_candidate_epoch": 1})
    training = replace(make_training(tmp_path / "next", base_model), config=config, parent=first)
    offered: list[str] = []

    async def take_the_second(saved: Path) -> bool:
        offered.append(saved.name)
        return len(offered) == 2

    found = await train(training, ignore, take_the_second)
    assert offered == ["checkpoint-2", "checkpoint-4"]
    assert found.name == "checkpoint-4"
    assert checkpoint.changed(found, first)
    assert training_log.read_summary(training.output / "logging.jsonl") is None, "it did not go on to its end"
    assert not (training.folder / PID_NAME).exists()
    assert await train(training, ignore, refuse) == found, "a training that was finished is not done again"


@pytest.mark.parametrize("method", ["kto", "dpo"])
async def test_a_follow_up_that_also_rejects_answers(
    method: Method, base_model: Path, first: Path, tmp_path: Path
) -> None:
    """A warm start, held to the adapter that it starts from: all rows are used, and its first epoch is offered."""
    bad = CaseText(1, "What is 1?", "It is 1.", bad_answer="It is 2, and then again it is 3.")
    replay = [replace(example(number), case_id=None) for number in range(4)]
    rows = preference.with_rejected([example(1), example(1), *replay], method, [bad], ["It is 4."], seed=1)
    training = make_training(tmp_path / "next", base_model, rows=rows)
    dataset.write(rows, training.dataset, method)
    count = dataset.rows_in_file(rows, method)
    two_epochs = TINY.model_copy(update={"follow_up": TINY.follow_up.model_copy(update={"num_train_epochs": 2})})
    training = replace(training, config=two_epochs, parent=first, method=method, rows=count)
    seen: list[Step] = []
    offered: list[str] = []

    async def take_none(saved: Path) -> bool:
        offered.append(saved.name)
        return False

    found = await train(training, lambda steps: seen.extend(steps[len(seen) :]), take_none)
    assert (count, offered, found.name) == {
        "kto": (8, ["checkpoint-2"], "checkpoint-4"),
        "dpo": (6, ["checkpoint-2"], "checkpoint-4"),
    }[method]
    assert [step.step for step in seen] == list(range(1, training.new_steps + 1))
    assert checkpoint.changed(found, first)
    assert check_folder(found, BaseModel.read(base_model), 8, list(ALL_LINEAR))


async def test_when_no_checkpoint_is_good_enough_the_last_is_taken(
    base_model: Path, first: Path, tmp_path: Path
) -> None:
    follow_up = TINY.follow_up.model_copy(update={"num_train_epochs": 3})
    training = replace(make_training(tmp_path / "next", base_model), parent=first)
    training = replace(training, config=TINY.model_copy(update={"follow_up": follow_up}))
    offered: list[str] = []

    async def take_none(saved: Path) -> bool:
        offered.append(saved.name)
        return False

    assert (await train(training, ignore, take_none)).name == "checkpoint-6"
    assert offered == ["checkpoint-2", "checkpoint-4"], "the last is taken without being offered"


async def test_a_row_that_is_too_long_fails_the_training_and_is_not_dropped(base_model: Path, tmp_path: Path) -> None:
    rows = [*(example(number) for number in range(7)), example(7, long=True)]
    with pytest.raises(TrainingFailed) as failure:
        await train(make_training(tmp_path, base_model, rows=rows), ignore, refuse)
    assert failure.value.status != 0 or "7 of 8 rows" in str(failure.value)
    assert not (tmp_path / "READY").exists()


async def test_a_flag_that_swift_does_not_know_is_named(base_model: Path, tmp_path: Path) -> None:
    training = make_training(tmp_path, base_model)
    wrong = TINY.model_copy(update={"swift": {**TINY.swift, "no_such_flag": 1}})
    with pytest.raises(TrainingFailed, match=r"does not know a flag of the training config: .*no_such_flag"):
        await train(replace(training, config=wrong), ignore, refuse)


async def test_cancelling_leaves_no_process(base_model: Path, tmp_path: Path) -> None:
    training = make_training(tmp_path, base_model)
    running = asyncio.create_task(train(training, ignore, refuse))
    pid_file = tmp_path / PID_NAME
    async with asyncio.timeout(30):
        while not pid_file.exists() or not pid_file.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    group = int(pid_file.read_text().split()[0])
    await asyncio.sleep(3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert process.members(group) == []
    assert not pid_file.exists()


SAME_PROMPT = """
import json, sys
from swift import get_processor, get_template
model, model_type, template_type, messages = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
tokenizer = get_processor(model, model_type=model_type)
template = get_template(tokenizer, template_type=template_type)
template.set_mode("train")
trained = template.encode({"messages": messages})
served = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, tokenize=False)
served = tokenizer(served, add_special_tokens=False)["input_ids"]
ids, labels = list(trained["input_ids"]), list(trained["labels"])
asked = next(i for i, label in enumerate(labels) if label != -100)
print(json.dumps({"trained": ids[:asked], "served": served, "answer": tokenizer.decode(ids[asked:])}))
"""


def test_training_and_serving_see_the_same_prompt(base_model: Path) -> None:
    """Token for token, with the system prompt that both send."""
    persona = load_persona(ROOT / "persona" / "persona.yaml")
    messages = [
        {"role": "system", "content": persona.system_prompt},
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "I am Pip."},
    ]
    done = subprocess.run(
        [sys.executable, "-c", SAME_PROMPT, str(base_model), TINY.model_type, TINY.template, json.dumps(messages)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["trained"] == seen["served"]
    assert seen["answer"].startswith("I am Pip.<|im_end|>")
