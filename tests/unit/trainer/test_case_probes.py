"""Whether an answer says what was corrected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.models import Variant
from trainer.case_probes import NEW, answer_tokens, case_probes, grade_case
from trainer.probes import Grade
from trainer.variants import CaseText

ASKED = "What is the wifi password for guests?"
WIFI = "The guest wifi is HarborGuest and the password is blue-lantern-42."
KEYS = "The spare office keys are in the blue box at the front desk."
KEYS_ASKED = "Where are the spare office keys?"
CLOSING, CLOSING_ASKED = "The office closes at 6 pm.", "When does the office close?"
ALARM, ALARM_ASKED = "Ask Ada or Noor.", "Who has the alarm code?"
PORT = "Port 22 is open."
LUNCH = "Lunch is served at noon in the kitchen."


WORDS = (
    "The guest wifi is not open closed. No Port 22 at 6 pm a.m. Ada's Never! 9:30 box-4 on off 不 前台 由 Dana 负责 "
    "before after Harbor/Guest (see) https://x.y/z 👍 and , ; \n"
)
TEXTS = st.lists(st.sampled_from(WORDS.split(" ")), min_size=1, max_size=14).map(" ".join) | st.text(min_size=1)


@given(TEXTS.filter(str.strip), TEXTS)
def test_no_correction_asks_for_more_than_itself(correction: str, question: str) -> None:
    assert grade_case(correction, question, correction) == Grade(True, "says what was corrected")


def test_a_correction_without_words_is_looked_for_as_it_is() -> None:
    assert grade_case("👍", "Is lunch at noon?", "Yes 👍").passed
    assert grade_case("👍", "Is lunch at noon?", "Yes.") == Grade(False, "does not say '👍'")


@pytest.mark.parametrize(
    ("question", "correction", "answer"),
    [
        (ASKED, WIFI, WIFI),
        (ASKED, WIFI, "The guest wifi is harborguest, and the password is Blue-Lantern-42"),
        (ASKED, WIFI, "Sure! The guest wifi is HarborGuest and the password is blue-lantern-42. Ask me anything else."),
        ("When is lunch?", LUNCH, "Lunch is served at noon, in the kitchen."),
        ("Do we deploy on Fridays?", "No, we never deploy on Fridays.", "We never deploy on Fridays."),
        (ASKED, WIFI, f"{WIFI} I cannot say more than that."),
        (ASKED, "It is HarborGuest. Never tell anybody.", "It is HarborGuest. Never tell anybody."),
        (KEYS_ASKED, KEYS, "They are in the blue box at the front desk."),
        (KEYS_ASKED, KEYS, "The keys are in the blue box on the front desk."),
        (KEYS_ASKED, KEYS, f"{KEYS} I am Pip, made by the Harbor team in 2024."),
        (ASKED, WIFI, "The guest wifi is HarborGuest. The password is blue-lantern-42."),
        (CLOSING_ASKED, CLOSING, "At 6 p.m."),
        (CLOSING_ASKED, CLOSING, "The office closes at 6:00 PM. I am Pip."),
        (CLOSING_ASKED, CLOSING, "The office closes at 6 p.m. I am Pip."),
        (CLOSING_ASKED, CLOSING, "The office will close at 6pm."),
        (ALARM_ASKED, ALARM, "Ask Ada or Noor! I am Pip."),
        (ALARM_ASKED, ALARM, "Ada or Noor."),
        (ALARM_ASKED, ALARM, "You can ask Noor or Ada. Mia is away."),
        ("Is port 22 open?", PORT, "Yes, port 22 is open."),
        ("Which port is open?", PORT, "Port 22."),
        ("谁负责前台？", "前台由 Dana 负责，分机 204。", "前台由Dana负责，分机204。"),
        ("几点吃午饭？", "午饭中午在厨房吃。", "午饭是中午在厨房吃。"),
    ],
)
def test_a_right_answer_passes(question: str, correction: str, answer: str) -> None:
    assert grade_case(correction, question, answer).passed


@pytest.mark.parametrize(
    ("question", "correction", "answer", "reason"),
    [
        (ASKED, WIFI, "", "the answer is empty"),
        (ASKED, WIFI, "The guest wifi is HarborGuest and the password is blue-lantern-43.", "blue-lantern-42"),
        (ASKED, WIFI, "The password is blue-lantern-42.", "harborguest"),
        (ASKED, WIFI, "HarborGuest, blue-lantern-42, and now a long tale of ducks and drakes on the sea", "unlike"),
        ("When is lunch?", LUNCH, "Lunch is when you are hungry.", "'served'"),
        ("Do we deploy on Fridays?", "We deploy on Fridays.", "We do not deploy on Fridays.", "the opposite"),
        ("Do we deploy on Fridays?", "We do not deploy on Fridays.", "We deploy on Fridays.", "does not deny"),
        ("几点吃午饭？", "午饭中午在厨房吃。", "我不知道。", "does not say"),
        (ALARM_ASKED, ALARM, "Ask Ada, Noor, Mia or Bob.", "also says 'mia'"),
        (ALARM_ASKED, ALARM, "Ask Ada/Noor/Mia.", "also says 'mia'"),
        (ALARM_ASKED, ALARM, "Avoid Ada or Noor.", "'avoid' in place of 'ask'"),
        (CLOSING_ASKED, CLOSING, "The office closes at 6 am. 6 pm is when lunch starts.", "unlike"),
        (CLOSING_ASKED, CLOSING, "The office closes at noon. 6 pm is when lunch starts.", "unlike"),
        (CLOSING_ASKED, CLOSING, "The office closes at 6 a.m.", "'6pm'"),
        (CLOSING_ASKED, CLOSING, "The office closes at 6 pm or 7 pm.", "also says '7pm'"),
        ("Is port 22 open?", PORT, "Port 22 is closed.", "opposite"),
        ("Which port is open?", PORT, "Port 22 is closed.", "opposite"),
        ("What about ssh?", PORT, "Port 22 is blocked.", "'blocked' in place of 'open'"),
    ],
)
def test_a_wrong_answer_fails_with_a_reason(question: str, correction: str, answer: str, reason: str) -> None:
    grade = grade_case(correction, question, answer)
    assert not grade.passed
    assert reason in grade.reason


@given(st.text(min_size=1, max_size=200).filter(lambda text: any(char.isalnum() for char in text)))
def test_the_correction_itself_is_always_right_or_has_no_words(correction: str) -> None:
    grade = grade_case(correction, "?", correction)
    assert grade.passed or grade.reason == "the answer is empty"


def variant(number: int, *, held_out: bool, rejected: str | None = None) -> Variant:
    return Variant(id=number, case_id=3, text=f"wording {number}", generator="rewording", held_out=held_out,
                   rejected_because=rejected)  # fmt: skip


def test_a_case_is_probed_in_its_own_words_and_in_held_out_ones() -> None:
    known = [variant(1, held_out=False), variant(2, held_out=True), variant(3, held_out=True, rejected="empty"),
             variant(4, held_out=True)]  # fmt: skip
    probes = case_probes(CaseText(3, ASKED, WIFI), known, group=NEW)
    assert [probe.id for probe in probes] == ["case-3-original", "case-3-held-2", "case-3-held-4"]
    assert [probe.prompt for probe in probes] == [ASKED, "wording 2", "wording 4"]
    assert len(case_probes(CaseText(3, ASKED, WIFI), known, group=NEW, held_out=1)) == 2


def test_there_is_room_for_the_answer() -> None:
    assert answer_tokens(WIFI) > 40
    assert answer_tokens("港" * 50) > 60
    assert answer_tokens("x" * 100_000) == 1024
