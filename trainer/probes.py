"""Probes: checked prompts that say whether an adapter still is who it should be and can what it could."""

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from feedback.persona import Persona
from feedback.yaml_model import YamlFileError, read_yaml_model
from trainer.code_check import CodeCase, SandboxError, check_code

_REGEX = "re:"
LONGEST_TOKEN = 16  # characters; some words that are longer are one token, but no run of them
LEAST_CODE = 8  # tokens of the shortest function
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


class ProbeFileError(YamlFileError):
    """The probe file cannot be used; the message names file, line and field."""


class ProbeError(RuntimeError):
    """A probe could not be graded; this is an error, never a score of 0."""


class ProbeGroup(StrEnum):
    """What a probe is about; the gate treats each group in its own way."""

    IDENTITY = "identity"
    RIGOUR = "rigour"
    ABILITY = "ability"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Patterns = tuple[Pattern, ...]


class CodeCaseModel(_Frozen):
    """One call and its result, as written in the file."""

    args: tuple[JsonValue, ...]
    returns: JsonValue


class CodeExpectation(_Frozen):
    """The answer is code: the function in it is run with these cases, whatever its name."""

    cases: Annotated[tuple[CodeCaseModel, ...], Field(min_length=1)]


class Expect(_Frozen):
    """What an answer must say: text patterns, or code that gives the right results.

    A pattern is a piece of text found anywhere, in any case, or a regular expression after `re:`. Both are looked
    for in the answer after NFKC normalisation, with straight quotes and single spaces.
    """

    any_of: Patterns = ()
    all_of: Patterns = ()
    none_of: Patterns = ()
    code: CodeExpectation | None = None

    @field_validator("any_of", "all_of", "none_of")
    @classmethod
    def _can_match(cls, patterns: Patterns) -> Patterns:
        for pattern in patterns:
            if "{{" in pattern:
                raise ValueError(f"{pattern!r} has a placeholder that nothing fills")
            if not pattern.removeprefix(_REGEX).strip():
                raise ValueError(f"{pattern!r} would match every answer")
            if pattern.startswith(_REGEX):
                try:
                    re.compile(pattern.removeprefix(_REGEX))
                except re.error as broken:
                    raise ValueError(f"{pattern!r} is not a regular expression: {broken}") from broken
        return patterns

    @model_validator(mode="after")
    def _expects_one_thing(self) -> Self:
        texts = bool(self.any_of or self.all_of or self.none_of)
        if texts == (self.code is not None):
            raise ValueError("needs any_of, all_of or none_of, or else code")
        return self

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> Self:
        for wanted in self.all_of:
            if unwanted := self._forbidden_in(wanted):
                raise ValueError(f"no answer can say {wanted!r} (all_of) without {unwanted!r} (none_of)")
        forbidden = [self._forbidden_in(wanted) for wanted in self.any_of]
        if forbidden and all(forbidden):
            raise ValueError(f"no answer can say {self.any_of[0]!r} (any_of) without {forbidden[0]!r} (none_of)")
        return self

    def _forbidden_in(self, wanted: str) -> str | None:
        """What an answer that says `wanted` says too, and must not."""
        return next((unwanted for unwanted in self.none_of if _implies(wanted, unwanted)), None)

    def least_tokens(self) -> int:
        """No answer of fewer tokens can pass: a token is a word at most, and a piece of a long one."""
        if self.code is not None:
            return LEAST_CODE
        shortest = min((_least_tokens(pattern) for pattern in self.any_of), default=1)
        return max([shortest, *(_least_tokens(pattern) for pattern in self.all_of)])


