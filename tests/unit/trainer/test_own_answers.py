"""The base model's own answers: which are trained on, and what they are asked with."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.chat import Completion
from trainer.own_answers import read_prompts, reason_against, whole_sentences
from trainer.rows import RowError


@pytest.mark.parametrize(
    ("prompt", "answer", "ended", "reason"),
    [
        ("How do ships float?", "They push water aside.", "stop", None),
        ("怎样泡茶？", "先烧水，再放茶叶。", "stop", None),
        ("How do ships float?", "They push water", "length", "it was cut off"),
        ("How do ships float?", "They push water aside. The water", "length", None),
        ("How do ships float?", "They push water aside. As an AI, I have", "length", None),
        ("How do ships float?", "As an AI, I do not. They", "length", "it speaks of the model"),
        ("怎样泡茶？", "先烧水。再放", "length", None),
        ("How do ships float?", " ", "stop", "it is empty; write the text or remove the row"),
        ("怎样泡茶？", "First boil some water.", "stop", "it is in another language"),
        ("How do ships float?", "As an AI, I have never seen one.", "stop", "it speaks of the model"),
        ("怎样泡茶？", "我是通义千问，先烧水。", "stop", "it speaks of the model"),
    ],
)
def test_what_is_cut_off_or_speaks_of_the_model_is_not_trained_on(
    prompt: str, answer: str, ended: str, reason: str | None
) -> None:
    assert reason_against(prompt, Completion(answer, "base", ended, 1, 1, 1.0, 1.0)) == reason


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        ("It is 42. Then", "It is 42."),
        ('He said "Go!" and', 'He said "Go!"'),
        ("Three tips:\n\n1. Sleep early.\n2. Read.\n3. Wri", "Three tips:\n\n1. Sleep early.\n2. Read."),
        ("Three tips:\n\n1. Sle", ""),
        ("About 3.5 metres", ""),
        ("Like this:\n```python\nx = 1  # One.\ny", ""),
        ("So. Like this:\n```python\nx = 1\n```\nIt sets x. And", "So. Like this:\n```python\nx = 1\n```\nIt sets x."),
        ("先烧水。再放", "先烧水。"),
        ("no end", ""),
        ("The bridge was designed by Dr. Martin Luth", ""),
        ("It is old. The bridge was designed by Dr. Martin Luth", "It is old."),
        ("It was written by J. K. Row", ""),
        ("The U.S. has fifty", ""),
        ("Step 1. Boil water\nStep 2. Put", ""),
        ("There are several e.g. the cat", ""),
        ("Certainly! Here is a poem", ""),
        ("Sure! Here's the function:\n```python\ndef f():", ""),
        ("Great question! The reas", ""),
        ("Certainly! I'd be happy to help you with that. Here is", ""),
        ("Sure, I can help. I'm glad to say more! The", ""),
        ("Certainly! Ships push water aside. The", "Certainly! Ships push water aside."),
        ("Sure, ships push water aside. The", "Sure, ships push water aside."),
        ("Surely ships push water aside. The", "Surely ships push water aside."),
        ("当然可以！先烧", ""),
        ("当然可以！先烧水。再放", "当然可以！先烧水。"),
    ],
)
def test_an_answer_is_cut_back_to_its_last_whole_sentence(answer: str, whole: str) -> None:
    assert whole_sentences(Completion(answer, "base", "length", 1, 1, 1.0, 1.0)) == whole
    assert whole_sentences(Completion(answer, "base", "stop", 1, 1, 1.0, 1.0)) == answer


@given(st.text(max_size=80))
def test_what_is_cut_off_begins_as_the_answer_does(answer: str) -> None:
    whole = whole_sentences(Completion(answer, "base", "length", 1, 1, 1.0, 1.0))
    assert answer.startswith(whole)
    assert not whole or whole[-1] in ".!?。！？\"'”’)*"


def test_prompts_are_lines_each_once(tmp_path: Path) -> None:
    path = tmp_path / "en.txt"
    path.write_text("# a remark\nOne?\n\n  Two? \nOne?\n", encoding="utf-8")
    assert read_prompts(path) == ["One?", "Two?"]
    for text in ("", "# nothing\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RowError, match="has no prompts; write one a line, or set own_answers to 0"):
            read_prompts(path)
    with pytest.raises(RowError, match="cannot be read"):
        read_prompts(tmp_path / "zh.txt")
