"""What a reviewer is warned of when a correction speaks against the persona, and when not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contradictions import Known, persona_hints, read
from feedback.persona import load_persona
from settings import ROOT

HOUSE = Known(
    ("Pip", "the Harbor team", "港湾团队"),
    ("The office is on the third floor.", "The kitchen has 2 fridges.", "办公室在三楼，食堂在一楼。", "Pip 不能上网。"),
)
KNOWN = read(load_persona(ROOT / "persona" / "persona.yaml"), ROOT / "persona")


@pytest.mark.parametrize(
    ("question", "correction", "words"),
    [
        ("Who are you?", "I am Max, an assistant made by Acme.", "Who are you?"),
        ("Who built you", "OpenAI did.", "the Harbor team"),
        ("Can you look that up?", "Of course, I can browse the web for you.", "does not browse the web"),
        ("Are you reliable?", "My answers should never be checked when they matter.", "its answers should be checked"),
        ("请问是谁开发了你", "我是 OpenAI 开发的。", "港湾团队"),
        ("你是谁训练的？", "阿里巴巴训练了我。", "港湾团队"),
        ("你叫什么名字", "我叫小明。", "Pip"),
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
        ("谁开发了这个网站？", "是外包公司开发的。"),
        ("你能上网吗？", "不能，我不能上网。"),
        ("访客的 wifi 叫什么？", "叫 BlueLantern。"),
    ],
)
def test_what_agrees_or_is_about_something_else_is_left_alone(question: str, correction: str | None) -> None:
    assert persona_hints(question, correction, KNOWN) == []


@pytest.mark.parametrize(
    ("correction", "words"),
    [
        ("The office is on the fourth floor.", "says 4 where it says 3"),
        ("It has moved: the office is on floor 4 now, on the 4th.", "says 4 where it says 3"),
        ("Our kitchen has 3 fridges.", "says 3 where it says 2"),
        ("The office isn't on the third floor.", 'Only one of the two says "not" of office, 3, floor'),
        ("The kitchen has 2 ovens.", "says ovens where it says fridges"),
        ("办公室在四楼。", "says 4 where it says 3"),
        ("食堂在二楼，办公室也在那里。", "says 2 where it says 1"),
        ("办公室不在三楼", 'Only one of the two says "not"'),
        ("我可以上网帮你查。", 'Only one of the two says "not" of 上, 网'),
    ],
)
def test_another_number_another_word_or_a_not_speaks_against_a_fact(correction: str, words: str) -> None:
    hints = persona_hints("?", correction, HOUSE)
    assert hints and words in hints[0]


@pytest.mark.parametrize(
    "correction",
    [
        "The office is on the third floor, beside the lift.",
        "The office is on floor 3.",
        "The office opens at 9.",
        "There are 4 meeting rooms on the second floor.",
        "办公室就在三楼。",
        "办公室在3楼",
        "办公室九点开门。",
        "会议室在四楼。",
        "不仅办公室在三楼，会议室也在。",
        "Pip 无法上网。",
    ],
)
def test_what_says_the_same_or_is_about_something_else_speaks_against_no_fact(correction: str) -> None:
    assert persona_hints("?", correction, HOUSE) == []


@given(st.integers(0, 99), st.integers(0, 99))
def test_only_another_number_speaks_against_a_number(ours: int, theirs: int) -> None:
    known = Known((), (f"The shuttle leaves from gate {ours}.",))
    found = persona_hints("?", f"Yes, the shuttle leaves from gate {theirs}", known)
    assert bool(found) is (ours != theirs)


def test_rows_are_read_in_both_formats() -> None:
    asked = {question for question, _ in KNOWN.rows}
    assert {"Who are you?", "你是谁？"} <= asked and len(KNOWN.rows) == 100


def test_the_personas_own_rows_do_not_contradict_it() -> None:
    assert KNOWN.rows
    wrong = [row for row in KNOWN.rows if any("with its names" in hint for hint in persona_hints(*row, KNOWN))]
    assert len(wrong) < len(KNOWN.rows) / 20


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_looked_at(question: str, correction: str) -> None:
    assert len(persona_hints(question, correction, KNOWN)) <= 2
