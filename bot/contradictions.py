"""Whether a correction speaks against the persona that all else is trained on. Pure, by words; no model is asked.

Two things are seen: a question that the persona's rows answer with its name or its maker's, while the correction names
neither; and a fact or limit of persona.yaml whose words the correction uses, while only one of the two says "not".
Contradictions in other words are not seen.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.likeness import likeness, same_words, topic
from bot.text import shorten
from feedback.persona import Persona

ALIKE = 0.75
MOST = 2  # hints
_NOT = re.compile(r"\b(?:not|no|never|cannot|nothing|nobody|without)\b|n['’]t\b|不|没|无法", re.IGNORECASE)
_CLAUSES = re.compile(r"[.;,:]\s|\b(?:and|but|or)\b|[，。；、]", re.IGNORECASE)
_NEGATIONS = frozenset({"not", "no", "never", "cannot", "nothing", "nobody", "without", "don", "doesn", "isn", "t"})


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
    asked, said = (found.get("instruction"), found.get("output")) if isinstance(found, dict) else (None, None)
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
    for clause in _clauses(fact):
        about = _about(clause, known)
        for said in _clauses(correction):
            shares = len(about) >= 2 and same_words(about, _about(said, known)) == len(about)
            if shares and bool(_NOT.search(clause)) is not bool(_NOT.search(said)):
                return f'May contradict the persona: "{fact}" Only one of the two says "not" of {", ".join(about)}.'
    return None


def _clauses(text: str) -> list[str]:
    return [clause for clause in _CLAUSES.split(text) if clause and clause.strip()]


def _about(clause: str, known: Known) -> Sequence[str]:
    own = {word for name in known.names for word in re.findall(r"\w+", name.casefold())}
    return [word for word in topic(clause) if word not in own and word not in _NEGATIONS]
