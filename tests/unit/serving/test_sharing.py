"""How training and serving share a GPU: the table is the specification."""

from pathlib import Path

import pytest

from serving import gpu_memory, sharing
from serving.sharing import Memory, Mode, choose, may_sleep
from tests.unit.serving.factories import make_settings

CAREFUL, FOUR, SIXTEEN = 16.6, 19.7, 27.7  # GB that a 7B training was measured to take, by its batch
NONE = "nothing fits"

# What fits a card of so many GB, if vLLM takes that share of it and nobody else anything: the 7B model's weights are
# 15.2 GB, so a card of 24 GB has to give vLLM most of itself.
TABLE = [
    # card, vLLM's share, one row at a time with checkpointing, four rows, sixteen rows
    (24, 0.85, Mode.SLEEP, Mode.SLEEP, NONE),
    (24, 0.90, Mode.SLEEP, Mode.SLEEP, NONE),
    (48, 0.40, Mode.BESIDE, Mode.BESIDE, Mode.BESIDE),
    (48, 0.50, Mode.BESIDE, Mode.BESIDE, Mode.SLEEP),
    (48, 0.60, Mode.BESIDE, Mode.SLEEP, Mode.SLEEP),
    (48, 0.90, Mode.SLEEP, Mode.SLEEP, Mode.SLEEP),
    (80, 0.30, Mode.BESIDE, Mode.BESIDE, Mode.BESIDE),
    (80, 0.50, Mode.BESIDE, Mode.BESIDE, Mode.BESIDE),
    (80, 0.70, Mode.BESIDE, Mode.BESIDE, Mode.SLEEP),
    (80, 0.90, Mode.SLEEP, Mode.SLEEP, Mode.SLEEP),
]


@pytest.mark.parametrize(("card", "share", "careful", "four", "sixteen"), TABLE)
def test_what_fits_a_card(card: int, share: float, careful: str, four: str, sixteen: str) -> None:
    memory = Memory(card, card * (1 - share))
    for needs, expected in ((CAREFUL, careful), (FOUR, four), (SIXTEEN, sixteen)):
        choice = choose(memory, share, needs, window=False)
        assert (choice.mode if choice.fits else NONE) == expected, choice.reason


def test_where_there_is_a_window_what_needs_sleep_waits_for_it() -> None:
    tight, roomy = Memory(24, 3.6), Memory(80, 40)
    assert choose(tight, 0.85, CAREFUL, window=True).mode is Mode.WINDOW
    assert choose(roomy, 0.5, CAREFUL, window=True).mode is Mode.BESIDE


def test_the_memory_that_others_have_taken_counts_too() -> None:
    alone, crowded = Memory(80, 40), Memory(80, 10)  # somebody else has 30 GB of the same card
    assert choose(alone, 0.5, CAREFUL, window=False).mode is Mode.BESIDE
    asleep = choose(crowded, 0.5, CAREFUL, window=False)
    assert (asleep.mode, asleep.fits) == (Mode.SLEEP, True)
    assert not choose(Memory(48, 2), 0.2, FOUR, window=False).fits


def test_on_a_card_of_its_own_training_disturbs_nobody_and_sleep_frees_nothing() -> None:
    assert choose(Memory(24, 23.6), 0.9, CAREFUL, window=False).mode is Mode.BESIDE
    assert not choose(Memory(24, 23.6), 0.9, SIXTEEN, window=False).fits


def test_what_nobody_can_measure_is_taken_for_little() -> None:
    assert choose(None, 0.5, CAREFUL, window=False).mode is Mode.SLEEP
    assert choose(None, 0.5, CAREFUL, window=True).mode is Mode.WINDOW


def test_what_the_training_may_take_goes_with_the_mode() -> None:
    assert choose(Memory(80, 40), 0.5, CAREFUL, window=False).room == 40
    assert choose(Memory(24, 3.6), 0.85, CAREFUL, window=False).room == pytest.approx(22.2)
    assert choose(None, 0.5, CAREFUL, window=False).room is None


def test_the_reason_has_the_figures() -> None:
    reason = choose(Memory(24, 3.6), 0.85, CAREFUL, window=False).reason
    assert reason == "3.6 of 24 GB are free beside vLLM, 22.2 while it sleeps, and the training needs about 16.6"
    reason = choose(Memory(24, 3.6), 0.85, SIXTEEN, window=False).reason
    assert reason.endswith("22.2 while it sleeps: too little, since the training needs about 27.7")


@pytest.mark.parametrize(
    ("device", "mode", "able"),
    [("cuda", "auto", True), ("cuda", "sleep", True), ("cuda", "window", True), ("cuda", "beside", False),
     ("cpu", "auto", False), ("cpu", "sleep", False)],
)  # fmt: skip
def test_a_server_can_sleep_where_it_may_have_to(tmp_path: Path, device: str, mode: str, able: bool) -> None:
    assert may_sleep(make_settings(tmp_path, device=device, sharing=mode)) is able


def test_the_driver_is_asked_for_the_card_that_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\ncase "$*" in *--id=1*) echo "24564, 3686";; *) echo "81559, 81079"; echo "1, 1";; esac\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    first = gpu_memory.read()
    assert first is not None and (round(first.total), round(first.free)) == (80, 79)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    second = gpu_memory.read()
    assert second is not None and (round(second.total), round(second.free, 1)) == (24, 3.6)
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert gpu_memory.read() is None
    tool.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_memory.read() is None


@pytest.mark.parametrize("table", ["", "No devices were found", "[N/A], [N/A]", "1, 2, 3"])
def test_a_card_without_figures_is_none(table: str) -> None:
    assert gpu_memory.parse(table) is None


def test_the_settings_words_are_the_modes() -> None:
    assert sharing.as_told("window", None, 0.9).mode is Mode.WINDOW
    assert not sharing.as_told("beside", None, 0.9).sleeps


def test_a_training_that_is_told_to_sleep_has_what_sleep_makes_free() -> None:
    card = Memory(80, 8)
    assert sharing.as_told("sleep", card, 0.9).room == pytest.approx(8 + 72 - sharing.ASLEEP)
    assert sharing.as_told("beside", card, 0.9).room == 8
    assert sharing.as_told("sleep", None, 0.9).room is None
