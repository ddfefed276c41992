"""Trigger ids: the short-lived right to open a modal for the person who did something.

Not imitated: interactivity pointers of workflow functions.
"""

import time
from dataclasses import dataclass

from sandbox.errors import ApiError
from sandbox.identifiers import fresh_secret


@dataclass(frozen=True)
class Trigger:
    person: str
    view_id: str | None
    expires: float


class Triggers:
    def __init__(self, life: float) -> None:
        self._life = life
        self._open: dict[str, Trigger] = {}
        self._used: set[str] = set()

    def issue(self, person: str, view_id: str | None = None) -> str:
        trigger_id = f"{int(time.time() * 1000)}.{fresh_secret()}"
        self._open[trigger_id] = Trigger(person, view_id, time.monotonic() + self._life)
        return trigger_id

    def redeem(self, trigger_id: str) -> Trigger:
        if trigger_id in self._used:
            raise ApiError("exchanged_trigger_id")
        trigger = self._open.pop(trigger_id, None)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if time.monotonic() > trigger.expires:
            raise ApiError("expired_trigger_id")
        self._used.add(trigger_id)
        return trigger