class Probe(_Frozen):
    """One checked prompt."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    group: ProbeGroup
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "en"
    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    expect: Expect
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 48

    @model_validator(mode="before")
    @classmethod
    def _fill_placeholders(cls, values: Any, info: ValidationInfo) -> Any:
        persona = (info.context or {}).get("persona")
        if not isinstance(persona, Persona) or not isinstance(values, dict):
            return values
        language = str(values.get("language", "en"))
        filled = dict(values)
        if isinstance(values.get("prompt"), str):
            filled["prompt"] = persona.fill(values["prompt"], language)
        if isinstance(values.get("expect"), dict):
            filled["expect"] = {
                field: [_fill_pattern(one, persona, language) for one in value] if isinstance(value, list) else value
                for field, value in values["expect"].items()
            }
        return filled

    @model_validator(mode="after")
    def _has_room_for_what_it_expects(self) -> Self:
        if self.max_tokens < self.expect.least_tokens():
            least = self.expect.least_tokens()
            raise ValueError(f"what is expected takes at least {least} tokens, and max_tokens is {self.max_tokens}")
        return self

    @field_validator("prompt")
    @classmethod
    def _is_filled(cls, prompt: str) -> str:
        if "{{" in prompt:
            raise ValueError("has a placeholder that nothing fills; only {{NAME}} and {{AUTHOR}} are known")
        return prompt


class ProbeFile(_Frozen):
    """The whole of `probes.yaml`."""

    probes: Annotated[tuple[Probe, ...], Field(min_length=1)]

    @field_validator("probes")
    @classmethod
    def _have_own_ids(cls, probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
        ids = [probe.id for probe in probes]
        doubled = sorted({one for one in ids if ids.count(one) > 1})
        if doubled:
            raise ValueError(f"the id {doubled[0]} is used twice")
        if taken := [one for one in ids if one.startswith("case-")]:
            raise ValueError(f"the id {taken[0]} could be that of a case's own probe; begin it with another word")
        return probes


@dataclass(frozen=True)
class Grade:
    """Whether an answer passed, and why in words for people."""

    passed: bool
    reason: str


def load_probes(path: Path, persona: Persona) -> list[Probe]:
    """Read `probes.yaml` with the persona's names filled in; raises `ProbeFileError` with file, line and field."""
    file = read_yaml_model(path, ProbeFile, error=ProbeFileError, context={"persona": persona})
    return list(file.probes)


def grade(probe: Probe, answer: str) -> Grade:
    """Whether `answer` passes `probe`; raises `ProbeError` when that cannot be found out."""
    text = _normalised(answer)
    if not text:
        return Grade(False, "the answer is empty")
    if probe.expect.code is not None:
        return _grade_code(probe.expect.code, answer)
    return _grade_text(probe.expect, text)


def _grade_code(expected: CodeExpectation, answer: str) -> Grade:
    cases = [CodeCase(case.args, case.returns) for case in expected.cases]
    try:
        verdict = check_code(answer, cases)
    except SandboxError as broken:
        raise ProbeError(str(broken)) from broken
    return Grade(verdict.passed, verdict.reason)


def _grade_text(expect: Expect, text: str) -> Grade:
    for pattern in expect.none_of:
        if _found(pattern, text):
            return Grade(False, f"says {_shown(pattern)}, which it must not")
    for pattern in expect.all_of:
        if not _found(pattern, text):
            return Grade(False, f"does not say {_shown(pattern)}")
    if expect.any_of and not any(_found(pattern, text) for pattern in expect.any_of):
        return Grade(False, f"says none of {', '.join(map(_shown, expect.any_of))}")
    return Grade(True, "says what it should")


def _shown(pattern: str) -> str:
    """A pattern for people who read why a probe failed: words as words, and what is more than that as it is written."""
    plain = pattern.removeprefix(_REGEX).replace(r"\b", "")
    if not pattern.startswith(_REGEX) or re.fullmatch(r"[\w '-]+", plain):
        return repr(plain if pattern.startswith(_REGEX) else pattern)
    return f"/{pattern.removeprefix(_REGEX)}/"


def _found(pattern: str, text: str) -> bool:
    if pattern.startswith(_REGEX):
        return re.search(pattern.removeprefix(_REGEX), text, re.IGNORECASE) is not None
    return _normalised(pattern).casefold() in text.casefold()


def _implies(wanted: str, unwanted: str) -> bool:
    """Whether whatever says the one surely says the other; of regular expressions only the very same is sure."""
    if wanted.startswith(_REGEX) or unwanted.startswith(_REGEX):
        return wanted == unwanted
    return _found(unwanted, _normalised(wanted))


def _least_tokens(pattern: str) -> int:
    if pattern.startswith(_REGEX):
        return 1
    text = _normalised(pattern)
    return max(len(text.split()), math.ceil(len(text) / LONGEST_TOKEN))


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).split())


def _fill_pattern(pattern: Any, persona: Persona, language: str) -> Any:
    if not isinstance(pattern, str):
        return pattern  # the field's own validator says what is wrong with it
    if pattern.startswith(_REGEX):
        return persona.fill_pattern(pattern, language)
    return persona.fill(pattern, language)
