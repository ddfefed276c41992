"""A listener acknowledges, reads Slack's dict, and calls one part: it fits on a page and reaches for nothing else."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "bot" / "listeners").glob("*.py"))
PAGE = 100
ENGINES = {"sqlalchemy", "psycopg", "redis", "rq", "httpx", "aiohttp", "openai", "vllm", "serving", "trainer"}
MAY_TAKE = {"feedback.database": {"DatabaseUnavailable"}}  # the name of an error, to say that the record is away
PARTS_BEHIND = {"database", "chat", "replicas"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_listener_is_no_longer_than_a_page(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= PAGE


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_listener_talks_neither_to_the_database_nor_to_the_model_server(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & ENGINES
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.module.partition(".")[0] not in ENGINES
            if node.module in MAY_TAKE:
                assert {alias.name for alias in node.names} <= MAY_TAKE[node.module]
            assert node.module != "feedback.models"
        elif isinstance(node, ast.Attribute):
            assert node.attr not in PARTS_BEHIND, f"line {node.lineno}: .{node.attr}"


def test_there_are_listeners_to_look_at() -> None:
    assert len(FILES) > 5
