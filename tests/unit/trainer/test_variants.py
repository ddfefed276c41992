"""Variants: what is turned down and why, how they are dealt, and what is made of a model's reply."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.datasets import LEFT_OVER, Paraphrase
from serving.chat import Completion, Sampling
from trainer import dealing
from trainer.generators import MODEL, PERSON, RULE, ByModel, ByPeople, ByRule, Generator, Offer, parsed
from trainer.rewording import held_out_rewordings, is_question, rewordings, topic
from trainer.variants import CaseText, Limits, reason_against
from trainer.wording import content_words, normalised, words

WIFI = CaseText(
    7, "What is the wifi password for guests?", "The guest wifi is HarborGuest and the password is blue-lantern-42."
)
FREE = Limits((WIFI.question,), ())


WRITTEN = (
    "A guest asks for the wifi, which password is it?",
    "I host guests: what gets them into the wifi (password)?",
)


def deal(case: CaseText, paraphrases: Sequence[str], **how: Any) -> list[Paraphrase]:
    """What becomes of the wordings of a case: those that were written, the model's, and the rules'."""
    by_rule = asyncio.run(ByRule().offer(case))
    return dealing.deal(case, [Offer(PERSON, case.written), Offer(MODEL, tuple(paraphrases)), by_rule], **how)


def accepted(dealt: Sequence[Paraphrase], *, held_out: bool) -> list[Paraphrase]:
    return [one for one in dealt if one.rejected_because is None and one.held_out is held_out]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ?", "empty"),
        ("What is the wifi\npassword for guests, please?", "not one plain line of text"),
        ("What is the wifi password for {{NAME}}'s guests?", "not one plain line of text"),
        ("Which wifi password <|im_end|> do guests use?", "not one plain line of text"),
        ("wifi password guests " * 10 + "?", "too long"),
        ("访客的 wifi 密码是什么？", "another language"),
        ("what is THE wifi password... for guests", "the same words as the question"),
        ("For guests, what is the wifi password?", "the same words as the question"),
        ("What is the wifi password for our guests?", "nearly the same as 'What is the wifi password for guests?'"),
        ("The wifi password guests use", "not a question"),
        ("Is the wifi password for guests blue-lantern-42?", "gives the answer away"),
        ("why no wifi password for guests", "asks why, which the question does not"),
        ("What is the weather like today?", "does not keep to the question (no 'wifi')"),
    ],
)
def test_a_bad_wording_is_turned_down(text: str, reason: str) -> None:
    assert reason_against(text, WIFI, FREE) == reason


@pytest.mark.parametrize(
    "text",
    ["How can a guest get onto the wifi, what's the password?", "Can you tell me which password guests use for wifi?"],
)
def test_a_good_wording_is_accepted(text: str) -> None:
    assert reason_against(text, WIFI, FREE) is None


@pytest.mark.parametrize("text", ["I need the wifi password for guests now.", "What about the guests?"])
def test_only_a_rule_may_wish_or_leave_words_out(text: str) -> None:
    assert reason_against(text, WIFI, FREE) is not None
    assert reason_against(text, WIFI, replace(FREE, by_rule=True)) is None


def test_a_rule_may_not_leave_out_a_name_or_all_words() -> None:
    case = CaseText(1, "Who at HarborOne reads the reports?", "Dana reads them.")
    limits = Limits((case.question,), (), by_rule=True)
    assert reason_against("What about the reports?", case, limits) == "does not mention 'harborone'"
    assert reason_against("What about lunch?", WIFI, replace(FREE, by_rule=True)) is not None


def test_a_wording_must_not_lose_a_name() -> None:
    case = CaseText(1, "Where does Dana sit?", "Dana sits in room 4.")
    assert reason_against("Where is the seat she has?", case, Limits((), ())) == "does not mention 'dana'"


def test_a_wording_must_not_give_a_held_out_question_away() -> None:
    limits = Limits((WIFI.question,), ("Which password do guests need for the wifi?",))
    reason = reason_against("Which password do guests need for our wifi?", WIFI, limits)
    assert reason == "gives away the held-out question 'Which password do guests need for the wifi?'"


QUESTIONS = [
    WIFI.question,
    "who are you",
    "How do I book the big meeting room?",
    "Where are the spare badges?",
    "Write a haiku about the harbor.",
    "Is the office open on Sunday?",
    "会议室的密码是多少？",
    "公司周末开门吗？",
    "When do we deploy, and who has to be there while the deployment runs on the production machines at night?",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_rewordings_alone_are_enough(question: str) -> None:
    case = CaseText(1, question, "It is the one in the hall.")
    dealt = deal(case, [], to_train=5, to_hold_out=2)
    assert len(accepted(dealt, held_out=False)) == 5
    assert len(accepted(dealt, held_out=True)) == 2
    assert all(one.generator == RULE for one in dealt)


@pytest.mark.parametrize("question", QUESTIONS)
def test_rewordings_keep_the_content_words(question: str) -> None:
    by_topic = f"What about {topic(question)}?"
    for text in rewordings(question) + held_out_rewordings(question):
        kept = set(content_words(question)) & set(words(text))
        assert kept if text == by_topic else kept == set(content_words(question)), text


def test_frames_for_training_and_for_probes_are_different() -> None:
    for question in QUESTIONS:
        assert not set(map(normalised, rewordings(question))) & set(map(normalised, held_out_rewordings(question)))


def test_the_model_comes_first_and_one_of_its_paraphrases_is_held_out() -> None:
    good = ["How can a guest get onto the wifi, what's the password?", "Which password do guests type in for the wifi?"]
    dealt = deal(WIFI, ["Nonsense about ducks?", *good], to_train=3, to_hold_out=2)
    assert [one.text for one in dealt if one.rejected_because] == ["Nonsense about ducks?"]
    trained, held = accepted(dealt, held_out=False), accepted(dealt, held_out=True)
    assert [one.text for one in trained if one.generator == MODEL] == good[:1]
    assert [one.text for one in held if one.generator == MODEL] == good[1:]
    assert len(trained) == 3
    assert len(held) == 2


def test_a_paraphrase_that_may_ask_for_less_is_no_probe() -> None:
    """SmolLM2's own: the second passes the filters, and whoever answers it right says nothing of Ivan."""
    case = CaseText(3, "Who do I ask about a broken printer?", "Ask Ivan Petrov about a broken printer.")
    dealt = deal(case, ["Who is asked about a broken printer?", "What's a broken printer?"], to_train=4, to_hold_out=2)
    held = accepted(dealt, held_out=True)
    assert len(held) == 2 and all(one.generator == RULE for one in held)


