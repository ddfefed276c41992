"""What the next run is made of, as the files say it: the training recipe's numbers, and the rows there are to draw.

The trainer reads the same files row by row and trains on them; here they are only counted, so that an admin can be told
how big the very first run will be. A bot on another machine than the worker needs its own copy of them for that.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from feedback.persona import Persona
from feedback.yaml_model import YamlFileError, read_yaml_model

POOLS = {"identity": "self_cognition", "general": "replay"}  # folder of the persona by the source of its rows
Count = Annotated[int, Field(ge=0)] | Literal["all"]


class RecipeError(YamlFileError):
    """The recipe, or the rows that it names, cannot be read; the message names the file."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Schedule(_Part):
    """Of the schedule of a run: how often each row is seen."""

    num_train_epochs: Annotated[int, Field(ge=1)]


class Mixture(_Part):
    """How many rows of each source a run mixes in."""

    new_case_repeats: Annotated[int, Field(ge=1)]
    identity_rows: Count
    general_rows: Count
    identity_repeats: Annotated[int, Field(ge=1)] = 1
    earlier_case_rows: Count
    earlier_repeats: Annotated[int, Field(ge=1)] = 1
    own_answers: Annotated[int, Field(ge=0)] = 0
    most_replay_per_new_row: Annotated[float, Field(gt=0)] | None = None
    general_sets: tuple[Annotated[str, StringConstraints(pattern=r"#[1-9]\d*$")], ...] = ()


class Recipe(_Part):
    """The part of a training config (see trainer/config.py) that decides how big a run is."""

    languages: tuple[str, ...]
    paraphrases_per_case: Annotated[int, Field(ge=0)]
    method: str = "sft"
    first: Schedule
    follow_up: Schedule
    first_replay: Mixture
    replay: Mixture


@dataclass(frozen=True)
class Stock:
    """A recipe, and how many rows there are of each source, in the languages that both it and the persona have."""

    recipe: Recipe
    identity: int
    general: int

    def drawn(self, source: str, *, first: bool) -> int:
        """How many rows of a source a run draws: what the recipe says, or all that there are."""
        mixture = self.recipe.first_replay if first else self.recipe.replay
        wanted: int | str = getattr(mixture, f"{source}_rows")
        there = self.identity * mixture.identity_repeats if source == "identity" else self.general
        return drawn_of(wanted, there)


def drawn_of(wanted: int | str, there: int) -> int:
    """How many rows are drawn of those that there are."""
    return there if isinstance(wanted, str) else min(wanted, there)


def in_proportion(counts: Mapping[str, int], new_rows: int, most_per_new_row: float | None) -> dict[str, int]:
    """The counts, made smaller by one factor so that they are at most so many together for each new row.

    A run without new rows (it teaches an identity, or takes something back) has all of them.
    """
    total, most = sum(counts.values()), new_rows * (most_per_new_row or 0)
    if most == 0 or total <= most:
        return dict(counts)
    return {source: math.floor(count * most / total) for source, count in counts.items()}


def take_stock(config: Path, persona_dir: Path, persona: Persona) -> Stock:
    """Read the recipe and count the persona's rows; the files may have changed since the last time.

    Raises:
        RecipeError: a file is not there, or cannot be read.
    """
    recipe = read_yaml_model(config, Recipe, error=RecipeError)
    languages = [language for language in recipe.languages if language in persona.languages]
    counted = {
        source: sum(_rows_in(persona_dir / folder / f"{language}.jsonl") for language in languages)
        for source, folder in POOLS.items()
    }
    return Stock(recipe, **counted)


def _rows_in(path: Path) -> int:
    """The rows of a file: one a line. Whether each can be trained on, the trainer says."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise RecipeError(f"{path}: cannot be read: {unreadable}") from unreadable
    return sum(1 for line in text.split("\n") if line.strip())  # not splitlines(): JSON may hold U+2028
