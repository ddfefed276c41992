"""What has to be true of a finished training."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from serving.adapter_files import as_published
from serving.base import BaseModel
from serving.tensor_file import encode
from trainer.checkpoint import CheckpointError, Expected, check, last, mark_ready, of_weights, ready
from trainer.training_log import Step, Summary

FLOAT32, BFLOAT16 = BaseModel("/base", "fingerprint", {}), BaseModel("/base", "fingerprint", {}, bfloat16=True)
STEPS = [Step(1, 2, 2.0, 1.0), Step(2, 2, 1.0, 0.0)]


def weights(*, b: bytes) -> bytes:
    a = ("F32", (1, 1), b"\x00\x00\x80\x3f")
    return encode({"layer.lora_A.weight": a, "layer.lora_B.weight": ("F32", (1, 1), b)}, {"format": "pt"})


LEARNED, NOTHING = weights(b=b"\x01\x00\x00\x3f"), weights(b=bytes(4))


def make_checkpoint(output: Path, content: bytes = LEARNED, *, step: int = 2) -> Path:
    folder = output / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(content)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


def make_parent(folder: Path, content: bytes) -> Path:
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(content)
    return folder


def checked(output: Path, *, step: int = 2, rows: int | None = 8, steps: list[Step] = STEPS, parent: Path | None = None,
            summary: Summary | None = None) -> Path:  # fmt: skip
    summary = summary or Summary(step, f"/elsewhere/checkpoint-{step}")
    expected = Expected(rows=8, steps=2, parent=parent)
    found = last(output, summary, expected)
    check(found, steps, rows, expected)
    return found


def test_a_whole_training_is_found(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    assert checked(tmp_path) == folder
    assert checked(tmp_path, parent=make_parent(tmp_path / "parent", NOTHING)) == folder


def test_zero_steps_are_no_training(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="wrote no checkpoint"):
        checked(tmp_path, summary=Summary(0, None))


def test_a_stop_before_the_end_is_no_training(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, step=1)
    with pytest.raises(CheckpointError, match="stopped at step 1 of 2"):
        checked(tmp_path, step=1)


def test_dropped_rows_are_noticed(tmp_path: Path) -> None:
    make_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="used 7 of 8 rows"):
        checked(tmp_path, rows=7)


def test_a_loss_that_is_no_number_is_no_training(tmp_path: Path) -> None:
    make_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="loss was nan at step 2"):
        checked(tmp_path, steps=[STEPS[0], Step(2, 2, float("nan"), None)])


def test_a_half_written_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    (folder / "trainer_state.json").write_text('{"global_')
    with pytest.raises(CheckpointError, match="half-written"):
        checked(tmp_path)


def test_weights_that_did_not_move_are_refused(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, NOTHING)
    with pytest.raises(CheckpointError, match="changed no weight"):
        checked(tmp_path)
    with pytest.raises(CheckpointError, match="changed no weight"):
        checked(tmp_path, parent=make_parent(tmp_path / "parent", NOTHING))


def test_a_parent_in_bfloat16_is_compared_by_value(tmp_path: Path) -> None:
    a = ("BF16", (1, 1), b"\x80\x3f")
    parent = encode({"layer.lora_A.weight": a, "layer.lora_B.weight": ("BF16", (1, 1), b"\x00\x3f")}, {})
    make_parent(tmp_path / "parent", parent)
    make_checkpoint(tmp_path, weights(b=b"\x00\x00\x00\x3f"))
    with pytest.raises(CheckpointError, match="changed no weight"):
        checked(tmp_path, parent=tmp_path / "parent")
    assert checked(make_checkpoint(tmp_path / "moved", LEARNED).parent, parent=tmp_path / "parent")


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, LEARNED[:-1])
    with pytest.raises(CheckpointError, match="cannot be read"):
        checked(tmp_path)


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    output = tmp_path / "output"
    folder = make_checkpoint(output)
    assert ready(tmp_path, output, "sha") is None
    mark_ready(tmp_path, folder, "sha")
    assert ready(tmp_path, output, "sha") == folder
    assert ready(tmp_path, output, "other rows") is None
    (folder / "trainer_state.json").unlink()
    assert ready(tmp_path, output, "sha") is None
    (tmp_path / "READY").write_text("[]")
    assert ready(tmp_path, output, "sha") is None


def test_a_checkpoint_is_found_by_the_weights_of_its_adapter(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, NOTHING, step=1)
    taken, digest = make_checkpoint(tmp_path, LEARNED, step=2), sha256(LEARNED).hexdigest()
    assert of_weights(tmp_path, digest, FLOAT32) == taken
    small = sha256(as_published(LEARNED, BFLOAT16)).hexdigest()
    assert small != digest
    assert of_weights(tmp_path, small, FLOAT32) is None
    assert of_weights(tmp_path, small, BFLOAT16) == of_weights(tmp_path, digest, BFLOAT16) == taken
    (taken / "trainer_state.json").unlink()
    assert of_weights(tmp_path, digest, FLOAT32) is None
