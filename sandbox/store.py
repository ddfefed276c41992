"""What survives a restart: one SQLite table of JSON records, and a folder of uploaded bytes.

Not imitated: retention, export, edits history. Ephemeral messages and open modals are not kept, as in Slack.
"""

import json
import sqlite3
from pathlib import Path

from sandbox.payload import Payload


class Store:
    """Records are (kind, key) -> JSON; `kind` is one of message, file, home, channel, prompts."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder everything lives in memory and ends with the process."""
        self._files: dict[str, bytes] = {}
        self._folder = folder
        if folder is not None:
            (folder / "files").mkdir(parents=True, exist_ok=True)
        path = ":memory:" if folder is None else str(folder / "sandbox.sqlite3")
        # One event loop is the only user, but it may run in another thread than the one that made the store.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, json TEXT, PRIMARY KEY (kind, key))"
        )

    def put(self, kind: str, key: str, value: Payload) -> None:
        row = (kind, key, json.dumps(value, ensure_ascii=False))
        self._database.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", row)

    def remove(self, kind: str, key: str) -> None:
        self._database.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> dict[str, Payload]:
        rows = self._database.execute("SELECT key, json FROM record WHERE kind = ? ORDER BY key", (kind,))
        return {key: json.loads(text) for key, text in rows}

    def put_bytes(self, key: str, data: bytes) -> None:
        if self._folder is None:
            self._files[key] = data
        else:
            (self._folder / "files" / key).write_bytes(data)

    def get_bytes(self, key: str) -> bytes:
        if self._folder is None:
            return self._files[key]
        return (self._folder / "files" / key).read_bytes()

    def remove_bytes(self, key: str) -> None:
        self._files.pop(key, None)
        if self._folder is not None:
            (self._folder / "files" / key).unlink(missing_ok=True)

    def close(self) -> None:
        self._database.close()
