"""When the plot of an admin's Home is drawn anew, and what is said of one that lags."""

import json
from datetime import timedelta

import pytest

from bot.figures import ThumbsDown, thumbs_of
from bot.thumbs_plot import MAY_LAG, STAYS, Plot, is_due

DRAWN = ThumbsDown("Answers thumbed down", ("base model", "v1"), (1, 0), (4, 2))
LATER = ThumbsDown(DRAWN.title, DRAWN.versions, (1, 1), (4, 3))
NEXT = ThumbsDown(DRAWN.title, (*DRAWN.versions, "v2"), (1, 1, 0), (4, 3, 1))
SOON, LONG = STAYS / 2, STAYS


@pytest.mark.parametrize(
    ("now", "age", "due"),
    [(DRAWN, LONG, False), (LATER, SOON, False), (LATER, LONG, True), (NEXT, timedelta(0), True)],
)
def test_other_numbers_wait_and_another_version_does_not(now: ThumbsDown, age: timedelta, due: bool) -> None:
    assert is_due(DRAWN, now, age) is due


def test_a_picture_keeps_the_words_of_what_is_on_it() -> None:
    picture, note = Plot("thumbs pip", LATER, DRAWN, "F1", due=False).blocks
    assert picture["alt_text"] == DRAWN.alt_text and MAY_LAG in str(note)
    assert len(Plot("thumbs pip", DRAWN, DRAWN, "F1", due=False).blocks) == 1
    (table,) = Plot("thumbs pip", LATER, DRAWN, "F1", due=True).as_table.blocks
    assert "v1: 1 of 3 answers" in str(table)


def test_a_figure_comes_back_from_what_was_kept_of_it() -> None:
    assert thumbs_of(json.loads(LATER.as_json)) == LATER
