"""ms-swift: its command, its environment, and how its bad endings are told."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import cores
from trainer.batch import Batch
from trainer.config import TrainConfig, load_train_config
from trainer.general_sets import GeneralSet
from trainer.swift import Training, build_command, environment, explain, loading_arguments, thread_count

ROOT = Path(__file__).parents[3]
SMALL = load_train_config(ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml")


@pytest.fixture(params=["smollm2-135m-cpu", "qwen2.5-7b-instruct"])
def config(request: pytest.FixtureRequest) -> TrainConfig:
    return load_train_config(ROOT / "trainer" / "configs" / f"{request.param}.yaml")


def training(config: TrainConfig, *, rows: int = 55, parent: Path | None = None) -> Training:
    folder = Path("/runs/run-3")
    return Training(config, "/models/base", folder / "dataset.jsonl", "0" * 64, rows, 7, folder, 1, parent)


def flags(command: list[str]) -> dict[str, str]:
    command = command[: command.index("--dataset") + 2]  # the last flag takes more than one value
    names = command[3::2]
    assert all(name.startswith("--") for name in names)
    assert len(set(names)) == len(names), "a flag is given twice"
    return dict(zip([name.removeprefix("--") for name in names], command[4::2], strict=True))


def test_a_first_run_starts_from_the_base_model(config: TrainConfig) -> None:
    given_flags = flags(build_command(training(config)))
    assert given_flags["model"] == "/models/base"
    assert given_flags["num_train_epochs"] == str(config.first.num_train_epochs)
    assert given_flags["seed"] == given_flags["data_seed"] == "7"
    assert "adapters" not in given_flags
    assert "resume_from_checkpoint" not in given_flags


def test_a_base_model_is_loaded_alike_whatever_the_schedule(config: TrainConfig) -> None:
    loading = loading_arguments(config, "/models/base", Path("/warm/base"))
    decided = config.with_batch(lambda rows: Batch(rows, 1, False))
    shorter = decided.model_copy(update={"first": decided.first.model_copy(update={"num_train_epochs": 1})})
    assert loading_arguments(shorter, "/models/base", Path("/warm/base")) == loading
    trained = flags(build_command(training(config)))
    loaded = dict(zip([name.removeprefix("--") for name in loading[::2]], loading[1::2], strict=True))
    own = {"output_dir", "dataset", "seed"}
    assert {name: trained[name] for name in set(loaded) - own} == {name: loaded[name] for name in set(loaded) - own}


def test_a_follow_up_is_a_warm_start_with_its_own_schedule(config: TrainConfig) -> None:
    given_flags = flags(build_command(training(config, parent=Path("/adapters/pip-v1"))))
    assert given_flags["adapters"] == "/adapters/pip-v1"
    assert given_flags["num_train_epochs"] == str(config.follow_up.num_train_epochs)
    assert given_flags["learning_rate"] == str(config.follow_up.learning_rate)
    assert "max_steps" not in given_flags


def test_a_true_resume_counts_its_steps_from_where_the_checkpoint_stands(config: TrainConfig) -> None:
    resumed = replace(training(config, parent=Path("/adapters/pip-v1")), resume_from=Path("/runs/run-1/checkpoint-84"))
    given_flags = flags(build_command(resumed, resumed_step=84))
    assert given_flags["resume_from_checkpoint"] == "/runs/run-1/checkpoint-84"
    assert given_flags["max_steps"] == str(84 + resumed.new_steps)
    assert given_flags["ignore_data_skip"] == "true"
    assert given_flags["lr_scheduler_type"] == "constant"
    assert not {"adapters", "num_train_epochs"} & set(given_flags)


def test_a_follow_up_offers_each_epoch_but_the_last(config: TrainConfig) -> None:
    epochs = {"num_train_epochs": 4, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
    update = {"follow_up": config.follow_up.model_copy(update=epochs), "first_candidate_epoch": 2}
    followed = training(config.model_copy(update=update), parent=Path("/adapters/pip-v1"))
    assert followed.offered_steps == (14, 21)  # 55 rows: 14 batches, 7 steps an epoch
    given_flags = flags(build_command(followed))
    assert (given_flags["save_strategy"], given_flags["save_total_limit"]) == ("epoch", "4")


def test_a_first_run_and_a_true_resume_go_on_to_their_end(config: TrainConfig) -> None:
    assert training(config).offered_steps == ()
    resumed = replace(training(config, parent=Path("/adapters/pip-v1")), resume_from=Path("/runs/run-1/checkpoint-84"))
    assert resumed.offered_steps == ()
    assert flags(build_command(resumed))["save_strategy"] == str(config.swift["save_strategy"])


def test_general_sets_stand_beside_the_dataset_and_get_the_persona(config: TrainConfig) -> None:
    sets = (GeneralSet("rows.jsonl", 200), GeneralSet("AI-ModelScope/alpaca-gpt4-data-zh", 500))
    mixed = replace(training(config, rows=755), general_sets=sets, system_prompt="You are Pip.")
    command = build_command(mixed)
    place = command.index("--dataset")
    assert command[place + 1 :] == [
        "/runs/run-3/dataset.jsonl", f"{Path.cwd()}/rows.jsonl#200", "AI-ModelScope/alpaca-gpt4-data-zh#500",
    ]  # fmt: skip
    assert flags(command)["system"] == "You are Pip."
    assert "system" not in flags(build_command(training(config)))


def test_the_network_is_there_for_a_set_from_a_hub_alone(config: TrainConfig) -> None:
    file, hub = GeneralSet("rows.jsonl", 200), GeneralSet("hf::owner/name", 5)
    offline = environment(replace(training(config), general_sets=(file,)), {"HF_TOKEN": "t"})
    online = environment(replace(training(config), general_sets=(file, hub)), {"HF_TOKEN": "t"})
    assert offline["HF_HUB_OFFLINE"] == "1" and not {"HF_HUB_OFFLINE", "MODELSCOPE_CACHE", "HF_TOKEN"} & set(online)


def test_the_module_is_started_and_not_the_wrapper(config: TrainConfig) -> None:
    # A SIGTERM to the `swift` command leaves the training running.
    assert build_command(training(config))[1:3] == ["-m", "swift.cli.sft"]


@given(st.integers(1, 500), st.integers(1, 8), st.integers(1, 32), st.integers(1, 10))
def test_steps_cover_every_row_in_every_epoch(rows: int, batch: int, accumulated: int, epochs: int) -> None:
    change = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulated,
        "num_train_epochs": epochs,
    }
    planned = training(SMALL.model_copy(update={"first": SMALL.first.model_copy(update=change)}), rows=rows)
    a_step = batch * accumulated
    assert planned.new_steps * a_step >= rows * epochs
    assert (planned.new_steps - epochs) * a_step < rows * epochs


def test_secrets_stay_out_of_the_training(config: TrainConfig) -> None:
    inherited = {"PATH": "/bin", "MEND_SLACK__BOT_TOKEN": "xoxb", "VLLM_API_KEY": "k", "HF_TOKEN": "t", "HOME": "/h"}
    given_environment = environment(training(config), inherited)
    assert given_environment["PATH"] == "/bin"
    assert not {"xoxb", "k", "t"} & set(given_environment.values())
    assert given_environment["HF_HUB_OFFLINE"] == "1"
    assert given_environment["OMP_NUM_THREADS"] == "1"


def test_training_computes_on_what_serving_leaves_to_it() -> None:
    assert thread_count(3) == 3
    assert thread_count(0) == int(cores.reserving({})[cores.RESERVED])


@pytest.mark.parametrize(
    ("status", "tail", "words"),
    [
        (1, "OSError: [Errno 28] No space left on device", "The disk is full"),
        (1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "not enough memory"),
        (
            1,
            "MaxLengthError: Current length of row(1500) is larger than the max_length(1024).",
            "or of general_sets is longer",
        ),
        (-9, "Train: 10%", "want of memory"),
        (-11, "", "signal 11"),
        (1, "ValueError: remaining_argv: ['--no_such_flag', '1']", "does not know a flag"),
        (2, "KeyError: 'x'", "status 2: KeyError: 'x'"),
        (1, "", "it wrote nothing"),
    ],
)
def test_a_bad_ending_is_explained(status: int, tail: str, words: str) -> None:
    assert words in explain(status, tail)
