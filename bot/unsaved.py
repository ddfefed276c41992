"""What people gave the bot while PostgreSQL was away: kept in files until it can be written.

One small file for each thing, so that a bot that dies in between loses nothing. What is kept again under the same key
replaces the earlier one, and takes its place in the order of arrival anew.
"""

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback.database import DatabaseUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One thing that waits. ``at`` is when it was given, in seconds since 1970."""

    kind: str
    key: str
    at: float
    data: dict[str, Any]


class Unsaved:
    """The folder of them; made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, kind: str, key: str, data: dict[str, Any]) -> bool:
        """Keep something; True when nothing of this kind and key was kept before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(kind, key)
        new = not path.exists()
        half = path.with_suffix(".tmp")
        half.write_text(json.dumps({"kind": kind, "key": key, "at": time.time(), "data": data}), encoding="utf-8")
        with half.open("rb") as written:
            os.fsync(written.fileno())
        half.replace(path)
        return new

    def entries(self) -> list[Entry]:
        """Everything that waits, oldest first."""
        found: list[Entry] = []
        for path in self._folder.glob("*.json"):
            try:
                found.append(Entry(**json.loads(path.read_text(encoding="utf-8"))))
            except FileNotFoundError:
                continue  # another bot process has just saved it
            except (ValueError, TypeError):
                log.error("unreadable file", extra={"action": "unsaved_unreadable", "path": str(path)})
                path.rename(path.with_suffix(".broken"))
        return sorted(found, key=lambda entry: entry.at)

    def drop(self, entry: Entry) -> None:
        """It is saved. What was kept under its key since it was read stays."""
        path = self._path(entry.kind, entry.key)
        with contextlib.suppress(FileNotFoundError):
            if Entry(**json.loads(path.read_text(encoding="utf-8"))) == entry:
                path.unlink()

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


Take = Callable[[Entry], Awaitable[bool]]


async def save_all(unsaved: Unsaved, takers: Mapping[str, Take]) -> None:
    """Hand everything that waits to the taker of its kind, oldest first; a taker says True when it is done with it.

    Raises:
        DatabaseUnavailable: it is still away.
        ExceptionGroup: some cannot be taken; those after them were tried all the same.
    """
    failed: list[Exception] = []
    for entry in unsaved.entries():
        try:
            if await takers[entry.kind](entry):
                unsaved.drop(entry)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # a bug, and it must not keep everybody else's questions and votes waiting
            error.add_note(f"while saving a {entry.kind} that was kept as {entry.key}")
            failed.append(error)
    if failed:
        raise ExceptionGroup("not everything that was kept can be saved", failed)
