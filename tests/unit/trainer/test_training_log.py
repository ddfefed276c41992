"""Reading what ms-swift writes while it is writing it."""

import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trainer.training_log import Step, Summary, not_fetched, read_steps, read_summary, rows_used, tail


def step_line(step: int, steps: int, loss: float = 1.5) -> str:
    return json.dumps({"loss": loss, "global_step/max_steps": f"{step}/{steps}", "train_speed(s/it)": 2.0})


def test_steps_and_summary(tmp_path: Path) -> None:
    file = tmp_path / "logging.jsonl"
    assert read_steps(file) == []
    assert read_summary(file) is None
    file.write_text(f"{step_line(1, 3)}\n{step_line(2, 3)}\n" + step_line(3, 3)[:20])
    assert read_steps(file) == [Step(1, 3, 1.5, 4.0), Step(2, 3, 1.5, 2.0)]
    file.write_text(
        f"{step_line(3, 3)}\n" + json.dumps({"global_step": 3, "last_model_checkpoint": "/r/checkpoint-3"}) + "\n"
    )
    assert read_summary(file) == Summary(3, "/r/checkpoint-3")


def test_a_summary_without_a_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "logging.jsonl"
    file.write_text('{"last_model_checkpoint": null, "global_step": 0}\n')
    assert read_summary(file) == Summary(0, None)


def test_a_loss_that_is_no_number_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "logging.jsonl"
    file.write_text('{"loss": NaN, "global_step/max_steps": "1/3"}\n')
    (step,) = read_steps(file)
    assert math.isnan(step.loss)
    assert step.eta is None


@given(st.binary(max_size=300))
def test_anything_may_stand_in_the_file(content: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        read_steps(Path(file.name))
        read_summary(Path(file.name))
        tail(Path(file.name))


def test_the_number_of_rows_in_the_output(tmp_path: Path) -> None:
    output = tmp_path / "train.log"
    assert rows_used(output) is None
    output.write_text(
        "[INFO:swift] train_dataset: Dataset({\n    features: ['messages', 'length'],\n    num_rows: 110\n})\n"
        "[INFO:swift] val_dataset: None\n"
    )
    assert rows_used(output) == 110


def test_the_tail_is_for_people(tmp_path: Path) -> None:
    output = tmp_path / "train.log"
    bars = "".join(f"\rTrain:  {n}%|##  | {n}/84 [00:18<03:50]" for n in range(80))
    output.write_text(f"first\n{bars}\n\x1b[31mValueError: no\x1b[0m\n\n")
    assert tail(output) == "first\nValueError: no"
    assert tail(output, lines=1) == "ValueError: no"
    assert tail(tmp_path / "none") == ""


def test_a_data_set_that_no_hub_gave_is_named(tmp_path: Path) -> None:
    output = tmp_path / "train.log"
    assert not_fetched(output) is None
    output.write_text(
        "[ERROR:swift] Dataset AI-ModelScope/alpaca load failed: subset_name=default,split=train with error"
    )
    assert not_fetched(output) == "AI-ModelScope/alpaca"
