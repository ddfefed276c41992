"""Training rows: read from the JSONL files of `persona/`, checked before anything is trained on them.

ms-swift drops a blank or over-long row without a word and trains on an empty answer, so every row is refused
here, with its place, rather than lost there.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from feedback.persona import Persona
from feedback.teachable import MAX_ROW_CHARS, fault_in

# How a problem in a message is called in the alpaca format.
_ALPACA_FIELDS = {"messages.0.content": "instruction", "messages.1.content": "output"}


class RowError(ValueError):
    """A training row cannot be used; the message names file, line and field, and what to do."""


class Source(StrEnum):
    """Where a row comes from; the manifest of a dataset counts by it."""

    IDENTITY = "identity"
    REPLAY = "replay"
    CASE = "case"
    VARIANT = "variant"
    OWN_ANSWER = "own_answer"


@dataclass(frozen=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True)
class Row:
    """One conversation to train on; the system prompt is not in it, ms-swift adds it to every row alike."""

    messages: tuple[Message, ...]
    source: Source
    kind: str
    case_id: int | None = None
    language: str = "en"

    @classmethod
    def of(
        cls,
        question: str,
        answer: str,
        *,
        source: Source,
        kind: str,
        case_id: int | None = None,
        language: str = "en",
    ) -> "Row":
        """A row of one question and its answer."""
        messages = (Message("user", question), Message("assistant", answer))
        return cls(messages, source, kind, case_id, language)

    @property
    def question(self) -> str:
        """What the person says last."""
        return self.messages[-2].content

    @property
    def answer(self) -> str:
        return self.messages[-1].content

    def as_json(self) -> str:
        """The row as ms-swift reads it: one line with `messages` and nothing that training would have to skip."""
        messages = [{"role": message.role, "content": message.content} for message in self.messages]
        return json.dumps({"messages": messages}, ensure_ascii=False)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row, in which field, and what to do about it."""

    field: str
    text: str


def read_rows(path: Path, persona: Persona, *, source: Source | None = None) -> list[Row]:
    """Read one JSONL file in alpaca or `messages` format, placeholders filled.

    The language is the file's stem (`zh.jsonl`); the source, unless given, follows from the folder
    (`replay/` or `self_cognition/`). Raises `RowError` for the first row that cannot be used.
    """
    source = source or (Source.REPLAY if path.parent.name == "replay" else Source.IDENTITY)
    rows = [
        _read_row(line, f"{path}:{number}", persona, source, language=path.stem)
        for number, line in enumerate(_lines(path), start=1)
    ]
    if not rows:
        raise RowError(f"{path}:1: (file): has no rows; write at least one")
    return rows


def read_folder(folder: Path, persona: Persona, languages: Iterable[str], *, source: Source | None = None) -> list[Row]:
    """The rows of `<language>.jsonl` for each of `languages`, in that order."""
    return [row for language in languages for row in read_rows(folder / f"{language}.jsonl", persona, source=source)]


def problem_in(messages: Sequence[Message], *, max_chars: int = MAX_ROW_CHARS) -> Problem | None:
    """Why `messages` must not be trained on, or None; for rows from files and for rows made from cases."""
    turns = [message.role for message in messages if message.role != "system"]
    if len(turns) < 2 or turns != ["user", "assistant"] * (len(turns) // 2):
        return Problem("messages", "must go user, assistant, user, assistant ... and end with the assistant")
    if any(message.role == "system" for message in messages):
        return Problem("messages", "must not have a system message; it is set once, in persona.yaml")
    for index, message in enumerate(messages):
        text = fault_in(message.content)
        if text is not None:
            return Problem(f"messages.{index}.content", text)
    chars = sum(len(message.content) for message in messages)
    if chars > max_chars:
        return Problem("messages", f"has {chars} characters; shorten it to {max_chars} or split it")
    return None


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as broken:
        line = broken.object[: broken.start].count(b"\n") + 1
        raise RowError(f"{path}:{line}: (line): is not UTF-8 text; save the file as UTF-8") from broken
    except OSError as unreadable:
        raise RowError(f"{path}: cannot be read: {unreadable.strerror or unreadable}") from unreadable
    # Not splitlines(): JSON may hold U+2028 and other line ends unescaped.
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _read_row(line: str, place: str, persona: Persona, source: Source, *, language: str) -> Row:
    values = _parse(line, place)
    kind = values.pop("kind", "")
    if not isinstance(kind, str) or not kind.strip():
        raise RowError(f"{place}: kind: is missing or not text; name the kind of row, e.g. identity")
    alpaca = "messages" not in values
    messages = _from_alpaca(values, place) if alpaca else _from_messages(values, place)
    filled = tuple(Message(one.role, persona.fill(one.content, language)) for one in messages)
    problem = problem_in(filled)
    if problem is not None:
        field = _ALPACA_FIELDS.get(problem.field, problem.field) if alpaca else problem.field
        raise RowError(f"{place}: {field}: {problem.text}")
    return Row(filled, source, kind, language=language)


def _parse(line: str, place: str) -> dict[str, Any]:
    if not line.strip():
        raise RowError(f"{place}: (line): is blank; remove it")
    try:
        values = json.loads(line, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as broken:
        raise RowError(f"{place}: (line): is not JSON ({broken}); write one object per line") from broken
    if not isinstance(values, dict):
        raise RowError(f"{place}: (line): is not a JSON object; write {{...}}")
    return values


def _from_alpaca(values: dict[str, Any], place: str) -> list[Message]:
    for field in ("instruction", "output"):
        if field not in values:
            raise RowError(f"{place}: {field}: is missing; a row has instruction, input and output, or messages")
    for field, value in values.items():
        if field not in ("instruction", "input", "output"):
            raise RowError(f"{place}: {field}: is not known; a row has instruction, input, output and kind")
        if not isinstance(value, str):
            raise RowError(f"{place}: {field}: is not text; put it in quotes")
    question = "\n".join(part for part in (values["instruction"], values.get("input", "")) if part)
    return [Message("user", question), Message("assistant", values["output"])]


def _from_messages(values: dict[str, Any], place: str) -> list[Message]:
    unknown = [field for field in values if field != "messages"]
    if unknown:
        raise RowError(f"{place}: {unknown[0]}: is not known; a row has messages and kind")
    given = values["messages"]
    if not isinstance(given, list) or not given:
        raise RowError(f"{place}: messages: is not a list with at least a user and an assistant message")
    for index, one in enumerate(given):
        if not isinstance(one, dict) or set(one) != {"role", "content"}:
            raise RowError(f"{place}: messages.{index}: must have role and content, and nothing else")
        for field in ("role", "content"):
            if not isinstance(one[field], str):
                raise RowError(f"{place}: messages.{index}.{field}: is not text; put it in quotes")
    return [Message(one["role"], one["content"]) for one in given]


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, refused when it has a key twice: the parser would keep the last without a word."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a field is given twice")
    return values
