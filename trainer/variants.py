"""Variants of a case's question: paraphrases by the base model, filtered, filled up with rewordings by rule, and dealt
into those that are trained on and those that are held out for the case's probes.
"""

import asyncio
import json
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from feedback.datasets import Paraphrase
from serving.chat import ChatClient, Sampling
from trainer import rewording
from trainer.rows import Message, problem_in
from trainer.wording import contains_fact, content_words, key_facts, language_of, normalised, words

log = logging.getLogger(__name__)

NEAR_DUPLICATE = 92.0  # rapidfuzz ratio of two normalised wordings
NEAR_DUPLICATE_BY_RULE = 98.0  # a frame around a long question changes little of it, and is still another wording
NEAR_PROBE = 85.0  # the same bound as between the persona's rows and its probes
KEPT_CONTENT = 0.5  # share of the question's content words that a paraphrase has to keep
MODEL, RULE = "model", "rewording"
_VAGUE, _CAUSES = frozenset({"what", "which"}), frozenset({"why", "how"})
_ASKING = _VAGUE | _CAUSES | {"who", "where", "when"}
_PLAIN_CAP = 60  # characters that a short question may grow by


@dataclass(frozen=True)
class CaseText:
    """What is taught about one case: the question as it was asked, the right answer, and further wordings."""

    case_id: int
    question: str
    correction: str
    wordings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a new wording must keep clear of."""

    taken: tuple[str, ...]
    """Wordings of this case, trained or held out."""
    reserved: tuple[str, ...]
    """Probe questions, and held-out wordings of other cases."""
    near: float = NEAR_DUPLICATE


def reason_against(text: str, case: CaseText, limits: Limits) -> str | None:
    """Why a wording is not used, in words for people; None when it is good."""
    asked = normalised(text)
    if not asked:
        return "empty"
    if "\n" in text.strip() or problem_in((Message("user", text), Message("assistant", "-"))) is not None:
        return "not one plain line of text"
    if len(text) > 2 * len(case.question) + _PLAIN_CAP:
        return "too long"
    if language_of(text) != language_of(case.question):
        return "another language"
    if sorted(words(text)) == sorted(words(case.question)):
        return "the same words as the question"
    return _too_near(asked, limits) or _about_something_else(text, case)


def _too_near(asked: str, limits: Limits) -> str | None:
    for other in limits.reserved:
        known = normalised(other)
        if known and (f" {known} " in f" {asked} " or fuzz.ratio(asked, known) >= NEAR_PROBE):
            return f"gives away the held-out question {other!r}"
    for other in limits.taken:
        if fuzz.ratio(asked, normalised(other)) >= limits.near:
            return f"nearly the same as {other!r}"
    return None


def _about_something_else(text: str, case: CaseText) -> str | None:
    if rewording.is_question(case.question) and not _asks(text):
        return "not a question"
    if (other := _other_question_word(text, case.question)) is not None:
        return f"asks {other}, which the question does not"
    asked = normalised(case.question)
    given_away = [fact for fact in key_facts(case.correction) if not contains_fact(asked, fact)]
    if any(contains_fact(text, fact) for fact in given_away):
        return "gives the answer away"
    lost = [fact for fact in key_facts(case.question) if not contains_fact(text, fact)]
    if lost:
        return f"does not mention {lost[0]!r}"
    wanted = content_words(case.question)
    kept = [word for word in wanted if _mentions(text, word)]
    if len(kept) < KEPT_CONTENT * len(wanted):
        missing = next(word for word in wanted if word not in kept)
        return f"does not keep to the question (no {missing!r})"
    return None


def _other_question_word(text: str, question: str) -> str | None:
    """A question word that asks for something else than the question's own ("what" and "which" can be any but two)."""
    asked, wanted = (
        {re.split("['’]", word)[0] for word in words(asking)} & _ASKING
        for asking in (text, question)  # what's, who’s
    )
    if not wanted or asked & wanted:
        return None
    vague = wanted <= _VAGUE
    foreign = asked & _CAUSES if vague else asked - _VAGUE
    return min(foreign, default=None)


def _mentions(text: str, word: str) -> bool:
    """Whether a content word is there, in any inflection: guest and guests, teach and teaching."""
    if language_of(word) == "zh":
        return word in text
    return any(fuzz.ratio(word, other) >= 75 or other.startswith(word) for other in words(text))


def _asks(text: str) -> bool:
    wish = r"(tell|show|give|let|remind|explain|know|wonder|ask|please|help|name|list|describe|state|share|answer)"
    return rewording.is_question(text) or re.search(rf"\b{wish}\b|告诉|知道|请|想问", text, re.IGNORECASE) is not None


