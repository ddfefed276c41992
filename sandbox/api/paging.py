"""Cursor paging of a list. Slack's cursors are opaque; these hold the position. Pure."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from sandbox.arguments import Arguments
from sandbox.errors import ApiError

Item = TypeVar("Item")


def page(items: Sequence[Item], args: Arguments, default: int, most: int = 1000) -> tuple[list[Item], str]:
    """The items of this page, and the cursor of the next (empty at the end)."""
    limit = args.number("limit", default)
    if not 1 <= limit <= most:
        raise ApiError("invalid_limit")
    start = _position(args.optional_text("cursor") or "")
    end = start + limit
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), following


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError) as error:
        raise ApiError("invalid_cursor") from error
