"""How a training shares the GPU: what the choice is made by."""

import os
from pathlib import Path

import pytest

from serving.sharing import Memory, Mode
from settings import ServingSettings, Settings
from trainer.config import load_train_config
from trainer.sharing import chosen

ROOT = Path(__file__).parents[3]
QWEN = load_train_config(ROOT / "trainer" / "configs" / "qwen2.5-7b-instruct.yaml")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder whose weights are as large as those that were measured, and take no room."""
    (tmp_path / "model.safetensors").touch()
    os.truncate(tmp_path / "model.safetensors", 15_230_000_000)
    return tmp_path


@pytest.mark.parametrize(("longest", "mode"), [(65, Mode.BESIDE), (2048, Mode.SLEEP)])
def test_long_rows_let_the_server_sleep_where_short_ones_fit_beside_it(base: Path, longest: int, mode: Mode) -> None:
    settings = Settings(serving=ServingSettings(device="cuda", gpu_memory_utilization=0.75))
    choice = chosen(settings, QWEN, base, "follow_up", longest, lambda: Memory(80, 20))
    assert (choice.mode, choice.fits) == (mode, True)