def deal(
    case: CaseText,
    paraphrases: Iterable[str],
    *,
    to_train: int,
    to_hold_out: int,
    known: Sequence[Paraphrase] = (),
    reserved: Sequence[str] = (),
) -> list[Paraphrase]:
    """New variants of a case: as many as are wanted, and those that were turned down with their reasons.

    `known` are its variants so far. The first held-out wording comes from frames that are never trained on, a second
    one from the model if it gave more than one good paraphrase.
    """
    turned_down = {one.text for one in known if one.rejected_because is not None}
    usable = [one for one in known if one.rejected_because is None]
    dealt: list[Paraphrase] = []

    def judge(text: str, generator: str, *, held_out: bool) -> Paraphrase:
        taken = (case.question, *(one.text for one in (*usable, *dealt) if one.rejected_because is None))
        near = NEAR_DUPLICATE if generator == MODEL else NEAR_DUPLICATE_BY_RULE
        reason = reason_against(text, case, Limits(taken, tuple(reserved), near))
        return Paraphrase(text, generator, held_out, reason)

    def fill(texts: Iterable[str], count: int, *, held_out: bool) -> None:
        for text in texts:
            if count <= 0:
                return
            if text in turned_down or any(text == one.text for one in (*usable, *dealt)):
                continue
            dealt.append(judge(text, RULE, held_out=held_out))
            count -= dealt[-1].rejected_because is None

    still_out = to_hold_out - sum(one.held_out for one in usable)
    still_in = to_train - sum(not one.held_out for one in usable)
    fill(rewording.held_out_rewordings(case.question), min(still_out, 1), held_out=True)
    for text in paraphrases:
        if text not in turned_down and all(text != one.text for one in (*usable, *dealt)):
            dealt.append(judge(text, MODEL, held_out=False))
    dealt = _hold_one_out(dealt, still_out, still_in)
    fill(rewording.held_out_rewordings(case.question), still_out - _count(dealt, held_out=True), held_out=True)
    fill(rewording.rewordings(case.question), still_in - _count(dealt, held_out=False), held_out=False)
    return dealt


def _hold_one_out(dealt: list[Paraphrase], still_out: int, still_in: int) -> list[Paraphrase]:
    """Hold one good paraphrase of the model out if there is another to train on; leave surplus ones unused."""
    good = [one for one in dealt if one.generator == MODEL and one.rejected_because is None]
    held = good[1:2] if still_out - _count(dealt, held_out=True) > 0 else []
    surplus = [one for one in good if one not in held][max(still_in, 0) :]
    result = []
    for one in dealt:
        if one in held:
            one = replace(one, held_out=True)
        elif one in surplus:
            one = replace(one, rejected_because="there are enough already")
        result.append(one)
    return result


def _count(dealt: Sequence[Paraphrase], *, held_out: bool) -> int:
    return sum(one.held_out is held_out and one.rejected_because is None for one in dealt)


def instruction(case: CaseText, count: int) -> str:
    """What the base model is asked."""
    if language_of(case.question) == "zh":
        return f"用{count}种不同的说法改写下面的问题，意思不变，只写问题，不要回答：\n{case.question}"
    return (
        f"Rewrite this question in {count} different ways that mean the same. Do not answer it.\n"
        f"Question: {case.question}"
    )


def schema(count: int, longest: int) -> dict[str, object]:
    """The JSON that the base model has to write."""
    text = {"type": "string", "minLength": 5, "maxLength": longest}
    return {
        "type": "object",
        "properties": {"questions": {"type": "array", "items": text, "minItems": count, "maxItems": count}},
        "required": ["questions"],
        "additionalProperties": False,
    }


def parsed(text: str) -> list[str]:
    """The paraphrases in the model's JSON; of JSON that was cut short, those that are whole."""
    try:
        value = json.loads(text)
    except ValueError:
        _, _, listed = text.partition("[")
        strings = re.findall(r'"(?:[^"\\]|\\.)*"(?=\s*[,\]])', listed)
        try:
            return [str(json.loads(one)).strip() for one in strings]
        except ValueError:
            return []
    questions = value.get("questions", []) if isinstance(value, dict) else []
    return [one.strip() for one in questions if isinstance(one, str)] if isinstance(questions, list) else []


async def ask_model(
    chat: ChatClient, base_name: str, case: CaseText, *, count: int, seed: int, seconds: float
) -> list[str]:
    """Ask the base model for paraphrases, once; what it cannot say in `seconds` is left to the rewordings.

    Raises:
        ServingUnavailable: the server cannot be reached.
    """
    longest = 2 * len(case.question) + _PLAIN_CAP
    request = chat.complete(
        [{"role": "user", "content": instruction(case, count)}],
        base_name,
        Sampling(temperature=0.7, max_tokens=min(max(120, count * longest // 4), 400), seed=seed),
        priority=10,
        json_schema=schema(count, longest),
    )
    try:
        completion = await asyncio.wait_for(request, seconds)
    except TimeoutError:
        log.warning(
            "The base model took too long to paraphrase case %s; rewordings are used.",
            case.case_id,
            extra={"action": "paraphrasing_timed_out", "case_id": case.case_id, "seconds": seconds},
        )
        return []
    return list(dict.fromkeys(parsed(completion.text)))
