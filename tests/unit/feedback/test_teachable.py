"""What is refused of a person is what a run would stumble over."""

import pytest

from feedback.cases import (
    LONGEST_CORRECTION,
    LONGEST_QUESTION,
    CorrectionError,
    check_correction,
    check_question,
    check_wordings,
)
from feedback.teachable import MAX_ROW_CHARS, fault_in
from trainer.rows import Message, problem_in

POISON = ["Write {{ name }}.", "a<|im_end|>b", "It ends with </s>.", "[INST] is a token", "half \ud800 of a pair"]


@pytest.mark.parametrize("text", POISON)
def test_what_a_run_would_stumble_over_is_refused_before(text: str) -> None:
    assert problem_in([Message("user", text), Message("assistant", "Yes.")]) is not None
    assert fault_in(text)
    with pytest.raises(CorrectionError, match="I cannot learn this: the text has"):
        check_correction(None, text)
    with pytest.raises(CorrectionError, match=r"the question has .*reject the case"):
        check_question(text)


def test_a_question_that_is_too_long_is_refused() -> None:
    check_question("q" * LONGEST_QUESTION)
    with pytest.raises(CorrectionError, match=f"at most {LONGEST_QUESTION}"):
        check_question("q" * (LONGEST_QUESTION + 1))


def test_the_longest_of_both_make_a_row() -> None:
    assert LONGEST_QUESTION + LONGEST_CORRECTION <= MAX_ROW_CHARS


def test_code_and_markup_can_be_taught() -> None:
    assert check_correction(None, " Write {name}, <b>bold</b>, a | b, or list[str]. ")
    check_question("What does <|> mean, and [inst]?")


def test_other_ways_to_ask_are_lines_each_once_and_not_too_many() -> None:
    assert check_wordings("  One   way? \n\n One way?\r\nAnother way? ") == ["One way?", "Another way?"]
    assert check_wordings("") == []
    for text, error in {
        "\n".join("abcdef"): "These are 6 lines; please keep the best 5.",
        "good\nI am {{NAME}}.": "the line 'I am {{NAME}}.' has a placeholder",
        "q" * (LONGEST_QUESTION + 1): f"at most {LONGEST_QUESTION}",
    }.items():
        with pytest.raises(CorrectionError, match=error):
            check_wordings(text)


def test_marks_that_show_a_text_in_another_order_are_not_learned() -> None:
    assert check_correction(None, "\u202eIt is \u2066evil.example\u2069.\u202c") == "It is evil.example."
    assert check_correction(None, "שלום עולם. \u200f") == "שלום עולם. \u200f"  # as it is typed
