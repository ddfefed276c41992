"""The persona a team gives its assistant: who it says it is, read from `persona/persona.yaml`."""

import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from feedback.yaml_model import YamlFileError, read_yaml_model

NAME = "{{NAME}}"
AUTHOR = "{{AUTHOR}}"
_PLACEHOLDER = re.compile(r"\{\{.*?(?:\}\}|$)", re.DOTALL)

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
ShortName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class PersonaError(YamlFileError):
    """The persona file cannot be used; the message names file, line and field."""


class Persona(BaseModel):
    """Everything about the assistant that a team may change without touching code.

    `{{NAME}}` and `{{AUTHOR}}` are already filled in every text here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: ShortName
    maker: ShortName
    maker_in: dict[Language, ShortName] = Field(default_factory=dict)
    """The maker's name in languages where it is written differently, by language code."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, strict=False)]
    facts: Annotated[tuple[Line, ...], Field(strict=False)] = ()
    limits: Annotated[tuple[Line, ...], Field(strict=False)] = ()
    system_prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    """Sent with every request, in training and in serving alike."""
    suggested_prompts: Annotated[tuple[Line, ...], Field(max_length=4, strict=False)] = ()
    """At most four: Slack shows no more."""

    @field_validator("name", "maker")
    @classmethod
    def _is_one_plain_name(cls, value: str) -> str:
        # Names are put into training rows and patterns: a brace would look like a placeholder that was
        # forgotten, and a control character or a template token would break the prompt.
        if re.search(r"[{}<>|\x00-\x1f]", value):
            raise ValueError("must be a plain name, without braces, angle brackets, bars or line breaks")
        return value

    @field_validator("system_prompt")
    @classmethod
    def _is_filled(cls, value: str, info: ValidationInfo) -> str:
        return _filled(value, info.data)

    @field_validator("facts", "limits", "suggested_prompts")
    @classmethod
    def _are_filled(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return tuple(_filled(value, info.data) for value in values)

    @model_validator(mode="after")
    def _translates_known_languages(self) -> Self:
        unknown = set(self.maker_in) - set(self.languages)
        if unknown:
            raise ValueError(f"maker_in has {', '.join(sorted(unknown))}, which languages does not list")
        return self

    @property
    def slug(self) -> str:
        """The name as `[a-z0-9-]+`, for adapter names and folders."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "persona"

    def author(self, language: str = "en") -> str:
        """The maker's name as it is written in `language`."""
        return self.maker_in.get(language, self.maker)

    def fill(self, text: str, language: str = "en") -> str:
        """`text` with this persona's name and maker in place of `{{NAME}}` and `{{AUTHOR}}`."""
        return text.replace(NAME, self.name).replace(AUTHOR, self.author(language))

    def fill_pattern(self, pattern: str, language: str = "en") -> str:
        """Like `fill` for a regular expression: a name such as `C-3P.O` matches itself only.

        `\\b` beside a name means that the name ends there, also where it ends with a sign, such as `C++`.
        """
        for placeholder, name in ((NAME, self.name), (AUTHOR, self.author(language))):
            pattern = _with_edges(pattern, placeholder, name).replace(placeholder, re.escape(name))
        return pattern


def load_persona(path: Path) -> Persona:
    """Read `persona.yaml`; raises `PersonaError` with file, line and field when it cannot be used."""
    return read_yaml_model(path, Persona, error=PersonaError)


def _with_edges(pattern: str, placeholder: str, name: str) -> str:
    """`pattern` without word boundaries that could never be: there is none between a sign and a space."""
    if not re.match(r"\w", name[0]):
        pattern = re.sub(rf"(?<!\\)\\b(?={re.escape(placeholder)})", lambda _: r"(?<!\w)", pattern)
    if not re.match(r"\w", name[-1]):
        pattern = re.sub(rf"(?<={re.escape(placeholder)})\\b", lambda _: r"(?!\w)", pattern)
    return pattern


def _filled(text: str, so_far: dict[str, Any]) -> str:
    """`text` filled from the fields validated `so_far`: name and maker come before every text."""
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in (NAME, AUTHOR):
            raise ValueError(f"unknown placeholder {placeholder}; only {NAME} and {AUTHOR} are filled")
    if "name" not in so_far or "maker" not in so_far:
        return text  # they have errors of their own, which are the ones to show
    return text.replace(NAME, so_far["name"]).replace(AUTHOR, so_far["maker"])
