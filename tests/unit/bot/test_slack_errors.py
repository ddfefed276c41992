"""What Slack's refusals mean, also those that are not Slack's own words."""

import itertools

import pytest

from bot.patience import TRIES, Patience
from bot.slack_errors import Trouble, code, passes, retry_after, trouble
from tests.unit.bot.fakes import proxy_error, slack_error


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/json"])
def test_a_proxys_page_is_a_hiccup_without_a_code(content_type: str) -> None:
    error = proxy_error(content_type)
    assert (code(error), trouble(error), retry_after(error)) == ("", Trouble.HICCUP, 1.0)
    assert trouble(proxy_error(content_type, 429)) is Trouble.SLOW_DOWN


@pytest.mark.parametrize("name", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
def test_slacks_own_trouble_passes(name: str) -> None:
    assert passes(slack_error(name))


def test_what_passes_is_tried_each_round_without_end() -> None:
    patience = Patience()
    for _ in range(100):
        assert patience.again("case", slack_error("internal_error")) and not patience.rests("case")


@pytest.mark.parametrize("name", ["channel_not_found", "message_not_found", "is_archived"])
def test_what_can_never_be_taken_is_let_go_at_once(name: str) -> None:
    assert not Patience().again("case", slack_error(name))


def test_an_unknown_refusal_is_tried_more_and_more_seldom_and_then_let_go() -> None:
    patience, tried = Patience(), []
    for number in range(2000):
        if patience.rests("case"):
            continue
        tried.append(number)
        if not patience.again("case", slack_error("odd_error")):
            break
    assert len(tried) == TRIES
    assert [later - earlier for earlier, later in itertools.pairwise(tried)] == [2**n for n in range(9)]
    assert not patience.rests("case")  # what comes later is tried anew
