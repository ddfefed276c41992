"""Which approved correction answers a question, judged by words alone. Pure; no model is asked.

A wrong match would put a wrong answer into the prompt, a missed one only waits for the training. So a question fits a
correction's (or one of its wordings) when all of its own words are there, nearly all of the other's are here, and both
ask for the same kind of thing, deny alike, and have the same of the words that turn a question around (off, out, from).
In another order the words have to be all the same, and where it may say who does what to whom, or where from and where
to, the order as well. Questions without any word of their own ("Who are you?") have to be the same.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from bot.memory import Turn
from feedback.models import Json
from feedback.patches import Correction
from feedback.words import NEGATION, OPPOSITES, WORD, stem

COVERED = 0.75  # of the words of the correction's question
SLIP = 0.88  # likeness of two words that differ by a slip of the pen; printer and painter are at 0.86
LONG = 5  # letters; shorter words differ by a slip from too many others

_SHORTENED = re.compile(r"['’](?:s|re|ve|ll|d|m)\b")  # also a possessive
# A direction: "to" where it is none of a verb ("the printer to find").
_DIRECTION = re.compile(
    r"\b(?:from|into|than|before|after|by)\b|\bto (?:the|an?|my|our|your|his|her|their)\b|\bto\W*$|[从到比给向往]"
)
# Words that turn a question around: they are in both, or in neither. "on" goes with its "off", "to" with its "from".
_TURNING = (
    frozenset(stem(word) for pair in OPPOSITES for word in pair if word not in {"on", "right"})
    | frozenset("against by down except from into out since than under until up 从 比".split())  # noqa: SIM905
)
_NAME = re.compile(r"(?<=[\w,;] )[A-Z]\w+")  # a capital inside a sentence
_SMALL = frozenset(
    """a about all am an and any anybody anyone are as at be can could did do does for from get give had has have hello
    here hey hi how i if in into is it its just know let may me my need not of on one or our ours please right say she
    should so some somebody someone tell than thank thanks that the their them there these they this those to us want
    was we were what when where which who whom whose why will with would you your yours""".split()  # noqa: SIM905
) | frozenset("的了吗呢吧啊呀是在有和与或我你您他她它们这那请问告诉一下个想要能会可以用就也都还把被让给从到比向往么")
_SAME = {
    "call": "name",
    "nam": "name",
    "titl": "name",
    "begin": "start",
    "clos": "shut",
    "wlan": "wifi",
    "wi-fi": "wifi",
}
_KINDS = (
    ("when", re.compile(r"\bwhen\b|\bwhat time\b|什么时候|何时|几点")),
    ("where", re.compile(r"\bwhere\b|哪里|哪儿|在哪|何处|什么地方")),
    ("who", re.compile(r"\b(?:who|whom|whose)\b|谁")),
    ("why", re.compile(r"\bwhy\b|为什么|为何")),
    ("how much", re.compile(r"\bhow (?:many|much|long|old|far|often|big|high)\b|多少|多久|多长|多大|几个")),
)
_OPEN = re.compile(r"\b(?:what|which|how)\b|什么|哪个|怎么|怎样|如何")


@dataclass(frozen=True)
class _Asked:
    """What a question is about."""

    words: tuple[str, ...]
    all_words: tuple[str, ...]
    kind: str | None  # None: it does not say
    denies: bool
    turns: frozenset[str]
    ordered: bool  # who does what to whom is in the order of the words


def fitting(question: str, known: Sequence[Correction]) -> list[Correction]:
    """The correction that answers a question, or none. Of two that fit as well, the first, which is the newest."""
    asked = _read(question)
    best: tuple[float, Correction | None] = (0.0, None)
    for one in known:
        score = max(_fit(asked, _read(wording)) for wording in (one.question, *one.wordings))
        best = max(best, (score, one), key=lambda found: found[0])
    return [best[1]] if best[1] else []


def as_turns(patch: Sequence[Correction]) -> list[Turn]:
    """The corrections as if they had been asked and answered just before: nothing before them in the prompt changes."""
    return [Turn(one.question, one.correction) for one in patch]


def in_prompt(patch: Sequence[Correction], messages: Sequence[Json]) -> tuple[Correction, ...]:
    """Those that there was room for."""
    pairs = [(one["content"], two["content"]) for one, two in pairwise(messages)]
    return tuple(one for one in patch if (one.question, one.correction) in pairs)


def note(patch: Sequence[Correction]) -> str:
    """What is said under an answer; empty where there was no correction in its prompt."""
    cases = ", ".join(str(one.case_id) for one in patch)
    return f"With a correction that I have yet to learn: case {cases}." if patch else ""


def _fit(asked: _Asked, other: _Asked) -> float:
    """From 0, another question, to 1, the same words."""
    if not asked.words or not other.words:
        return float(bool(asked.all_words) and asked.all_words == other.all_words)
    if (asked.denies, asked.turns) != (other.denies, other.turns) or not _same_kind(asked.kind, other.kind):
        return 0.0
    here = [next((word for word in other.words if _alike(mine, word)), None) for mine in asked.words]
    if None in here:
        return 0.0
    there = [word for word in other.words if word in here]
    more = [word for word in other.words if word not in here]
    if any(any(char.isdigit() for char in word) for word in more):
        return 0.0
    if (more or asked.ordered or other.ordered) and list(dict.fromkeys(here)) != there:
        return 0.0
    covered = len(there) / len(other.words)
    return covered if covered >= COVERED else 0.0


def _same_kind(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    spelled = min(len(one), len(other)) >= LONG and one.isalpha() and other.isalpha()
    return spelled and SequenceMatcher(None, one, other).ratio() >= SLIP


def _read(text: str) -> _Asked:
    whole = unicodedata.normalize("NFKC", text)
    clean = _SHORTENED.sub("", whole.casefold())
    kind = next((name for name, pattern in _KINDS if pattern.search(clean)), None)
    kind = kind or ("open" if _OPEN.search(clean) else None)
    bare = clean
    for pattern in (*(pattern for _, pattern in _KINDS), _OPEN, NEGATION):
        bare = pattern.sub(" ", bare)
    words = dict.fromkeys(_meaning(word) for word in WORD.findall(bare) if word not in _SMALL)
    all_words = tuple(WORD.findall(clean))
    ordered = kind == "who" or bool(_DIRECTION.search(clean)) or len(_NAME.findall(whole)) > 1
    return _Asked(
        words=tuple(words),
        all_words=all_words,
        kind=kind,
        denies=bool(NEGATION.search(clean)),
        turns=_TURNING.intersection(map(stem, all_words)),
        ordered=ordered,
    )


def _meaning(word: str) -> str:
    return _SAME.get(word) or _SAME.get(stem(word)) or stem(word)