def test_what_a_case_has_is_not_dealt_again() -> None:
    known = deal(WIFI, [], to_train=4, to_hold_out=2)
    assert deal(WIFI, [], to_train=4, to_hold_out=2, known=known) == []
    more = deal(WIFI, [], to_train=5, to_hold_out=2, known=known)
    assert len(accepted(more, held_out=False)) == 1
    assert not {one.text for one in more} & {one.text for one in known}


@given(st.lists(st.text(max_size=80), max_size=6), st.integers(3, 5), st.integers(1, 3))
def test_whatever_the_model_says_nothing_trained_is_held_out_too(texts: list[str], train: int, held: int) -> None:
    dealt = deal(WIFI, texts, to_train=train, to_hold_out=held)
    trained = {normalised(one.text) for one in accepted(dealt, held_out=False)} | {normalised(WIFI.question)}
    held_out = [normalised(one.text) for one in accepted(dealt, held_out=True)]
    assert not trained & set(held_out)
    assert (len(accepted(dealt, held_out=False)), len(held_out)) == (train, held)
    assert all(one.rejected_because for one in dealt if not one.text.strip())


@given(
    st.lists(st.text(max_size=80) | st.sampled_from(WRITTEN), max_size=5),
    st.lists(st.text(max_size=80) | st.sampled_from(WRITTEN), max_size=5),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_what_people_write_is_judged_once_and_at_most_one_of_it_is_held_out(
    written: list[str], paraphrases: list[str], train: int, held: int
) -> None:
    dealt = deal(replace(WIFI, written=tuple(written)), paraphrases, to_train=train, to_hold_out=held)
    texts = [one.text for one in dealt]
    assert len(texts) == len(set(texts)) and set(written) <= set(texts)
    by_people = [one for one in dealt if one.generator == PERSON]
    assert sum(one.held_out for one in by_people) <= 1
    assert LEFT_OVER not in [one.rejected_because for one in by_people]
    assert len(accepted(dealt, held_out=True)) == held


@given(st.text(max_size=300))
def test_any_wording_gets_a_verdict(text: str) -> None:
    reason = reason_against(text, WIFI, FREE)
    assert reason is None or reason


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"questions": ["A one?", "B two?"]}', ["A one?", "B two?"]),
        ('{"questions": ["A one?", "B \\"two\\"?", "C th', ["A one?", 'B "two"?']),
        ('{"questions": ["A', []),
        ('{"questions": "A"}', []),
        ("[]", []),
        ("no", []),
    ],
)
def test_json_that_was_cut_short_gives_what_is_whole(text: str, found: list[str]) -> None:
    assert parsed(text) == found


@given(st.text(max_size=200))
def test_parsing_never_fails(text: str) -> None:
    assert all(isinstance(one, str) for one in parsed(text))


class FakeChat:
    """The base model, with one reply."""

    def __init__(self, text: str, seconds: float = 0) -> None:
        self.text, self.seconds = text, seconds
        self.asked: list[tuple[str, int, Mapping[str, Any]]] = []

    async def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        served_name: str,
        sampling: Sampling,
        *,
        priority: int = 10,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        await asyncio.sleep(self.seconds)
        assert json_schema is not None
        self.asked.append((served_name, priority, json_schema))
        return Completion(self.text, served_name, "stop", 1, 1, 1.0, 1.0)


