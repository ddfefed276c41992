"""The house: who may import whom (DESIGN.md), and that the bot's install stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"settings", "feedback", "serving", "trainer", "bot", "sandbox", "cli", "local"}
MAY_IMPORT = {
    "feedback": {"settings"},
    "serving": {"feedback", "settings"},
    "trainer": {"serving", "feedback", "settings"},
    "bot": {"serving", "feedback", "settings"},
    "sandbox": set(),
    "local": {"settings", "serving", "feedback"},
}
HEAVY = {"torch", "transformers", "vllm", "swift", "peft", "datasets"}


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_comes_before_it(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        foreign = (imports_of(path) & ROOMS) - MAY_IMPORT[room] - {room}
        assert not foreign, f"{path.relative_to(ROOT)} imports {sorted(foreign)}"


@pytest.mark.parametrize("room", ["feedback", "serving", "trainer"])
def test_slack_stays_in_the_bot(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        assert not imports_of(path) & {"slack_bolt", "slack_sdk"}, path


def test_torch_and_swift_are_in_the_process_that_trains_and_nowhere_else_in_the_trainer() -> None:
    heavy = {path.name for path in (ROOT / "trainer").rglob("*.py") if imports_of(path) & HEAVY}
    assert heavy == {"warm_program.py"}
    for path in (ROOT / "trainer").rglob("*.py"):
        assert "import warm_program" not in path.read_text(encoding="utf-8")


LIGHT = ["bot.app", "trainer.worker", "trainer.jobs", "trainer.warm_program", "serving.adapters", "cli.main"]


@pytest.mark.parametrize("module", LIGHT)
def test_importing_a_light_module_pulls_in_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
