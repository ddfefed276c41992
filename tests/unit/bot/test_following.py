"""Which messages are the wish to be followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.following import wish


@pytest.mark.parametrize(
    "text", ["follow this thread", "Please follow the thread!", " Follow this conversation, please. "]
)
def test_a_wish_to_follow(text: str) -> None:
    assert wish(text) is True


@pytest.mark.parametrize("text", ["stop following", "Unfollow this thread.", "don’t follow this thread", "取消关注"])
def test_a_wish_to_stop(text: str) -> None:
    assert wish(text) is False


@pytest.mark.parametrize(
    "text", ["how do I follow this thread?", "follow this thread of thought: 1, 2", "follow me", ""]
)
def test_a_question_about_it_is_a_question(text: str) -> None:
    assert wish(text) is None


@given(st.text())
def test_nothing_but_the_exact_words_is_a_wish(text: str) -> None:
    assert wish(text + " and why is that?") is None
