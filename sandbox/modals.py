"""The modals that each person has open: one stack of at most three views.

Not imitated: two modal stacks of one person side by side (a new one replaces the old one), several devices.
"""

from dataclasses import replace

from sandbox.errors import ApiError
from sandbox.identifiers import fresh_secret
from sandbox.payload import Payload
from sandbox.updates import Update, Updates
from sandbox.views import View

DEEPEST = 3


class Modals:
    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._stacks: dict[str, list[View]] = {}

    def stack(self, person: str) -> list[View]:
        return list(self._stacks.get(person, ()))

    def open(self, view: View) -> None:
        self._put(view.person, [view])

    def push(self, view: View) -> None:
        stack = self.stack(view.person)
        if len(stack) >= DEEPEST:
            raise ApiError("push_limit_reached")
        self._put(view.person, [*stack, view])

    def get(self, view_id: str) -> View | None:
        return next((v for stack in self._stacks.values() for v in stack if v.id == view_id), None)

    def by_external_id(self, external_id: str) -> View | None:
        views = (v for stack in self._stacks.values() for v in stack)
        return next((v for v in views if v.body.get("external_id") == external_id), None)

    def update(self, view: View, body: Payload) -> View:
        new = replace(view, body=body, hash=fresh_secret())
        self._put(view.person, [new if v.id == view.id else v for v in self.stack(view.person)])
        return new

    def close(self, view: View) -> None:
        self._put(view.person, [v for v in self.stack(view.person) if v.id != view.id])

    def clear(self, person: str) -> None:
        self._put(person, [])

    def _put(self, person: str, stack: list[View]) -> None:
        self._stacks[person] = stack
        self._updates.publish(Update("views", person=person))
