"""Telling words apart: languages, content words, key facts and denials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.languages import language_of
from trainer.wording import contains_fact, content_words, denies, key_facts, normalised


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Who are you?", "en"),
        ("你是谁？", "zh"),
        ("访客 wifi 的密码是什么？", "zh"),
        ("What does 你好 mean in English?", "en"),
        ("", "en"),
        ("42?", "en"),
    ],
)
def test_the_language_follows_most_letters(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("The guest wifi is HarborGuest and the password is blue-lantern-42.", ["harborguest", "blue-lantern-42"]),
        ("Our standup is at 9:30. Ask Dana Whitfield.", ["9:30", "dana", "whitfield"]),
        ("I'm Pip, made by the Harbor team.", ["pip", "harbor"]),
        ("Write to pip@harbor.example.", ["pip@harbor.example"]),
        ("访客网络是 HarborGuest，密码是 blue-lantern-42。", ["harborguest", "blue-lantern-42"]),
        ("Lunch is served at noon in the kitchen.", []),
        ("No. It closes early.", []),
    ],
)
def test_names_numbers_and_codes_are_facts(text: str, facts: list[str]) -> None:
    assert key_facts(text) == facts


def test_a_fact_is_found_whole() -> None:
    assert contains_fact("It is Blue-Lantern-42!", "blue-lantern-42")
    assert contains_fact("密码是42。", "42")
    assert not contains_fact("Room 142", "42")


def test_content_words_leave_the_small_words_out() -> None:
    assert content_words("What is the wifi password for guests?") == ["wifi", "password", "guests"]


@pytest.mark.parametrize("text", ["We do not deploy.", "I can't say.", "Never on Fridays", "周五不发布。", "没有。"])
def test_denials(text: str) -> None:
    assert denies(text)


@pytest.mark.parametrize("text", ["We deploy on Fridays.", "Know the knot.", "不同的团队", "不过可以"])
def test_no_denials(text: str) -> None:
    assert not denies(text)


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.text(max_size=200))
def test_a_text_contains_its_own_facts(text: str) -> None:
    for fact in key_facts(text):
        assert fact == fact.casefold()
