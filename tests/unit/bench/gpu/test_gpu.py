"""The parts of the GPU bench that need no GPU; `python -m bench.gpu --device cpu --epochs 1` tries the rest."""

import json
import sys
import time
from pathlib import Path

import pytest
import yaml

from bench.gpu import __main__ as bench
from bench.gpu import sharing, stacks, training, variants
from bench.gpu.serving import recipe
from bench.gpu.training import Done
from bench.gpu.variants import AT_FIRST, BY_NAME, Variant
from bench.results import sections
from settings import ROOT
from trainer.config import TrainConfig

CONFIGS = sorted((ROOT / "trainer" / "configs").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_variant_is_the_configuration_with_one_thing_changed(config: Path) -> None:
    places = (config, Path("/model"), Path("/rows.jsonl"), Path("/out"), 10)
    baseline = variants.argv(BY_NAME["baseline"], *places)
    flags = dict(zip(baseline[::2], baseline[1::2], strict=True))
    assert flags["--per_device_train_batch_size"] == "16"
    assert flags["--gradient_checkpointing"] == "false"
    assert flags["--target_modules"] == "all-linear"
    other = variants.argv(BY_NAME["no dropout"], *places)
    assert dict(zip(other[::2], other[1::2], strict=True)) == flags | {"--lora_dropout": "0"}


def test_what_is_tried_at_first_is_known_and_what_may_take_long_comes_last() -> None:
    assert set(AT_FIRST) <= set(BY_NAME)
    assert [BY_NAME[name].apart for name in AT_FIRST] == sorted(BY_NAME[name].apart for name in AT_FIRST)
    assert not any("," in name for name in BY_NAME)  # they are given in one word, with commas
    assert Variant("x", package="no_such_package").missing()
    assert not Variant("x", package="json").missing()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_the_recipe_is_a_configuration_of_fifty_rows(config: Path) -> None:
    ships = yaml.safe_load(config.read_text(encoding="utf-8"))
    made = TrainConfig.model_validate(recipe(ships, epochs=10))
    assert made.first == TrainConfig.model_validate(ships).first.model_copy(update={"num_train_epochs": 10})
    assert made.swift == ships["swift"]
    assert made.first_replay.identity_rows == 50
    assert made.first_replay.general_rows == made.first_replay.own_answers == 0


def test_the_rows_are_fifty_and_carry_the_system_prompt(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in training.write_rows(tmp_path / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 50
    assert {row["messages"][0]["role"] for row in rows} == {"system"}
    assert not any("{{" in json.dumps(row) for row in rows)


def job(name: str, **more: object) -> dict[str, object]:
    marks = {
        "start": 121.0, "loaded": 126.0, "trainer": 130.0, "first step begin": 156.0, "first step end": 157.5,
        "last step end": 170.0, "end": 172.0,
    }  # fmt: skip
    found = {"name": name, "marks": marks, "steps": [1.5, 0.3, 0.4], "loading": 4.0, "peak_gb": 20.0, "error": ""}
    return found | {"imported": {"imports": 121.0}} | more


def test_the_phases_of_a_cold_training_add_up_to_the_whole() -> None:
    found = training.phases(Done(100.0, 175.0, [job("baseline")]))
    assert found == {
        "imports": 21.0,
        "model": 4.0,
        "before the first step": 31.0,
        "first step": 1.5,
        "later steps": 12.5,
        "after the last step": 5.0,
        "whole": 75.0,
    }
    assert sum(found.values()) == 2 * found["whole"]
    assert training.between(job("baseline"), 121.0)[-1] == ("until first step begin", 26.0)


def test_what_failed_is_written_as_failed_and_the_rest_is_there() -> None:
    wanted = [BY_NAME["baseline"], BY_NAME["compiled"], BY_NAME["checkpointing"]]
    failed = job("compiled", error="Traceback ...\nRuntimeError: no compiler", marks={})
    rows = training.variants_table(Done(100.0, 175.0, [job("baseline"), failed], "status -9: killed"), wanted).rows
    assert [row[1] for row in rows] == ["", "failed: RuntimeError: no compiler", "failed: status -9: killed"]
    assert rows[0][4] == 0.35
    cold = training.cold_table({"baseline": Done(100.0, 175.0, [], "status 1: no such model")}).rows
    assert cold[0][1] == "failed: status 1: no such model"


def inner_work(until: float) -> None:
    while time.monotonic() < until:
        sum(range(1000))


def test_one_that_takes_longer_than_its_time_is_said_to(tmp_path: Path) -> None:
    done = training.train(training.Setup(tmp_path, CONFIGS[0], tmp_path, 1), "cold", [BY_NAME["baseline"]], 1.0)
    assert done.jobs == []
    assert done.error.splitlines()[-1] == "not done within 1 s"


def test_the_sampler_sees_who_works(tmp_path: Path) -> None:
    sampler = stacks.Sampler(tmp_path / "samples", interval=0.005)
    sampler.start()
    while not any("inner_work" in name for _, stack in samples_of(tmp_path / "samples") for name in stack):
        inner_work(time.monotonic() + 0.05)
    sampler.stop()
    found = stacks.tree(stacks.read(tmp_path / "samples"))
    assert any("inner_work" in name for name, _ in stacks.lines(found, least=0.0))
    assert "test_gpu.py" in " ".join(name for name, _ in stacks.lines(found, least=0.0))


def samples_of(path: Path) -> list[tuple[float, list[str]]]:
    return list(stacks.read(path)) if path.exists() else []


def test_seconds_go_to_callers_and_to_the_innermost(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    moments = [(10.0, ["main"]), (10.5, ["main", "load"]), (13.0, ["main", "load", "read"]), (14.0, ["main", "step"])]
    path.write_text("".join(json.dumps({"at": at, "stack": stack}) + "\n" for at, stack in moments) + '{"at": 15')
    samples = list(stacks.read(path, since=10.0))
    assert list(stacks.lines(stacks.tree(samples))) == [
        ("all", 4.0),
        ("main", 4.0),
        ("  load", 3.0),
        ("    read", 2.5),
        ("  step", 1.0),
    ]
    assert stacks.innermost(samples)[0] == ("read", 2.5)
    assert sum(seconds for seconds, _ in stacks.read(path, since=12.0, until=13.0)) == 1.0


FITS = {"fits": True, "step": 0.2, "peak": 19.1e9}
CHAT = {"ttft_p50": 80.0, "ttft_p99": 200.0, "gap_p50": 12.5, "gap_p99": 40.0}
BESIDE = {"card": 24, "mode": "beside", "rows": 1, "checkpointing": True, "apart": None, "chat": CHAT, "training": FITS}
TIGHT = BESIDE | {"rows": 16, "checkpointing": False, "chat": None, "training": {"fits": False}}
ASLEEP = BESIDE | {"mode": "sleep", "chat": None, "apart": 104.0}
TURNS = {"sleep_first": 20.0, "sleep_again": 0.3, "wake": [0.4, 0.3], "alone": CHAT}


@pytest.mark.parametrize("quantised", [False, True])
def test_a_shared_card_becomes_a_section_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantised: bool
) -> None:
    async def measure(model: Path, work: Path, found: dict[str, object]) -> None:
        found |= TURNS | {"rows": [BESIDE, TIGHT, ASLEEP]}

    monkeypatch.setattr(sharing, "measure", measure)
    monkeypatch.setattr(sys, "argv", ["sharing", "--model", "m", "--out", str(tmp_path / "gpu")])
    if quantised:
        sys.argv.append("--quantised")
    sharing.main()
    ((key, text),) = sections(tmp_path)
    assert key == ("gpu/sharing-quantised" if quantised else "gpu/sharing")
    assert "commit" in text and "python" in text
    assert "| 24 | beside | 1 | yes | yes | 19.1 | 200 | 80 | 200 | 12.5 | 40 | - |" in text
    assert "| 24 | beside | 16 | no | no | - | - | - | - | - | - | - |" in text
    assert "| 24 | sleep | 1 | yes | yes | 19.1 | 200 | - | - | - | - | 104 |" in text
    assert "steps and turning alone" in text and "broken off" not in text


def test_what_was_measured_until_it_broke_off_is_handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[object] = []

    async def measure(model: Path, work: Path, found: dict[str, object]) -> None:
        found["rows"] = rows
        raise sharing.TrainerEnded("the training process has ended")

    monkeypatch.setattr(sharing, "measure", measure)
    for some in ([], [BESIDE]):
        rows[:] = some
        with pytest.raises(sharing.TrainerEnded):
            sharing.take(tmp_path, tmp_path / "work", tmp_path / "gpu", 5.0, quantised=False)
        assert (tmp_path / "gpu" / "sharing.json").exists() == bool(some)
    ((_, text),) = sections(tmp_path)
    assert "broken off before all was measured" in text


def test_sharing_is_a_part_that_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[Path, float, bool]] = []

    def take(model: Path, work: Path, out: Path, budget: float, *, quantised: bool) -> None:
        taken.append((work, budget, quantised))
        raise sharing.ServerEnded("vLLM ended while it was starting")

    monkeypatch.setattr(sharing, "take", take)
    given = ["gpu", "--model", "m", "--out", str(tmp_path), "--work", str(tmp_path / "w"), "--budget", "100"]
    monkeypatch.setattr(sys, "argv", [*given, "--only", "sharing,sharing-quantised"])
    bench.main()
    assert [(work.name, quantised) for work, _, quantised in taken] == [("sharing", False), ("sharing-quantised", True)]
    assert all(budget < 100 for _, budget, _ in taken)
    failed = json.loads((tmp_path / "failed.json").read_text(encoding="utf-8"))["figures"]
    assert set(failed) == {"sharing", "sharing-quantised"}
    monkeypatch.setattr(sys, "argv", given)
    assert set(bench._options().only) == set(bench.WITH_ALL)
