"""The folder in which a Mend on one machine keeps everything, and which only one may use at a time."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import pids
from local.embedded import BOT_TOKEN as SANDBOX_BOT_TOKEN
from settings import Settings

RUNNING = "running.json"
_TOKENS = {"bot_token", "app_token", "signing_secret"}
TAUGHT = ("postgres", "valkey", "sandbox", "adapters", "runs", "unsaved", "log")  # the model would be made again


class HomeInUse(Exception):
    """A running Mend uses the folder."""


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the folder for the length of the block.

    Raises:
        HomeInUse: another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "mend.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel releases it when this process dies
        except BlockingIOError:
            raise HomeInUse(
                f"A running Mend uses the folder {home}. Stop it (Ctrl-C in its terminal), or choose another folder "
                "with --home."
            ) from None
        yield


def log_folder(home: Path) -> Path:
    """Where the parts write their logs and process marks."""
    return home / "log"


def forget(home: Path) -> None:
    """Remove all that was said and taught; the small model stays.

    Raises:
        HomeInUse: a running Mend uses the folder.
    """
    with alone(home):
        pids.stop_recorded(log_folder(home))
        for name in TAUGHT:
            shutil.rmtree(home / name, ignore_errors=True)


def publish(settings: Settings) -> None:
    """Leave the addresses of what runs in this folder, so that other commands here reach it. Tokens and keys stay out,
    but for the sandbox's, which are no secret."""
    shown = json.loads(settings.model_dump_json(exclude={"slack": _TOKENS, "serving": {"api_key"}}))
    if settings.slack.bot_token.get_secret_value() == SANDBOX_BOT_TOKEN:
        shown["slack"] |= {name: getattr(settings.slack, name).get_secret_value() for name in _TOKENS}
    (settings.home / RUNNING).write_text(json.dumps(shown, indent=1))


def unpublish(home: Path) -> None:
    """Nothing runs here any more."""
    (home / RUNNING).unlink(missing_ok=True)


def published(home: Path) -> dict[str, Any] | None:
    """Settings of the Mend that runs in this folder, as far as they are no secret."""
    try:
        found: dict[str, Any] = json.loads((home / RUNNING).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found
