"""What people are told while the model server sleeps."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.napping import STOP_WAITING, status, told, with_stop
from feedback.naps import Nap

NOW = datetime(2026, 11, 28, 2, 10, tzinfo=UTC)


def nap(left: float | None) -> Nap:
    return Nap(7, NOW, None if left is None else NOW + timedelta(seconds=left), training=True)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (None, "in a few minutes"),
        (-30, "in about a minute"),
        (20, "in about a minute"),
        (61, "in about 2 minutes"),
        (170, "in about 3 minutes"),
        (5400, "in about 90 minutes"),
    ],
)
def test_the_wait_is_told_in_whole_minutes_and_rather_too_long(left: float | None, words: str) -> None:
    assert told(nap(left), NOW) == (
        f"I am learning something new and will be back {words}. Your question waits; I answer it then."
    )
    assert status(nap(left), NOW) == f"is learning, back {words}"


def test_there_is_a_way_out_for_who_does_not_want_to_wait() -> None:
    said, row = with_stop("Wait.", 12)
    assert said["text"]["text"] == "Wait."
    (button,) = row["elements"]
    assert (button["action_id"], button["value"], button["text"]["text"]) == (STOP_WAITING, "12", "Stop waiting")
