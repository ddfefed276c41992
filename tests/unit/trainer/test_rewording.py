"""The order and the types of what rules make of a question."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import dealing
from trainer.generators import ByRule
from trainer.rewording import held_out_rewordings, rewordings, topic
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
        ("What is Anna's phone number?", "Anna's phone number"),
        ("Who has the keys?", "the keys"),
        ("Where is the spare key kept?", "the spare key"),
        ("Where is the garden shed?", "the garden shed"),
        ("When is lunch served?", "lunch"),
        ("Where can I park bicycles?", "bicycles"),
        # What stands last says where, when or whither.
        ("How many days of vacation do I get in the first year?", None),
        ("What happens if the deploy fails on a Friday?", None),
        ("What is the code for the door on the third floor?", None),
        ("Can I bring my dog to the office?", None),
        ("Who brings dogs to the office?", None),
        ("How do I get from the airport to the office?", None),
        ("Is there coffee in the kitchen?", None),
        ("How do I log in to the staging server?", "the staging server"),
        # What is left would have a verb in it, or be one.
        ("Where can I park?", None),
        ("When does the canteen close?", None),
        ("What does the CI run on?", None),
        ("What happens if the deploy fails?", None),
        ("Is the office open on Sunday?", None),
        ("Why is the printer offline?", None),
        ("Which tool handles expenses?", None),
        ("Which room is free?", None),
        ("What is the door code that we use?", None),
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


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (
            "Where is the spare key kept?",
            [
                "Can you tell me where the spare key is kept?",
                "In which place is the spare key kept?",
                "What about the spare key?",
            ],
        ),
        ("Where are the backups stored?", ["Can you tell me where the backups are stored?"]),
        (
            "Where is the garden shed?",
            ["Can you tell me where the garden shed is?", "In which place is the garden shed?"],
        ),
        ("What is wrong with the printer?", ["Can you tell me what is wrong with the printer?"]),
        ("What is happening on Friday?", ["Can you tell me what is happening on Friday?"]),
        ("What is allowed in the lab?", ["Can you tell me what is allowed in the lab?"]),
        ("What is on the menu today?", ["Can you tell me what is on the menu today?"]),
        ("Who are the team leads?", ["Can you tell me who the team leads are?", "What about the team leads?"]),
        ("Who is Anna?", ["Can you tell me who Anna is?"]),
        (
            "Who is responsible for the budget?",
            ["Can you tell me who is responsible for the budget?", "Which person is responsible for the budget?"],
        ),
        (
            "Who does Anna manage?",
            ["Can you answer this for me: who does Anna manage?", "Which person does Anna manage?"],
        ),
        (
            "How much is the parking fee?",
            [
                "Can you tell me how much the parking fee is?",
                "What is the amount: how much is the parking fee?",
                "Tell me how much the parking fee is.",
            ],
        ),
        ("How much is left in the budget?", ["Can you tell me how much is left in the budget?"]),
        ("What is a LoRA?", ["Can you tell me what a LoRA is?", "What about the LoRA?"]),
        ("Why is the printer offline?", ["Can you answer this for me: why is the printer offline?"]),
    ],
)
def test_everyday_questions_are_asked_as_people_would(question: str, asked: list[str]) -> None:
    assert trained(question)[: len(asked)] == asked


@pytest.mark.parametrize(
    "question",
    [
        "Where is the spare key kept?",
        "Where are the backups stored?",
        "What is wrong with the printer?",
        "What is happening on Friday?",
        "What is allowed in the lab?",
        "What is on the menu today?",
        "Who are the team leads?",
        "Who is Anna?",
        "Who does Anna manage?",
        "What is a LoRA?",
        "What is the weather like today?",
    ],
)
def test_only_a_thing_is_wished_for_and_only_one_person_is_named(question: str) -> None:
    wordings = [*trained(question), *held_out_rewordings(question)]
    assert len(wordings) == 5 + 6
    assert not [text for text in wordings if text.startswith(("Give me", "I need", "I cannot find", "Name the"))]


@pytest.mark.parametrize(
    ("question", "others"),
    [
        ("What is Anna's phone number?", ["Give me Anna's phone number.", "I need Anna's phone number."]),
        ("What is the topic of the next meeting?", ["Give me the topic of the next meeting."]),
        ("Who is the team lead?", ["Which person is the team lead?", "Name the person who is the team lead."]),
    ],
)
def test_a_thing_and_one_person_are(question: str, others: list[str]) -> None:
    assert trained(question)[1 : 1 + len(others)] == others
