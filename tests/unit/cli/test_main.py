"""The command line: help everywhere, and one line for what is known to go wrong."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from cli import errors
from cli.main import COMMANDS, app, main
from local.home import HomeInUse
from local.stack import Stopped
from serving.errors import ServingUnavailable
from settings import Settings

ROOT = Path(__file__).parents[3]
GROUPS = {
    "cases": ["list", "show", "withdraw", "import", "export"],
    "adapters": ["list", "promote", "rollback"],
    "canary": ["show", "promote", "stop"],
}
EVERY = [[name] for name in COMMANDS] + [[group, name] for group, names in GROUPS.items() for name in names]


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0 and "Usage:" in done.output


def test_the_list_of_commands_is_the_help() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {name} " in shown for name in COMMANDS)


def test_an_unknown_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == errors.WRONG_USE
    assert "No such command 'nonsense'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "line", "status"),
    [
        (ServingUnavailable("http://x is away"), "http://x is away", errors.FAILED),
        (HomeInUse("in use"), "in use", errors.FAILED),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "The disk is full at /data/x", errors.FAILED),
        (Stopped(), "stopped", errors.INTERRUPTED),
        (ModuleNotFoundError("no", name="rapidfuzz"), "This command needs the trainer's packages", errors.FAILED),
        (errors.UserError("say it so"), "say it so", errors.WRONG_USE),
    ],
)
def test_a_known_error_is_one_line_and_a_status(error: Exception, line: str, status: int) -> None:
    assert errors.known(error)
    assert errors.explain(error).startswith(line)
    assert errors.status(error) == status


def test_a_wrong_setting_is_named_as_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEND_SERVING__PORT", "many")
    with pytest.raises(ValidationError) as wrong:
        Settings()
    assert errors.explain(wrong.value).startswith("MEND_SERVING__PORT: Input should be a valid integer")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "up", "tests.unit.cli.test_main:broken")
    with pytest.raises(ZeroDivisionError):
        main(["up"])


def broken() -> None:
    """A command with a bug."""
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("variables", "arguments", "status", "line"),
    [
        ({"MEND_SERVING__BASE_MODEL": "/no/model"}, ["serve"], 1, "mend: Model folder missing: /no/model"),
        ({"MEND_PERSONA_DIR": "/no/persona"}, ["manifest"], 2, "mend: /no/persona/persona.yaml: cannot be read"),
        ({"MEND_SLACK__MODE": "pigeon"}, ["bot"], 2, "mend: MEND_SLACK__MODE: Input should be 'socket' or 'http'"),
        ({"MEND_DATABASE__URL": "postgresql://u@127.0.0.1:9/x"}, ["bot"], 1, "mend: PostgreSQL cannot be reached"),
        ({"MEND_SERVING__HOST": "0.0.0.0"}, ["serve"], 2, "mend: vLLM would listen on 0.0.0.0 without a key"),
        ({}, ["up"], 2, "mend: These are missing:"),
    ],
)
def test_a_users_mistake_prints_no_traceback(
    tmp_path: Path, variables: dict[str, str], arguments: list[str], status: int, line: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=tmp_path,  # no .env there
        env={"PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith(line)
    assert "Traceback" not in done.stderr


def test_the_servers_command_is_shown_without_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEND_SERVING__API_KEY", "hush")
    monkeypatch.setenv("MEND_SERVING__DEVICE", "cuda")
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--print"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "VLLM_API_KEY=(set)" in shown and "--enable-lora" in shown and "hush" not in shown
