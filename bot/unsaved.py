"""What people gave the bot while PostgreSQL was away: kept in files until it can be written.

One small file for each thing, so that a bot that dies in between loses nothing. A later vote of the same person on the
same message replaces the earlier one; it has the same key.
"""

import hashlib
import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def drop(self, kind: str, key: str) -> None:
        """It is saved, or no longer wanted."""
        self._path(kind, key).unlink(missing_ok=True)

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
