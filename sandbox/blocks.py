"""Block Kit blocks: which exist, what they need, and Slack's limits of length. Pure.

Not imitated: video, file, call and workflow blocks, plans and task cards, checking that an image can be
downloaded (an address that can only be local is refused, as Slack would fail to fetch it).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from sandbox.elements import (
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    Fault,
    element_faults,
    string_faults,
    text_faults,
)
from sandbox.identifiers import fresh_id
from sandbox.payload import Payload

_LOCAL_HOST = re.compile(r"^(localhost|127\.|10\.|192\.168\.|169\.254\.|0\.0\.0\.0|\[?::1)|\.local$")
MARKDOWN_TOTAL = 12_000
MESSAGE_ONLY = {"markdown", "context_actions", "table"}


def block_faults(blocks: Sequence[object], *, surface: str, ready_files: frozenset[str]) -> list[str]:
    """Every fault, worded as Slack words it; empty when the blocks are good. `surface`: message, modal, home.

    `ready_files` are the uploaded images that an image block may show already.
    """
    faults = list(_list_faults(blocks, surface))
    for index, block in enumerate(blocks):
        faults.extend(_one_block(block, f"/blocks/{index}", surface, ready_files))
    return [f"[ERROR] {problem} [json-pointer:{pointer}]" for pointer, problem in faults]


def with_ids(blocks: Sequence[Payload]) -> tuple[Payload, ...]:
    """The same blocks, with the block and action ids that Slack adds where an app gave none."""
    return tuple(_with_ids(block) for block in blocks)


def _with_ids(block: Payload) -> Payload:
    named = {"block_id": fresh_id("b")[:6], **block}
    for key in ("accessory", "element"):
        if isinstance(named.get(key), dict):
            named[key] = _with_action_id(named[key])
    if named["type"] in ("actions", "context_actions"):
        named["elements"] = [_with_action_id(element) for element in named["elements"]]
    return named


def _with_action_id(element: Payload) -> Payload:
    return element if element.get("type") == "image" else {"action_id": fresh_id("a")[:6], **element}


def _list_faults(blocks: Sequence[object], surface: str) -> Iterator[Fault]:
    most = 50 if surface == "message" else 100
    if len(blocks) > most:
        yield "/blocks", f"no more than {most} items allowed [{len(blocks)} items found]"
    dicts = [block for block in blocks if isinstance(block, dict)]
    ids = [block["block_id"] for block in dicts if isinstance(block.get("block_id"), str)]
    for repeated in {name for name in ids if ids.count(name) > 1}:
        yield "/blocks", f"block_id {repeated!r} already exists"
    markdown = sum(len(str(b.get("text", ""))) for b in dicts if b.get("type") == "markdown")
    if markdown > MARKDOWN_TOTAL:
        yield "/blocks", f"markdown text must be less than {MARKDOWN_TOTAL + 1} characters in total"
    if sum(block.get("type") == "table" for block in dicts) > 1:
        yield "/blocks", "only one table block is allowed"


def _one_block(block: object, pointer: str, surface: str, ready: frozenset[str]) -> Iterator[Fault]:
    if not isinstance(block, dict):
        yield pointer, "must be an object"
        return
    kind = str(block.get("type"))
    if kind not in _RULES or (surface != "message" and kind in MESSAGE_ONLY):
        yield f"{pointer}/type", f"unsupported type: {kind}"
        return
    yield from string_faults(block.get("block_id"), f"{pointer}/block_id", 255, required=False)
    yield from _RULES[kind](block, pointer, ready)
    yield from _repeated_actions(block, pointer)


def _repeated_actions(block: Payload, pointer: str) -> Iterator[Fault]:
    elements = block.get("elements")
    if block["type"] not in ("actions", "context_actions") or not isinstance(elements, list):
        return
    ids = [e["action_id"] for e in elements if isinstance(e, dict) and isinstance(e.get("action_id"), str)]
    for repeated in {name for name in ids if ids.count(name) > 1}:
        yield f"{pointer}/elements", f"action_id {repeated!r} already exists"


def _section(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    fields = block.get("fields")
    if fields is None:
        yield from text_faults(block.get("text"), f"{pointer}/text", 3000)
    else:
        yield from text_faults(block.get("text"), f"{pointer}/text", 3000, required=False)
        yield from _size(fields, f"{pointer}/fields", 10)
        for index, field in enumerate(fields if isinstance(fields, list) else ()):
            yield from text_faults(field, f"{pointer}/fields/{index}", 2000)
    if "accessory" in block:
        yield from element_faults(block["accessory"], f"{pointer}/accessory", IN_SECTION)


def _header(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from text_faults(block.get("text"), f"{pointer}/text", 150, plain_only=True)


def _context(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from _size(block.get("elements"), f"{pointer}/elements", 10)
    for index, element in enumerate(_items(block)):
        place = f"{pointer}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from element_faults(element, place, {"image"})
        else:
            yield from text_faults(element, place, 3000)  # a text object's own limit; context has none


def _actions(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from _size(block.get("elements"), f"{pointer}/elements", 25)
    for index, element in enumerate(_items(block)):
        yield from element_faults(element, f"{pointer}/elements/{index}", IN_ACTIONS)


def _context_actions(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from _size(block.get("elements"), f"{pointer}/elements", 5)
    for index, element in enumerate(_items(block)):
        yield from element_faults(element, f"{pointer}/elements/{index}", IN_CONTEXT_ACTIONS)


def _divider(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from ()


def _image(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from string_faults(block.get("alt_text"), f"{pointer}/alt_text", 2000)
    yield from text_faults(block.get("title"), f"{pointer}/title", 2000, plain_only=True, required=False)
    file = block.get("slack_file")
    if isinstance(file, dict):
        if str(file.get("id")) not in ready:
            yield f"{pointer}/slack_file", "invalid slack file"
        return
    yield from string_faults(block.get("image_url"), f"{pointer}/image_url", 3000)
    if not _is_public(str(block.get("image_url", ""))):
        yield f"{pointer}/image_url", "downloading image failed"


def _is_public(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return host is not None and not _LOCAL_HOST.search(host)


def _input(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from text_faults(block.get("label"), f"{pointer}/label", 2000, plain_only=True)
    yield from text_faults(block.get("hint"), f"{pointer}/hint", 2000, plain_only=True, required=False)
    yield from element_faults(block.get("element"), f"{pointer}/element", IN_INPUT)


def _markdown(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    yield from string_faults(block.get("text"), f"{pointer}/text", MARKDOWN_TOTAL)


def _rich_text(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    known = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    if not isinstance(block.get("elements"), list):
        yield f"{pointer}/elements", "missing required field: elements"
    for index, element in enumerate(_items(block)):
        if not isinstance(element, dict) or str(element.get("type")) not in known:
            yield f"{pointer}/elements/{index}/type", "unsupported type"


def _table(block: Payload, pointer: str, ready: frozenset[str]) -> Iterator[Fault]:
    rows = block.get("rows")
    yield from _size(rows, f"{pointer}/rows", 100)
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        yield from _size(row, f"{pointer}/rows/{index}", 20)
        for column, cell in enumerate(row if isinstance(row, list) else ()):
            if not isinstance(cell, dict) or str(cell.get("type")) not in ("raw_text", "rich_text"):
                yield f"{pointer}/rows/{index}/{column}/type", "must be raw_text or rich_text"


def _items(block: Payload) -> list[Any]:
    elements = block.get("elements")
    return elements if isinstance(elements, list) else []


def _size(value: object, pointer: str, most: int) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield pointer, "must be an array"
    elif not 1 <= len(value) <= most:
        yield pointer, f"must have between 1 and {most} items"


_RULES: dict[str, Callable[[Payload, str, frozenset[str]], Iterator[Fault]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "divider": _divider,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
}
