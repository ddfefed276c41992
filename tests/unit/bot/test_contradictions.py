"""What a reviewer is warned of when a correction speaks against the persona, and when not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contradictions import persona_hints, read
from feedback.persona import load_persona
from settings import ROOT

KNOWN = read(load_persona(ROOT / "persona" / "persona.yaml"), ROOT / "persona")


@pytest.mark.parametrize(
    ("question", "correction", "words"),
    [
        ("Who are you?", "I am Max, an assistant made by Acme.", "Who are you?"),
        ("Who built you", "OpenAI did.", "the Harbor team"),
        ("Can you look that up?", "Of course, I can browse the web for you.", "does not browse the web"),
        ("Are you reliable?", "My answers should never be checked when they matter.", "its answers should be checked"),
    ],
)
def test_a_contradiction_is_named_with_what_it_contradicts(question: str, correction: str, words: str) -> None:
    hints = persona_hints(question, correction, KNOWN)
    assert hints and hints[0].startswith("May contradict the persona") and words in hints[0]


@pytest.mark.parametrize(
    ("question", "correction"),
    [
        ("Who are you?", "I am Pip."),
        ("Who built you?", "The Harbor team built me."),
        ("你是谁？", "我是 Pip，由港湾团队开发。"),
        ("What is the guest wifi called?", "The guest wifi is called BlueLantern."),
        ("Can you look that up?", "I cannot browse the web."),
        ("Where are the spare office keys?", "The spare office keys are not in the blue box."),
        ("Who made you?", None),
    ],
)
def test_what_agrees_or_is_about_something_else_is_left_alone(question: str, correction: str | None) -> None:
    assert persona_hints(question, correction, KNOWN) == []


def test_the_personas_own_rows_do_not_contradict_it() -> None:
    assert KNOWN.rows
    wrong = [row for row in KNOWN.rows if any("with its names" in hint for hint in persona_hints(*row, KNOWN))]
    assert len(wrong) < len(KNOWN.rows) / 20


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_looked_at(question: str, correction: str) -> None:
    assert len(persona_hints(question, correction, KNOWN)) <= 2
