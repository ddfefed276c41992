"""Variants of a case's question: what a wording has to be to be one, whoever has written it.

It is turned down for its form, for its language, for being nearly the same as another, for giving a held-out question
or the answer away, or for meaning something else; the reason is kept beside it.
"""

import re
from dataclasses import dataclass

from rapidfuzz import fuzz

from feedback.languages import language_of
from trainer import rewording
from trainer.rows import Message, problem_in
from trainer.wording import contains_fact, content_words, has_words, key_facts, normalised, words

NEAR_DUPLICATE = 92.0  # rapidfuzz ratio of two normalised wordings
NEAR_DUPLICATE_BY_RULE = 98.0  # a frame around a long question changes little of it, and is still another wording
NEAR_PROBE = 85.0  # the same bound as between the persona's rows and its probes
KEPT_CONTENT = 0.5  # share of the question's content words that a paraphrase has to keep
_VAGUE, _CAUSES = frozenset({"what", "which"}), frozenset({"why", "how"})
_ASKING = _VAGUE | _CAUSES | {"who", "where", "when"}
PLAIN_CAP = 60  # characters that a short question may grow by


@dataclass(frozen=True)
class CaseText:
    """What is taught about one case: the question as it was asked, the right answer, and further wordings."""

    case_id: int
    question: str
    correction: str
    wordings: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """Other ways to ask, as whoever corrected it has written them; not judged."""
    bad_answer: str | None = None
    """What was answered; None: not on record."""

    @property
    def asked(self) -> tuple[str, ...]:
        """All that it is trained in, each once, its question first."""
        return tuple(dict.fromkeys((self.question, *self.wordings)))


@dataclass(frozen=True)
class Limits:
    """What a new wording must keep clear of."""

    taken: tuple[str, ...]
    """Wordings of this case, trained or held out."""
    reserved: tuple[str, ...]
    """Probe questions, and held-out wordings of other cases."""
    near: float = NEAR_DUPLICATE
    by_rule: bool = False
    """Whether it is a rule's (trainer/rewording.py). Those are made of the question's own words, so a few of them or a
    bare `I need ...` are no sign that something else is asked; of a model's wording they are."""


def reason_against(text: str, case: CaseText, limits: Limits) -> str | None:
    """Why a wording is not used, in words for people; None when it is good."""
    asked = normalised(text)
    if not asked:
        return "empty"
    if "\n" in text.strip() or problem_in((Message("user", text), Message("assistant", "-"))) is not None:
        return "not one plain line of text"
    if len(text) > 2 * len(case.question) + PLAIN_CAP:
        return "too long"
    if has_words(case.question) and language_of(text) != language_of(case.question):
        return "another language"
    if sorted(words(text)) == sorted(words(case.question)):
        return "the same words as the question"
    return _too_near(asked, limits) or _about_something_else(text, case, by_rule=limits.by_rule)


def gives_away(asked: str, known: str) -> bool:
    """Whether a wording holds a question that is held out, or is nearly that; both normalised."""
    return bool(known) and (f" {known} " in f" {asked} " or fuzz.ratio(asked, known, score_cutoff=NEAR_PROBE) > 0)


def _too_near(asked: str, limits: Limits) -> str | None:
    for other in limits.reserved:
        if gives_away(asked, normalised(other)):
            return f"gives away the held-out question {other!r}"
    for other in limits.taken:
        if fuzz.ratio(asked, normalised(other)) >= limits.near:
            return f"nearly the same as {other!r}"
    return None


def keeps_every_word(text: str, case: CaseText) -> bool:
    """Whether a wording has all that the question is about; one that asks for less may be another question."""
    return all(_mentions(text, word) for word in content_words(case.question))


def _about_something_else(text: str, case: CaseText, *, by_rule: bool) -> str | None:
    asked = normalised(case.question)
    given_away = [fact for fact in key_facts(case.correction) if not contains_fact(asked, fact)]
    if any(contains_fact(text, fact) for fact in given_away):
        return "gives the answer away"
    if not has_words(case.question):
        return None  # an emoji: what it means is known to whoever writes of it alone
    if rewording.is_question(case.question) and not (by_rule or _asks(text)):
        return "not a question"
    if (other := _other_question_word(text, case.question)) is not None:
        return f"asks {other}, which the question does not"
    lost = [fact for fact in key_facts(case.question) if not contains_fact(text, fact)]
    if lost:
        return f"does not mention {lost[0]!r}"
    wanted = content_words(case.question)
    kept = [word for word in wanted if _mentions(text, word)]
    if len(kept) < (min(len(wanted), 1) if by_rule else KEPT_CONTENT * len(wanted)):
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
