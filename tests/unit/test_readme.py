"""README.md says what the code does: its diagrams are the moves of feedback.states."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.main import COMMANDS
from feedback.states import ADAPTER_MOVES, CASE_MOVES, RUN_MOVES, Status
from settings import variable_names

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("moves", [CASE_MOVES, RUN_MOVES, ADAPTER_MOVES], ids=["case", "run", "adapter"])
def test_a_diagram_shows_exactly_the_allowed_moves(moves: Mapping[Status, frozenset[Status]]) -> None:
    first = next(iter(moves))
    diagram = next(part for part in README.split("```mermaid")[1:] if f"[*] --> {first}" in part).split("```")[0]
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", diagram, flags=re.MULTILINE))
    assert drawn == {(str(before), str(after)) for before, allowed in moves.items() for after in allowed}


def test_every_setting_is_in_the_table() -> None:
    listed = re.findall(r"^\| `(MEND_\w+)` \|", README, flags=re.MULTILINE)
    assert set(listed) == leaf_variables()
    assert len(listed) == len(set(listed))


def leaf_variables() -> set[str]:
    """The variables of single fields, without those that hold a whole group."""
    names = variable_names()
    return {name for name in names if not any(other.startswith(f"{name}__") for other in names)}


def test_every_command_in_the_readme_exists() -> None:
    assert set(re.findall(r"`mend ([a-z]+)", README)) == set(COMMANDS)
