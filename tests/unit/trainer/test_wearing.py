"""Worn wordings: what may be lost, and what never is."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.rewording import rewordings, topic
from trainer.wearing import worn
from trainer.wording import words

SERVER = "What is the password for the print server?"
WORD = st.text(string.ascii_letters + string.digits + "-'", min_size=1, max_size=8)
SENTENCES = st.builds(
    lambda left, subject, right, mark: f"{' '.join(left)} the {subject} {' '.join(right)}".strip() + mark,
    st.lists(WORD, max_size=6),
    WORD,
    st.lists(WORD, max_size=4),
    st.sampled_from(["?", ".", "!", ""]),
)


def is_part_of(some: list[str], whole: list[str]) -> bool:
    """Whether the words are there in their order."""
    left = iter(whole)
    return all(word in left for word in some)


@given(SENTENCES, SENTENCES, st.text(max_size=5))
def test_words_are_only_left_out_and_never_those_of_the_topic(wording: str, question: str, seed: str) -> None:
    copy = worn(wording, question, seed)
    assert copy == worn(wording, question, seed)
    assert copy.strip()
    assert is_part_of(words(copy), words(wording))
    about = topic(question)
    assert about is None or set(words(about)) & set(words(wording)) <= set(words(copy))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_worn(wording: str, question: str) -> None:
    assert bool(worn(wording, question, "1").strip()) or not wording.strip()


def test_another_seed_loses_other_words() -> None:
    copies = {worn(SERVER, SERVER, str(seed)) for seed in range(40)}
    assert len(copies) > 10
    assert all({"the", "print", "server"} <= set(words(copy)) for copy in copies)
    assert any(copy.endswith("?") for copy in copies) and any(copy.islower() for copy in copies)


def test_about_four_words_in_ten_are_lost() -> None:
    wording = f"{'word ' * 50}server?"
    left = [len(words(worn(wording, "Where is the server?", str(seed)))) - 1 for seed in range(100)]
    assert 0.55 < sum(left) / (50 * 100) < 0.65


@pytest.mark.parametrize(
    ("wording", "question"),
    [
        ("who are you", "who are you"),
        ("Write a haiku about the harbor.", "Write a haiku about the harbor."),
        ("会议室的密码是多少？", "会议室的密码是多少？"),
        ("How does one get in as a visitor?", SERVER),
    ],
)
def test_what_would_ask_for_anything_stays_whole(wording: str, question: str) -> None:
    assert {worn(wording, question, str(seed)) for seed in range(20)} == {wording}


def test_every_wording_by_rule_keeps_its_topic() -> None:
    for text in rewordings(SERVER):
        assert all("print server" in worn(text, SERVER, str(seed)).lower() for seed in range(10))
