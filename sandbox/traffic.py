"""Everything that passed between the workspace and the app, for tests and for the page's drawer.

Not imitated: nothing like it exists in Slack. Tokens are never recorded.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from sandbox.payload import Payload

_KEPT = 5000
_LONGEST = 2000


class Traffic:
    """Entries have an id that rises by one, so that a reader can ask for what is new."""

    def __init__(self) -> None:
        self._entries: deque[Payload] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._next = 1
        self.on_entry: Callable[[Payload], None] | None = None

    def record(self, kind: str, name: str, **fields: Any) -> None:
        """`kind`: api, event, command, interactive, ack, socket, hook, fault."""
        entry = {"id": self._next, "at": time.time(), "kind": kind, "name": name, **_trimmed(fields)}
        self._next += 1
        self._entries.append(entry)
        self._counts[f"{kind}:{name}"] += 1
        if self.on_entry is not None:
            self.on_entry(entry)

    def since(self, entry_id: int) -> list[Payload]:
        return [entry for entry in self._entries if entry["id"] > entry_id]

    def counts(self, kind: str) -> dict[str, int]:
        prefix = kind + ":"
        return {k.removeprefix(prefix): n for k, n in self._counts.items() if k.startswith(prefix)}


def _trimmed(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST] + "..."
    if isinstance(value, dict):
        return {key: _trimmed(item) for key, item in value.items() if key != "token"}
    if isinstance(value, (list, tuple)):
        return [_trimmed(item) for item in value]
    return value
