"""Which questions are look-alikes, and which answers to them contradict each other: in words, and without spaces."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.likeness import ALIKE, contradict, hints, likeness
from bot.topics import topic
from feedback.states import CaseStatus
from tests.unit.bot.factories import make_case

NUMERALS = st.sampled_from("一二三四五六七八九")
CHINESE = st.text(st.sampled_from("办公室议访客密码打印机食堂钥匙港湾楼门"), min_size=2, max_size=12)


def test_a_reviewer_is_told_of_look_alikes_and_contradictions() -> None:
    case = make_case(id=9, question="What is the wifi password?", correction="It is blue-lantern-42.")
    others = [
        make_case(id=1, question="what's the WIFI password please?", correction="It is blue-lantern-42."),
        make_case(id=2, question="Tell me the wifi passwrd", correction="Ask Ada.", status=CaseStatus.MENDED),
        make_case(id=3, question="Who are you?", status=CaseStatus.MENDED),
        make_case(id=4, question="Which wifi password is it?", correction="No idea", status=CaseStatus.REJECTED),
        case,
    ]
    told = hints(case, others)
    assert [hint.split(" (")[0] for hint in told] == ["Contradicts case 2", "Looks like case 1", "Looks like case 4"]
    assert told[0].endswith("if that has changed, take case 2 back or correct it, and reject this one.")
    assert hints(make_case(id=9, question="???"), others) == []


def test_two_that_wait_and_contradict_each_other_are_named_before_one_is_approved() -> None:
    case = make_case(id=1, question="What is the guest wifi called?", correction="It is called BlueLantern.")
    other = make_case(
        id=2, question="What is the guest wifi called?", correction="RedLantern.", status=CaseStatus.CORRECTED
    )
    (told,) = hints(case, [other])
    assert told.startswith("Contradicts case 2 (corrected)")
    assert told.endswith("Both cannot be learned: approve one of them and reject the other.")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("办公室在哪里？", "我们的办公室在哪儿"),
        ("访客的wifi密码是什么？", "告诉我访客 wifi 密码"),
        ("请问办公室在几楼", "办公室在哪一层"),
        ("会议室怎么预订", "如何预订会议室？"),
        ("Where are the spare keys?", "where r the spare key"),
        ("What is the guest password?", "the guest pasword please"),
        ("Book the meeting room", "How do I book a meetnig room?"),
    ],
)
def test_look_alikes_are_found_whatever_the_order_the_small_words_and_the_spaces(one: str, other: str) -> None:
    assert likeness(one, other) >= ALIKE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("办公室几点开门", "办公室在几楼"),
        ("会议室在哪", "会议室有投影仪吗"),
        ("你是谁？", "打印机在哪？"),
        ("What is the wifi password?", "What does my wife like?"),
        ("Where is gate A12?", "Where is A13?"),
    ],
)
def test_what_is_about_something_else_is_no_look_alike(one: str, other: str) -> None:
    assert likeness(one, other) < ALIKE


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_the_same_both_ways_and_whole_with_itself(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 1
    if topic(one) and topic(other):
        assert likeness(one, other) == likeness(other, one)
    if one:
        assert likeness(one, one) == 1


@given(
    CHINESE, st.sampled_from(["请问", "告诉我", "你知道", ""]), st.sampled_from(["吗", "呢？", "是什么", "在哪里", ""])
)
def test_what_only_asks_changes_nothing(about: str, before: str, after: str) -> None:
    assert likeness(about, f"{before}{about}{after}") == 1


@given(NUMERALS, NUMERALS)
@example("三", "四")
def test_another_floor_contradicts_and_the_same_one_does_not(ours: str, theirs: str) -> None:
    case = make_case(id=9, question="请问办公室在几楼？", correction=f"办公室在{theirs}楼")
    before = make_case(
        id=1, question="办公室在哪一层", correction=f"我们的办公室在{ours}楼。", status=CaseStatus.MENDED
    )
    (told,) = hints(case, [before])
    assert told.startswith("Looks like" if ours == theirs else "Contradicts case 1 (mended)")


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_another_code_contradicts_and_the_same_one_does_not(ours: int, theirs: int) -> None:
    one, other = f"The code of the front door is {ours}", f"It is {theirs}, for the front door."
    assert contradict(one, other, "What is the front door code?") is (ours != theirs)


@pytest.mark.parametrize(
    ("one", "other", "against"),
    [
        ("The kitchen is open on Sundays.", "The kitchen is not open on Sundays.", True),
        ("周日食堂开门。", "周日食堂不开门。", True),
        ("Ask Ada at the front desk in the morning.", "Ask Noor at the front desk in the morning.", True),
        ("In room Baltic.", "In room Baltik.", False),
        ("On the third floor.", "It is on floor 3.", False),
        ("在三楼", "在3楼", False),
        ("The third floor.", "The office is on the third floor, beside the lift.", False),
        ("在三楼", "办公室在三楼，靠近电梯。", False),
    ],
)
def test_who_only_says_more_contradicts_nobody(one: str, other: str, against: bool) -> None:
    assert contradict(one, other) is against and contradict(other, one) is against


@settings(deadline=500, max_examples=5)  # milliseconds; the bot does nothing else meanwhile
@given(st.integers(0, 25))
def test_long_texts_are_compared_in_no_time(shift: int) -> None:
    letters = [chr(97 + (number + shift) % 26) for number in range(3000)]
    one = " ".join(f"word{a}{b}" for a in letters[:60] for b in letters[:60])
    other = " ".join(f"wort{a}{b}s" for a in letters[:60] for b in letters[:60])
    assert likeness(one, other) < ALIKE
    assert likeness("办" * 8000, "公室" * 4000) == 0
