"""Warm or cold: what decides."""

from pathlib import Path

import pytest

from settings import Settings
from tests.unit.serving.factories import make_base
from trainer.config import load_train_config, weight_bytes
from trainer.trainers import decide, hindrance, warm_folder

ROOT = Path(__file__).parents[3]
SMALL = load_train_config(ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml")


@pytest.mark.parametrize(
    ("wanted", "hindered", "free", "said"),
    [
        ("auto", "", 3_000_000_000, "warm: 3.0 GB are free, and 2.0 GB are wanted"),
        ("auto", "", 1_000_000_000, "cold: 1.0 GB are free, and 2.0 GB are wanted"),
        ("auto", "", None, "cold: how much memory is free is not known"),
        ("warm", "", 0, "warm: MEND_TRAINING__TRAINER is warm"),
        ("cold", "", 9_000_000_000, "cold: MEND_TRAINING__TRAINER is cold"),
        ("warm", "it cannot be", 9_000_000_000, "cold: it cannot be"),
    ],
)
def test_the_settings_or_the_memory_decide(wanted: str, hindered: str, free: int | None, said: str) -> None:
    assert str(decide(wanted, hindered, 2e9, free)) == said  # type: ignore[arg-type]


def test_a_true_resume_and_a_set_from_a_hub_are_cold() -> None:
    settings = Settings()
    assert hindrance(settings, SMALL) == ""
    resumes = settings.model_copy(update={"training": settings.training.model_copy(update={"resume": "true"})})
    assert "resume" in hindrance(resumes, SMALL)
    for name, why in (("rows.jsonl#5", ""), ("AI-ModelScope/alpaca-gpt4-data-zh#5", "network")):
        mixed = SMALL.model_copy(update={"replay": SMALL.replay.model_copy(update={"general_sets": (name,)})})
        assert (why in hindrance(settings, mixed)) and bool(hindrance(settings, mixed)) == bool(why)


def test_the_size_of_a_base_is_that_in_the_type_it_is_trained_in(tmp_path: Path) -> None:
    base = make_base(tmp_path)
    assert weight_bytes(base, SMALL) == 4 * 2 * 6 * 4
    half = SMALL.model_copy(update={"swift": {**SMALL.swift, "torch_dtype": "bfloat16"}})
    assert weight_bytes(base, half) == 2 * 2 * 6 * 4


def test_workers_of_two_queues_do_not_share_a_folder() -> None:
    settings = Settings()
    other = settings.model_copy(update={"redis": settings.redis.model_copy(update={"queue": "a/b c"})})
    assert warm_folder(settings).name == "warm-mend-training"
    assert warm_folder(other).name == "warm-a_b_c"
