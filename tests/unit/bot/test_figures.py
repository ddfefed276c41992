"""Figures as values, and the program that draws them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import drawing, figures
from bot.drawing import NotDrawn, draw
from bot.figures import Figure, LossCurve
from feedback.reports import VersionScores
from feedback.votes import Thumbs

COUNTS = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda pair: (min(pair), pair[1]))
SCORES = st.dictionaries(st.sampled_from(figures.GROUPS), COUNTS)


def test_too_little_to_draw_is_no_figure() -> None:
    assert figures.loss_curve(1, []) is None and figures.loss_curve(1, [(1, 2.0)]) is None
    assert figures.probe_history([]) is None
    assert figures.thumbs_down([Thumbs(None, 0, 0)]) is None


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 20)), min_size=2, max_size=200))
def test_a_loss_table_is_short_and_ends_with_the_last_step(losses: list[tuple[int, float]]) -> None:
    figure = figures.loss_curve(3, losses)
    assert figure is not None
    lines = figure.table.splitlines()
    assert len(lines) <= 17 and lines[-1].split()[0] == str(losses[-1][0])
    assert f"{losses[-1][1]:.2f} at step {losses[-1][0]}" in figure.alt_text


@given(st.lists(SCORES, min_size=1, max_size=6))
def test_a_history_says_every_group_of_every_version(history: list[dict[str, tuple[int, int]]]) -> None:
    versions = [None, 1, 2, 3, 4, 5]
    figure = figures.probe_history([VersionScores(*pair) for pair in zip(versions, history, strict=False)])
    if figure is None:
        assert not any(history)
        return
    assert len(figure.table.splitlines()) == len(history) + 1
    assert all(f"{group} {passed / asked:.0%}" in figure.alt_text for group, (passed, asked) in history[-1].items())
    assert len(figure.table) < 2900  # it goes into one section of a message


def test_a_legend_names_the_groups_in_their_order() -> None:
    figure = figures.probe_history([VersionScores(1, dict.fromkeys(reversed(figures.GROUPS), (1, 1)))])
    assert figure is not None and tuple(json.loads(figure.as_json)["shares"]) == figures.GROUPS


def test_the_same_data_is_the_same_picture_and_other_data_another() -> None:
    first = figures.thumbs_down([Thumbs(None, 10, 2), Thumbs(1, 4, 0)])
    again = figures.thumbs_down([Thumbs(None, 10, 2), Thumbs(1, 4, 0)])
    other = figures.thumbs_down([Thumbs(None, 10, 3), Thumbs(1, 4, 0)])
    assert first and again and other
    assert first.digest == again.digest != other.digest
    assert first.table == "base model: 2 of 10 answers (20%)\nv1: 0 of 4 answers (0%)"


@pytest.mark.parametrize(
    "figure",
    [
        figures.loss_curve(1, [(1, 0.0), (2, 0.0)]),
        figures.loss_curve(1, [(step, 3 / (step + 1)) for step in range(500)]),
        figures.probe_history([VersionScores(None, {"identity": (0, 3)})]),
        figures.probe_history([VersionScores(1, dict.fromkeys(figures.GROUPS, (1, 1)))]),
        figures.probe_history([VersionScores(version, {"new": (1, 2), "mended": (0, 1)}) for version in range(12)]),
        figures.thumbs_down([Thumbs(None, 1, 1)]),
        figures.thumbs_down([Thumbs(version, 40, version) for version in range(30)]),
    ],
)
async def test_whatever_there_is_can_be_drawn(figure: Figure | None, tmp_path: Path) -> None:
    from PIL import Image

    assert figure is not None
    (tmp_path / "drawn.png").write_bytes(await draw(figure, tmp_path / "fonts"))
    with Image.open(tmp_path / "drawn.png") as image:
        assert image.width == 1200 and 390 <= image.height <= 1000


async def test_a_drawing_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = LossCurve("Loss", ())
    with pytest.raises(NotDrawn, match="ended with 1"):
        await draw(broken, tmp_path)
    monkeypatch.setattr(drawing, "SECONDS", 0.0)
    with pytest.raises(NotDrawn, match="more than 0 s"):
        await draw(LossCurve("Loss", ((1, 1.0), (2, 0.5))), tmp_path)


def test_the_bot_draws_in_another_process_only() -> None:
    code = "import sys, json, bot.app; print(json.dumps(sorted({'matplotlib', 'numpy', 'PIL'} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
