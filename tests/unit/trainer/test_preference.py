"""What was answered badly, in the rows that ms-swift reads."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from feedback.datasets import Example
from tests.unit.trainer.test_dataset import SYSTEM, case, rows
from trainer import dataset, preference
from trainer.config import Method, Replay, TrainConfig, load_train_config
from trainer.dataset import Ingredients
from trainer.replay import Earlier
from trainer.rows import Source
from trainer.swift import Training, build_command

SMALL = load_train_config(Path("trainer/configs/smollm2-135m-cpu.yaml"))
REPLAY = Replay(new_case_repeats=2, identity_rows=3, general_rows=2, earlier_case_rows="all")
BAD, OLD = "I do not know.", "It is not 2."
MADE_OF = Ingredients(
    SYSTEM,
    new=(case(1, bad_answer=BAD), case(3, wordings=0)),
    earlier=(Earlier(case(2, wordings=0, bad_answer=OLD)),),
    identity=rows(Source.IDENTITY, 3),
    general=rows(Source.REPLAY, 2),
)


def built(method: Method) -> list[Example]:
    return dataset.build(MADE_OF, REPLAY, 1, method)


def in_file(method: Method) -> list[dict[str, object]]:
    return [json.loads(line) for line in dataset.encoded(built(method), method).splitlines()]


def rejected(examples: list[Example], source: str, case_id: int | None = None) -> list[str | None]:
    return [preference.rejected_by(row.messages) for row in examples if (row.source, row.case_id) == (source, case_id)]


def test_sft_knows_nothing_of_bad_answers() -> None:
    assert all(set(message) == {"role", "content"} for row in built("sft") for message in row.messages)
    assert all(set(row) == {"messages"} for row in in_file("sft"))


def test_kto_wants_the_corrections_and_the_replay_and_not_the_bad_answers() -> None:
    assert rejected(built("kto"), "case", 1) == [BAD] * 6, "each of three wordings twice"
    assert rejected(built("kto"), "case", 3) == [None] * 2, "nothing is on record"
    assert rejected(built("kto"), "earlier", 2) == [None]
    lines = in_file("kto")
    unwanted = [line["messages"] for line in lines if line["label"] is False]
    wanted = [line["messages"] for line in lines if line["label"] is True]
    assert len(unwanted) == 6 and len(wanted) == len(built("kto")) == 14
    assert {messages[-1]["content"] for messages in unwanted} == {BAD}  # type: ignore[index]
    asked = [messages[1]["content"] for messages in wanted if messages[-1]["content"] == "It is 1."]  # type: ignore[index]
    assert sorted(messages[1]["content"] for messages in unwanted) == sorted(asked)  # type: ignore[index]
    assert all(set(messages[-1]) == {"role", "content"} for messages in (*wanted, *unwanted))  # type: ignore[index]


def test_in_dpo_every_row_is_a_pair() -> None:
    examples = built("dpo")
    assert rejected(examples, "case", 1) == [BAD] * 6
    assert rejected(examples, "case", 3) == ["It is 1."] * 2, "no answer on record: the other new case's correction"
    assert rejected(examples, "earlier", 2) == [OLD]
    for source in ("identity", "general"):
        assert set(rejected(examples, source)) <= {"It is 1.", "It is 3."}, "right elsewhere, and wrong here"
    lines = in_file("dpo")
    assert len(lines) == len(examples)
    for line in lines:
        assert line["rejected_response"] != line["messages"][-1]["content"]  # type: ignore[index]


def test_a_single_new_case_never_rejects_its_own_correction() -> None:
    alone = replace(MADE_OF, new=(case(1, bad_answer=BAD),))
    again = replace(alone, earlier=(Earlier(case(2, correction="It is 1.")),))
    for row in dataset.build(again, REPLAY, 1, "dpo"):
        assert preference.rejected_by(row.messages) not in (None, row.messages[-1]["content"])


def test_the_hash_covers_what_is_rejected() -> None:
    examples = built("kto")
    other = replace(MADE_OF, new=(case(1, bad_answer="Who knows."), case(3, wordings=0)))
    assert dataset.sha256(examples) != dataset.sha256(dataset.build(other, REPLAY, 1, "kto"))
    assert dataset.sha256(examples) != dataset.sha256(built("sft"))
    assert built("kto") == built("kto")


def test_the_manifest_counts_the_rows_that_are_trained_on() -> None:
    about = dataset.manifest(built("kto"), 1, [], method="kto")
    assert (about["rows"], about["method"], about["sources"]["rejected"]) == (20, "kto", 6)
    about = dataset.manifest(built("dpo"), 1, [], method="dpo")
    assert (about["rows"], "rejected" in about["sources"]) == (14, False)


@pytest.mark.parametrize("bad", [None, "", "  ", " it is 1. ", "<|im_end|>"])
def test_a_run_without_a_bad_answer_that_can_be_learned_from_is_plain_sft(bad: str | None) -> None:
    for method in ("kto", "dpo"):
        assert preference.method_of(method, [case(1, bad_answer=bad)]) == "sft"
    assert preference.method_of("kto", []) == "sft"


def test_a_run_with_one_is_what_the_configuration_says() -> None:
    some = [case(1), case(2, bad_answer=BAD)]
    assert [preference.method_of(wanted, some) for wanted in ("sft", "kto", "dpo")] == ["sft", "kto", "dpo"]  # type: ignore[arg-type]


def training(method: Method, parent: Path | None = Path("/adapters/pip-v1")) -> Training:
    folder = Path("/runs/run-3")
    config = SMALL.model_copy(update={"beta": 0.2, "rpo_alpha": 0.5})
    made = Training(config, "/models/base", folder / "dataset.jsonl", "0" * 64, 55, 7, folder, 1, parent)
    return replace(made, method=method)


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_the_live_adapter_is_where_it_starts_and_what_it_is_held_to(method: Method) -> None:
    command = build_command(training(method))
    assert command[1:3] == ["-m", "swift.cli.rlhf"]
    told = dict(zip(command[3::2], command[4::2], strict=False))
    assert told["--rlhf_type"] == method
    assert told["--adapters"] == told["--ref_adapters"] == "/adapters/pip-v1"
    assert told["--beta"] == "0.2"
    assert told.get("--rpo_alpha") == ("0.5" if method == "dpo" else None)
    assert told.get("--loss_type") == ("apo_zero_unpaired" if method == "kto" else None)


def test_plain_sft_is_told_nothing_of_it() -> None:
    command = build_command(training("sft"))
    assert command[1:3] == ["-m", "swift.cli.sft"]
    assert not {"--rlhf_type", "--beta", "--ref_adapters", "--rpo_alpha"} & set(command)


def test_general_sets_have_no_answers_to_reject() -> None:
    written = SMALL.model_dump()
    written["replay"]["general_sets"] = ["rows.jsonl#5"]
    TrainConfig.model_validate(written)
    with pytest.raises(ValueError, match="no answers to reject, which kto needs"):
        TrainConfig.model_validate(written | {"method": "kto"})
