"""Training configs: those that ship are whole, and a wrong one is refused by its line."""

from pathlib import Path

import pytest
import yaml

from trainer.batch import Batch
from trainer.config import TrainConfig, TrainConfigError, load_train_config

CONFIGS = sorted(Path("trainer/configs").glob("*.yaml"))
SMALL = Path("trainer/configs/smollm2-135m-cpu.yaml")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_that_ships_is_read(path: Path) -> None:
    config = load_train_config(path)
    assert config.flags("first")["num_train_epochs"] == config.first.num_train_epochs
    assert config.flags("follow_up")["learning_rate"] == config.follow_up.learning_rate


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_headed_by_its_command(path: Path) -> None:
    head = path.read_text(encoding="utf-8").split("\nbase:")[0]
    assert "python -m swift.cli.sft" in head


def test_the_recipe_of_the_big_model_is_the_one_agreed() -> None:
    config = load_train_config(Path("trainer/configs/qwen2.5-7b-instruct.yaml"))
    flags = config.flags("first")
    agreed = {
        "model_type": "qwen2",
        "template": "qwen2_5",
        "torch_dtype": "bfloat16",
        "num_train_epochs": 10,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 16,
        "learning_rate": 1e-4,
        "lora_rank": 8,
        "lora_alpha": 32,
        "target_modules": "all-linear",
        "max_length": 2048,
        "warmup_ratio": 0.05,
        "save_total_limit": 2,
        "dataloader_num_workers": 0,
    }
    assert {flag: flags[flag] for flag in agreed} == agreed
    assert config.flags("follow_up")["num_train_epochs"] == 5


def test_a_batch_of_auto_is_decided_for_the_same_rows_an_update() -> None:
    config = load_train_config(Path("trainer/configs/qwen2.5-7b-instruct.yaml"))
    assert config.has_open_batch
    careful = config.flags("follow_up")
    assert (careful["per_device_train_batch_size"], careful["gradient_checkpointing"]) == (1, True)

    decided = config.with_batch(lambda rows: Batch(rows // 2, 2, False))
    assert not decided.has_open_batch
    assert decided.follow_up.rows_per_update == config.follow_up.rows_per_update == 16
    for stage in ("first", "follow_up"):
        flags = decided.flags(stage)
        assert (flags["per_device_train_batch_size"], flags["gradient_accumulation_steps"]) == (8, 2)
        assert flags["gradient_checkpointing"] is False
    again = TrainConfig.model_validate(decided.model_dump(mode="json"))
    assert again == decided, "a run that is restarted reads the same from the record"


def test_what_the_memory_decided_can_be_lowered_and_is_known_from_the_record() -> None:
    config = load_train_config(Path("trainer/configs/qwen2.5-7b-instruct.yaml"))
    decided = config.with_batch(lambda rows: Batch(rows, 1, False))
    assert config.sized_by_memory == () and decided.sized_by_memory == ("first", "follow_up")
    lower = TrainConfig.model_validate(decided.model_dump(mode="json")).with_lower("first", Batch(4, 4, True))
    assert lower.batch_of("first") == Batch(4, 4, True)
    assert lower.flags("first")["gradient_checkpointing"] is True


def test_both_stages_have_checkpointing_where_one_of_them_needs_it() -> None:
    config = load_train_config(Path("trainer/configs/qwen2.5-7b-instruct.yaml"))
    shorter = config.model_copy(
        update={"follow_up": config.follow_up.model_copy(update={"gradient_accumulation_steps": 4})}
    )
    decided = shorter.with_batch(lambda rows: Batch(rows, 1, checkpointing=rows > 4))
    assert [decided.flags(stage)["gradient_checkpointing"] for stage in ("first", "follow_up")] == [True, True]


def test_a_batch_that_is_given_stays() -> None:
    config = load_train_config(SMALL)
    assert not config.has_open_batch
    assert config.with_batch(lambda rows: Batch(rows, 1, True)) == config


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 42", "seed: 42\nsed: 1", "sed: Extra inputs are not permitted"),
        ("seed: 42", "", "seed: Field required"),
        ("lora_rank: 8", "lora_rank: eight", "lora_rank: Input should be a valid integer"),
        (
            "  per_device_train_batch_size: 4",
            "  per_device_train_batch_size: auto",
            "swift.gradient_checkpointing is decided with a batch of auto",
        ),
        ("lora_rank: 8", "lora_rank: 0", "lora_rank: Input should be greater than or equal to 1"),
        ("  num_train_epochs: 1\n", "  num_train_epochs: 0\n", "first.num_train_epochs: Input should be greater"),
        ("  num_train_epochs: 1\n", "  epochs: 1\n", "first.epochs: Extra inputs"),
        ("paraphrases_per_case: 5", "paraphrases_per_case: 9", "paraphrases_per_case: Input should be less"),
        ("paraphrases_per_case: 5", "paraphrases_per_case: 2", "paraphrases_per_case: must be 3 to 5"),
        ("languages: [en]", "languages: []", "languages: Tuple should have at least 1 item"),
        ("  use_cpu: true", "  use_cpu: true\n  use_cpu: false", "use_cpu: given twice"),
        ("  use_cpu: true", "  model: other", "swift: model is set by each run itself"),
        ("  use_cpu: true", "  seed: 1", "swift: seed has a field of its own"),
        ("  use_cpu: true", "  use_cpu: [1]", "swift.use_cpu"),
        ("first_candidate_epoch: ", "first_candidate_epoch: 9", "first_candidate_epoch is 9"),
        (
            "  general_rows: 80",
            "  general_rows: 80\n  general_sets: [a/b]",
            "does not say how many rows; write it as a/b#500",
        ),
        ("  general_rows: 80", "  general_rows: 80\n  general_sets: ['alpaca#5']", "'alpaca' is neither a file"),
        ("  own_answers: 230", "  own_answers: -1", "own_answers: Input should be greater"),
        ("row: 3.0", "row: 0", "most_replay_per_new_row: Input should be greater"),
        ("row: 3.0", "row: .inf", "most_replay_per_new_row: Input should be a finite number"),
        ("  identity_rows: all", "  identity_rows: 0", "first_replay.identity_rows is 0"),
        ("blends: [0.9, 0.8]", "blends: [0.8, 0.9]", "each has to be smaller than the one before"),
        ("blends: [0.9, 0.8]", "blends: [0.9, 0.9]", "each has to be smaller than the one before"),
        ("blends: [0.9, 0.8]", "blends: [0.9, 0.8, 0.7, 0.6]", "blends: Tuple should have at most 3 items"),
        ("blends: [0.9, 0.8]", "blends: [1.0]", "blends.0: Input should be less than 1"),
    ],
)
def test_refuses_a_wrong_config_by_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = SMALL.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "config.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TrainConfigError) as refused:
        load_train_config(path)
    assert str(refused.value).startswith(f"{path}:")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("identity_rows", 0, "second_attempt.identity_rows is 0"),
        ("earlier_case_rows", 0, "second_attempt.earlier_case_rows: Input should be greater than or equal to 1"),
        ("earlier_case_rows", "all", "second_attempt.earlier_case_rows: Input should be a valid integer"),
    ],
)
def test_a_second_attempt_from_the_base_model_has_to_teach_everything(
    tmp_path: Path, field: str, value: object, message: str
) -> None:
    config = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    config["second_attempt"][field] = value
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(TrainConfigError) as refused:
        load_train_config(path)
    assert message in str(refused.value)
