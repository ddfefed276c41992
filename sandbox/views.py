"""A view (modal or App Home): what it must have, and how it is shown to the app. Pure.

Not imitated: `submit_disabled`, workflow step views, response_url_enabled selects.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.blocks import block_faults, with_ids
from sandbox.directory import APP_ID, BOT_ID, Team
from sandbox.elements import string_faults, text_faults
from sandbox.errors import ApiError
from sandbox.identifiers import fresh_id, fresh_secret
from sandbox.payload import Payload


@dataclass(frozen=True)
class View:
    """`body` is what the app gave, with ids added. `hash` changes with every update."""

    id: str
    person: str
    body: Payload
    root_id: str
    previous_id: str | None = None
    hash: str = field(default_factory=fresh_secret)

    @property
    def blocks(self) -> list[Payload]:
        return list(self.body["blocks"])


def new_view(person: str, body: Payload, surface: str, ready_files: frozenset[str], under: View | None = None) -> View:
    """A checked view; `under` is the one that it is pushed onto."""
    view_id = fresh_id("V")
    root = view_id if under is None else under.root_id
    checked = checked_body(body, surface, ready_files)
    return View(view_id, person, checked, root, None if under is None else under.id)


def checked_body(body: Payload, surface: str, ready_files: frozenset[str]) -> Payload:
    faults = [f"[ERROR] {problem} [json-pointer:/view{place}]" for place, problem in _faults(body, surface)]
    blocks = body.get("blocks")
    if isinstance(blocks, list):
        faults += block_faults(blocks, surface=surface, ready_files=ready_files)
    if faults:
        raise ApiError("invalid_arguments", faults)
    return {**body, "blocks": list(with_ids(body["blocks"]))}


def _faults(body: Payload, surface: str) -> Iterator[tuple[str, str]]:
    if body.get("type") != surface:
        yield "/type", f"must be {surface}"
    blocks = body.get("blocks")
    if not isinstance(blocks, list):
        yield "/blocks", "missing required field: blocks"
        blocks = []
    for name, longest in (("callback_id", 255), ("private_metadata", 3000), ("external_id", 255)):
        if body.get(name) != "":
            yield from string_faults(body.get(name), f"/{name}", longest, required=False)
    if surface == "modal":
        yield from text_faults(body.get("title"), "/title", 24, plain_only=True)
        yield from text_faults(body.get("submit"), "/submit", 24, plain_only=True, required=False)
        yield from text_faults(body.get("close"), "/close", 24, plain_only=True, required=False)
        if not body.get("submit") and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks):
            yield "/submit", "a submit button is required when there are input blocks"


def view_payload(view: View, team: Team, values: dict[str, Any] | None = None) -> Payload:
    body = view.body
    return {
        "id": view.id,
        "team_id": team.id,
        "type": body["type"],
        "title": body.get("title", {"type": "plain_text", "text": "App Home", "emoji": True}),
        "submit": body.get("submit"),
        "close": body.get("close"),
        "blocks": view.blocks,
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "external_id": body.get("external_id", ""),
        "clear_on_close": bool(body.get("clear_on_close", False)),
        "notify_on_close": bool(body.get("notify_on_close", False)),
        "state": {"values": values or {}},
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "app_id": APP_ID,
        "app_installed_team_id": team.id,
        "bot_id": BOT_ID,
    }
