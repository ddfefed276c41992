"""The arguments of a Web API call, from whichever of the forms a client chose to send.

Query string, form body and JSON body are merged. Not imitated: Slack's warnings about a missing charset.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from sandbox.errors import ApiError
from sandbox.payload import Payload

# Only these are decoded from JSON text: a `text` that happens to look like JSON stays text.
STRUCTURED = frozenset({"blocks", "attachments", "chunks", "view", "metadata", "prompts", "files", "loading_messages"})
_FALSE = {"", "0", "false"}


def decode_arguments(query: Iterable[tuple[str, str]], content_type: str, body: bytes) -> Payload:
    """A later source wins: query, then body. A value of null counts as absent."""
    merged: Payload = dict(query)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        merged.update(_json_object(body))
    elif kind in ("application/x-www-form-urlencoded", ""):
        try:
            merged.update(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
        except UnicodeDecodeError as error:
            raise ApiError("invalid_form_data") from error
    return normalise(merged)


def normalise(merged: Payload) -> Payload:
    return {key: _structured(key, value) for key, value in merged.items() if value is not None}


def _json_object(body: bytes) -> Payload:
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    return value


def _structured(key: str, value: Any) -> Any:
    if key not in STRUCTURED or not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value  # the method refuses it under its own error code, e.g. invalid_blocks_format


class Arguments:
    """Typed reading of decoded arguments; a missing or wrong one is `invalid_arguments` unless told otherwise."""

    def __init__(self, values: Payload) -> None:
        self.values = values

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.optional_text(name)
        if not value:
            raise ApiError(error, [f"[ERROR] missing required field: {name}"])
        return value

    def optional_text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, (dict, list)):
            raise ApiError("invalid_arguments", [f"[ERROR] must be a string [json-pointer:/{name}]"])
        return str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name)
        return default if value is None else str(value).lower() not in _FALSE

    def number(self, name: str, default: int) -> int:
        value = self.optional_text(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except ValueError as error:
            raise ApiError("invalid_arguments", [f"[ERROR] must be a number [json-pointer:/{name}]"]) from error

    def objects(self, name: str, error: str = "invalid_arguments") -> list[Payload] | None:
        """A list of JSON objects, or None when absent. An empty string counts as absent."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ApiError(error, [f"[ERROR] must be an array of objects [json-pointer:/{name}]"])
        return value

    def object(self, name: str) -> Payload:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise ApiError("invalid_arguments", [f"[ERROR] must be an object [json-pointer:/{name}]"])
        return value
