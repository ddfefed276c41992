"""The text that a reader sees in blocks, without markup. Pure.

Not imitated: names behind mentions (the ids stay), dates, emoji pictures.
"""

from collections.abc import Iterable, Iterator
from typing import Any


def visible_text(blocks: Iterable[dict[str, Any]]) -> str:
    return "\n".join(piece for block in blocks for piece in _pieces(block) if piece)


def _pieces(value: Any) -> Iterator[str]:
    """Whatever is nested in a block, in reading order; ids, values and addresses are not shown to anyone."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _pieces(item)
    elif isinstance(value, dict) and str(value.get("type")) in _RUNS:
        yield "".join(_run(item) for item in value.get("elements", ()))
    elif isinstance(value, dict):
        for key in _SHOWN:
            if key in value:
                yield from _pieces(value[key])


def _run(item: dict[str, Any]) -> str:
    """One inline piece of rich text."""
    match item.get("type"):
        case "user":
            return f"<@{item.get('user_id')}>"
        case "channel":
            return f"<#{item.get('channel_id')}>"
        case "emoji":
            return f":{item.get('name')}:"
        case "link":
            return str(item.get("text") or item.get("url"))
        case "rich_text_section":
            return "".join(_run(part) for part in item.get("elements", ())) + "\n"
    return str(item.get("text", ""))


_RUNS = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
_SHOWN = (
    "title",
    "label",
    "text",
    "fields",
    "rows",
    "accessory",
    "element",
    "elements",
    "positive_button",
    "negative_button",
    "initial_option",
    "initial_value",
    "options",
    "placeholder",
    "hint",
    "alt_text",
    "description",
)
