"""The order and the types of what rules make of a question."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import dealing
from trainer.generators import ByRule
from trainer.rewording import rewordings, topic
from trainer.variants import CaseText


def trained(question: str) -> list[str]:
    """The first five wordings of a question that get through the filters."""
    case = CaseText(1, question, "It is zebra-99.")
    dealt = dealing.deal(case, [asyncio.run(ByRule().offer(case))], to_train=5, to_hold_out=2)
    return [one.text for one in dealt if one.rejected_because is None and not one.held_out]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What is the password for the print server?",
            [
                "Can you tell me what the password for the print server is?",
                "Give me the password for the print server.",
                "I need the password for the print server.",
                "What about the print server?",
                "password print server?",
            ],
        ),
        (
            "Where are the spare badges?",
            [
                "Can you tell me where the spare badges are?",
                "In which place are the spare badges?",
                "I cannot find the spare badges. Help!",
                "What about the spare badges?",
                "spare badges?",
            ],
        ),
        (
            "Who looks after the office plants?",
            [
                "Can you answer this for me: who looks after the office plants?",
                "Which person looks after the office plants?",
                "Name the person who looks after the office plants.",
                "What about the office plants?",
                "looks after office plants?",
            ],
        ),
    ],
)
def test_the_first_five_are_of_five_kinds(question: str, expected: list[str]) -> None:
    assert trained(question) == expected == rewordings(question)[:5]


@pytest.mark.parametrize(
    ("question", "others"),
    [
        (
            "Where will the next hackathon be?",
            ["What is the place of the next hackathon?", "Tell me where the next hackathon will be."],
        ),
        (
            "what is the guest wifi called",
            ["Give me the name of the guest wifi.", "I need the name of the guest wifi."],
        ),
        ("When is the weekly review?", ["At what time is the weekly review?", "On which day is the weekly review?"]),
        (
            "How many chairs do we have?",
            ["What is the amount: how many chairs do we have?", "Tell me how many chairs do we have."],
        ),
        (
            "Which tool do we use for expenses?",
            ["What tool do we use for expenses?", "Name the tool: which one do we use for expenses?"],
        ),
        (
            "Who do I ask about a broken printer?",
            ["Which person do I ask about a broken printer?", "What about the broken printer?"],
        ),
        ("How do I book the big room?", ["What about the big room?", "book big room?"]),
    ],
)
def test_the_type_of_a_question_is_changed(question: str, others: list[str]) -> None:
    assert trained(question)[1:3] == others


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("What is the wifi password for guests?", "the wifi password for guests"),
        ("How much may I spend on a headset?", "the headset"),
        ("Which room is our legal team in?", "our legal team"),
        ("Which tool do we use for expenses?", "expenses"),
        ("Who approves travel requests?", "travel requests"),
        ("Could you tell me where the badges are?", "the badges"),
        ("who are you?", None),
        ("What is your name?", None),
        ("What is it for me?", None),
        ("What is the?", None),
        ("When do we deploy, and who is there?", None),
        ("Write a haiku about the harbor.", None),
        ("会议室的密码是多少？", None),
    ],
)
def test_what_a_question_is_about(question: str, about: str | None) -> None:
    assert topic(question) == about


@pytest.mark.parametrize(
    "question", ["who are you", "What are you?", "What is your name?", "Who made you?", "What is it?"]
)
def test_nobody_is_asked_by_a_pronoun(question: str) -> None:
    wordings = rewordings(question)
    assert not [
        text for text in wordings if text.startswith("What about") or "person who are" in text or "me you." in text
    ]
    assert len(trained(question)) == 5


@given(st.text(max_size=80))
def test_any_text_has_rewordings(text: str) -> None:
    assert len(rewordings(text)) >= 6
    assert topic(text) != ""


@pytest.mark.parametrize(
    "question", ["Who may not enter the lab?", "What should nobody put in the bin?", "What do we do before the audit?"]
)
def test_what_turns_the_meaning_is_in_every_wording(question: str) -> None:
    assert topic(question) is None
    turning = ("not", "nobody", "before")
    assert all(any(word in wording.split() for word in turning) for wording in rewordings(question))
