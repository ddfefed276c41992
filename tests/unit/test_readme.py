"""README.md says what the code does: its diagrams are the moves of feedback.states."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from feedback.states import ADAPTER_MOVES, CASE_MOVES, RUN_MOVES, Status

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("moves", [CASE_MOVES, RUN_MOVES, ADAPTER_MOVES], ids=["case", "run", "adapter"])
def test_a_diagram_shows_exactly_the_allowed_moves(moves: Mapping[Status, frozenset[Status]]) -> None:
    first = next(iter(moves))
    diagram = next(part for part in README.split("```mermaid")[1:] if f"[*] --> {first}" in part).split("```")[0]
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", diagram, flags=re.MULTILINE))
    assert drawn == {(str(before), str(after)) for before, allowed in moves.items() for after in allowed}
