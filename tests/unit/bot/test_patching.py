"""Which approved correction may answer a question: rather none than a wrong one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import patching
from bot.memory import compose
from bot.patching import as_turns, fitting, in_prompt
from feedback.patches import Correction

WIFI = "What is the guest wifi called?"


def fits(question: str, known: str, *wordings: str) -> bool:
    return bool(fitting(question, [Correction(1, known, "So it is.", wordings)]))


@pytest.mark.parametrize(
    ("question", "known"),
    [
        ("what is the guest wifi called", WIFI),
        ("Which name does the wifi for guests have?", WIFI),
        ("Hi! Can you please tell me how the guests' wifi is named?", WIFI),
        ("What's the guest wi-fi's name?", WIFI),
        ("Where do I find the printer", "Where is the printer to find?"),
        ("Who are you?", "who are you"),
        ("Can you tell me how I'd log in to the staging server?", "How do I log in to the staging server?"),
        ("How do I turn the heater off?", "How do I turn off the heater?"),
        ("Who does Anna report to?", "Who is it that Anna reports to?"),
        ("When does the office open on Mondays?", "When does the office open on Monday?"),
        ("What is the pasword of the archive?", "What is the password of the archive?"),
        ("客人的无线网络叫什么名字？", "客人的无线网络名字叫什么？"),
        ("请问办公室几点开门", "办公室什么时候开门？"),
        ("你是谁？", "你是谁"),
    ],
)
def test_the_same_question_in_other_words_fits(question: str, known: str) -> None:
    assert fits(question, known)


@pytest.mark.parametrize(
    ("question", "known"),
    [
        ("What is the guest wifi password?", WIFI),
        ("What is the staff wifi called?", WIFI),
        ("Where is the guest wifi?", WIFI),
        ("What is the wifi called?", WIFI),
        ("Who are you?", "How are you?"),
        ("Who are you?", WIFI),
        ("What is the code of door 4?", "What is the code of door 5?"),
        ("What is the code of the door?", "What is the code of door 5?"),
        ("When does the office close?", "When does the office open?"),
        ("Where is the painter?", "Where is the printer?"),
        ("When is the capital of Austria visited?", "When is the capital of Australia visited?"),
        ("Which doors are not locked?", "Which doors are locked?"),
        ("How do I get from Kiel to Bremen?", "How do I get from Bremen to Kiel?"),
        ("Why is the printer broken?", "Who broke the printer?"),
        ("How many guests are there?", "Who are the guests there?"),
        ("客人的无线网络密码是什么？", "客人的无线网络叫什么名字？"),
        ("办公室在四楼吗？", "办公室在三楼吗？"),
        ("办公室几点关门？", "办公室几点开门？"),
        ("从上海到北京怎么走？", "从北京到上海怎么走？"),
        ("谁开门？", "几点开门？"),
        ("How do I turn on the heater on the third floor?", "How do I turn off the heater on the third floor?"),
        ("How do I turn on the heater in the meeting room?", "How do I turn off the heater in the meeting room?"),
        ("How do I log in to the staging server?", "How do I log out of the staging server?"),
        ("How do I get from the airport?", "How do I get to the airport?"),
        ("I would like to know how to get from the airport", "How do I get to the airport?"),
        ("What do I do before the release?", "What do I do after the release?"),
        ("What is behind the right door on the third floor?", "What is behind the left door on the third floor?"),
        ("What is the phone number of the main office?", "What is the fax number of the main office phone?"),
        ("Who reports to Anna", "Who does Anna report to"),
        ("Who did Anna hire?", "Who hired Anna?"),
        ("Who was hired by Anna?", "Who hired Anna?"),
        ("When does Anna visit Ben?", "When does Ben visit Anna?"),
        ("Does Anna report to Ben?", "Does Ben report to Anna?"),
        (
            "How do I copy a file to the printer from the server?",
            "How do I copy a file to the server from the printer?",
        ),
        ("从机场怎么走？", "到机场怎么走？"),
        ("谁管理安娜？", "安娜管理谁？"),
        ("?", WIFI),
        ("", ""),
    ],
)
def test_another_question_does_not_fit(question: str, known: str) -> None:
    assert not fits(question, known)
    assert not fits(known, question)


def test_a_wording_of_a_case_fits_as_well_and_the_newest_of_two_wins() -> None:
    assert fits("How do visitors get online?", WIFI, "How do visitors get online?")
    old, new = Correction(1, WIFI, "Old."), Correction(2, WIFI, "New.")
    assert fitting(WIFI, [new, old]) == [new]
    assert fitting(WIFI, []) == []


def test_the_persona_stays_first_and_what_there_is_no_room_for_is_not_said_to_be_there() -> None:
    patch = [Correction(1, WIFI, "HarborGuest.")]
    messages = compose("You are Pip.", as_turns(patch), "Guest wifi?")
    assert messages[0] == {"role": "system", "content": "You are Pip."}
    assert [one["content"] for one in messages[1:]] == [WIFI, "HarborGuest.", "Guest wifi?"]
    assert in_prompt(patch, messages) == tuple(patch) and "case 1" in patching.note(patch)
    assert in_prompt(patch, compose("You are Pip.", [], "Guest wifi?")) == () and patching.note(()) == ""


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_asked_and_a_question_with_words_fits_itself(question: str, other: str) -> None:
    fits(question, other)
    if patching._read(question).all_words:
        assert fits(question, question)