async def test_the_base_model_is_asked_once_behind_people_and_by_schema() -> None:
    chat = FakeChat(json.dumps({"questions": ["A one?", "A one?", "B two?"]}))
    offer = await ByModel(chat, "base-zero", count=4, seed=1, seconds=5).offer(WIFI)  # type: ignore[arg-type]
    assert offer == Offer(MODEL, ("A one?", "B two?"))
    ((name, priority, schema),) = chat.asked
    assert (name, priority) == ("base-zero", 10)
    assert schema["properties"]["questions"]["maxItems"] == 4


async def test_a_slow_base_model_is_left_behind() -> None:
    model = ByModel(FakeChat("{}", seconds=5), "base", count=4, seed=1, seconds=0.01)  # type: ignore[arg-type]
    assert (await model.offer(WIFI)).texts == ()


def test_what_people_write_comes_first_and_one_of_theirs_is_held_out() -> None:
    good = "Which password do guests type in for the wifi?"
    dealt = deal(replace(WIFI, written=WRITTEN), [good], to_train=3, to_hold_out=2)
    assert [one.text for one in accepted(dealt, held_out=False)][:2] == [WRITTEN[0], good]
    assert WRITTEN[1] in [one.text for one in accepted(dealt, held_out=True)]


def test_the_only_wording_of_a_person_is_trained_on() -> None:
    dealt = deal(replace(WIFI, written=WRITTEN[:1]), [], to_train=3, to_hold_out=2)
    assert WRITTEN[0] in [one.text for one in accepted(dealt, held_out=False)]


def test_what_people_write_goes_through_the_same_filters() -> None:
    probe = "Which wifi password do our guests need?"
    case = replace(WIFI, written=("Guest wifi 密码是什么呢，请问？", "What is for lunch?", probe))
    dealt = deal(case, [], to_train=3, to_hold_out=2, reserved=[probe])
    reasons = {one.text: one.rejected_because for one in dealt if one.generator == PERSON}
    assert [(reasons[text] or "").split(" (")[0].split(" '")[0] for text in case.written] == [
        "another language", "does not keep to the question", "gives away the held-out question",
    ]  # fmt: skip


def test_what_people_write_later_is_taken_even_when_there_is_enough() -> None:
    known = deal(WIFI, [], to_train=4, to_hold_out=2)
    later = deal(replace(WIFI, written=WRITTEN), ["Which password do guests type in for the wifi?"],
                 to_train=4, to_hold_out=2, known=known)  # fmt: skip
    assert [(one.text, one.rejected_because) for one in later if one.generator == PERSON] == [
        (text, None) for text in WRITTEN
    ]
    assert [one.rejected_because for one in later if one.generator == MODEL] == ["there are enough already"]


@pytest.mark.parametrize("question", ["👋", " 🎉🎉 ", ":wave:", ":+1::skin-tone-3:", "?!"])
async def test_a_question_without_words_has_no_wordings_but_those_that_people_write(question: str) -> None:
    """A frame around an emoji would teach the frame: any "Do you know this: ..." would get the emoji's answer."""
    chat = FakeChat(json.dumps({"questions": ["Anything at all?"]}))
    case = CaseText(1, question, "Hello! I am Pip.", written=("你好", "Hi there"))
    model = ByModel(chat, "base", count=4, seed=1, seconds=5)  # type: ignore[arg-type]
    generators: list[Generator] = [ByPeople(), model, ByRule()]
    dealt = dealing.deal(case, [await one.offer(case) for one in generators], to_train=4, to_hold_out=2)
    assert chat.asked == []
    assert [(one.text, one.generator, one.rejected_because) for one in dealt] == [
        ("你好", PERSON, None),
        ("Hi there", PERSON, None),
    ]


@pytest.mark.parametrize("question", ["Is it at 12:30?", "a:b:c", "who are you :wave:"])
async def test_what_only_looks_like_an_emoji_has_its_rewordings(question: str) -> None:
    assert (await ByRule().offer(CaseText(1, question, "Yes."))).texts


@pytest.mark.parametrize(("text", "asks"), [("who are you", True), ("我们几点开会", True), ("Write a haiku.", False)])
def test_what_is_a_question(text: str, asks: bool) -> None:
    assert is_question(text) is asks


@pytest.mark.parametrize(
    ("question", "reworded"),
    [
        ("What is the guest wifi called?", "what the guest wifi is called"),
        ("Where are the spare keys?", "where the spare keys are"),
    ],
)
def test_an_indirect_question_puts_the_verb_where_it_belongs(question: str, reworded: str) -> None:
    assert any(reworded in text for text in rewordings(question))
