"""Whether a correction speaks against the persona that all else is trained on. Pure, by words; no model is asked.

Three things are seen: a question that the persona's rows answer with its name or its maker's, while the correction has
neither; a fact or limit of persona.yaml whose words the correction uses, while only one of the two says "not"; and one
whose words it uses with another number, or with another word in one place. Contradictions in other words are not seen,
nor those in another language.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bot.likeness import likeness
from bot.text import shorten
from bot.topics import claims, denies, is_number, is_unspaced, lacking, topic
from feedback.persona import Persona

ALIKE = 0.75
MOST = 2  # hints
MOSTLY = 0.6  # of a clause's words
_CLAUSES = re.compile(r"[.;,:]\s|\b(?:and|but|or)\b|[，。；、]", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """What the persona says of itself: its names, its facts and limits, and the questions that its rows answer."""

    names: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def read(persona: Persona, folder: Path) -> Known:
    """The persona's own words. Lines that are no rows are passed over: the trainer and the doctor complain of them."""
    rows: list[tuple[str, str]] = []
    for language in persona.languages:
        file = folder / "self_cognition" / f"{language}.jsonl"
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
            if row := _row(line):
                rows.append((persona.fill(row[0], language), persona.fill(row[1], language)))
    names = (persona.name, persona.maker, *persona.maker_in.values())
    return Known(names, (*persona.facts, *persona.limits), tuple(rows))


def _row(line: str) -> tuple[str, str] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    asked, said = found.get("instruction"), found.get("output")
    turns = found.get("messages")
    if isinstance(turns, list) and len(turns) >= 2:
        asked, said = (turn.get("content") if isinstance(turn, dict) else None for turn in turns[-2:])
    return (asked, said) if isinstance(asked, str) and isinstance(said, str) else None


def persona_hints(question: str, correction: str | None, known: Known) -> list[str]:
    """What a reviewer should know before approving the correction."""
    if not correction:
        return []
    found = [_names_hint(question, correction, known), *(_fact_hint(correction, fact, known) for fact in known.facts)]
    return [hint for hint in found if hint][:MOST]


def _names_hint(question: str, correction: str, known: Known) -> str | None:
    if any(_names(name, correction) for name in known.names):
        return None
    for asked, said in known.rows:
        named = next((name for name in known.names if _names(name, said)), None)
        if named and likeness(question, asked) >= ALIKE:
            told = f"{shorten(asked, 120)} → {shorten(said, 240)}"
            return f"May contradict the persona: it answers this with its names, and the correction has none. {told}"
    return None


def _names(name: str, text: str) -> bool:
    bare = re.sub(r"^the\s+", "", name, flags=re.IGNORECASE)
    return bare.casefold() in text.casefold()


def _fact_hint(correction: str, fact: str, known: Known) -> str | None:
    own = {word for name in known.names for word in topic(name)}
    for clause in _clauses(fact):
        ours = _about(clause, own)
        for said in _clauses(correction):
            if speaks := _against(ours, _about(said, own), denies(clause) is not denies(said)):
                return f'May contradict the persona: "{fact}" {speaks}'
    return None


def _against(ours: list[str], theirs: list[str], one_denies: bool) -> str | None:
    """How a clause of a correction speaks against one of the persona's, told by the words of both."""
    missing, other = lacking(ours, theirs), lacking(theirs, ours)
    shared = [word for word in ours if word not in missing]
    if one_denies:
        told = ", ".join(ours)
        return f'Only one of the two says "not" of {told}.' if len(ours) >= 2 and not missing else None
    numbers, others = [word for word in missing if is_number(word)], [word for word in other if is_number(word)]
    if numbers and others and shared and len(missing) == len(numbers):
        return f"The correction says {', '.join(others)} where it says {', '.join(numbers)}."
    swapped = 1 <= len(missing) <= _one_word(missing) and 1 <= len(other) <= _one_word(other)
    if swapped and len(shared) >= max(2, MOSTLY * max(len(ours), len(theirs))):
        return f"The correction says {', '.join(other)} where it says {', '.join(missing)}."
    return None


def _one_word(words: list[str]) -> int:
    """How many of such words make one: of characters written without spaces, two or three."""
    return 3 if all(map(is_unspaced, words)) else 1


def _clauses(text: str) -> list[str]:
    return [clause for clause in _CLAUSES.split(text) if clause and clause.strip()]


def _about(clause: str, own: set[str]) -> list[str]:
    return [word for word in claims(clause) if word not in own]
