"""What a person types, turned into the text and the rich_text block that Slack's own client would send. Pure.

Not imitated: bold and other formatting in the rich_text block, emoji conversion, email links.
"""

import re
from collections.abc import Iterator

from sandbox.directory import Directory
from sandbox.identifiers import fresh_id
from sandbox.payload import Payload

# Code comes first, so that nothing inside it is linked or mentioned.
_TOKEN = re.compile(
    r"(?P<code>```.*?```|`[^`\n]+`)"
    r"|<@(?P<user>[UW][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<#(?P<channel>[CG][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<!(?P<range>here|channel|everyone)>"
    r"|(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"])"
    r"|(?<![\w@])@(?P<handle>[A-Za-z0-9_.-]*[A-Za-z0-9_])"
    r"|(?<![\w#])#(?P<room>[a-z0-9_-]+)",
    re.DOTALL,
)


def compose(typed: str, directory: Directory) -> tuple[str, Payload]:
    """Mentions (`@mia`, `<@U...>`, `#general`) and links become tokens, everything else is escaped."""
    elements = list(_elements(typed, directory))
    text = "".join(_as_text(element) for element in elements)
    section = {"type": "rich_text_section", "elements": elements}
    return text, {"type": "rich_text", "block_id": fresh_id("r")[:6], "elements": [section]}


def command_text(typed: str, directory: Directory, *, should_escape: bool) -> str:
    """The text of a slash command: mentions as tokens with a name, or as plain names."""
    return "".join(_command_piece(e, directory, should_escape) for e in _elements(typed, directory))


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _elements(typed: str, directory: Directory) -> Iterator[Payload]:
    end = 0
    for match in _TOKEN.finditer(typed):
        element = _element(match, directory)
        if element is None:
            continue
        if match.start() > end:
            yield {"type": "text", "text": typed[end : match.start()]}
        yield element
        end = match.end()
    if end < len(typed):
        yield {"type": "text", "text": typed[end:]}


def _element(match: re.Match[str], directory: Directory) -> Payload | None:
    """None when the token names nobody: then it is ordinary text."""
    found = match.groupdict()
    if found["url"]:
        return {"type": "link", "url": found["url"]}
    if found["range"]:
        return {"type": "broadcast", "range": found["range"]}
    if found["handle"] in ("here", "channel", "everyone"):
        return {"type": "broadcast", "range": found["handle"]}
    if found["user"] or found["handle"]:
        person = directory.find_person(found["user"] or found["handle"])
        return None if person is None else {"type": "user", "user_id": person.id}
    if found["channel"] or found["room"]:
        channel = directory.find_channel(found["channel"] or found["room"])
        return None if channel is None else {"type": "channel", "channel_id": channel.id}
    return None


def _as_text(element: Payload) -> str:
    match element["type"]:
        case "user":
            return f"<@{element['user_id']}>"
        case "channel":
            return f"<#{element['channel_id']}>"
        case "broadcast":
            return f"<!{element['range']}>"
        case "link":
            return f"<{escape(element['url'])}>"
    return escape(element["text"])


def _command_piece(element: Payload, directory: Directory, should_escape: bool) -> str:
    match element["type"]:
        case "user":
            name = directory.people[element["user_id"]].name
            return f"<@{element['user_id']}|{name}>" if should_escape else f"@{name}"
        case "channel":
            room = directory.channels[element["channel_id"]].name
            return f"<#{element['channel_id']}|{room}>" if should_escape else f"#{room}"
        case "broadcast":
            return f"<!{element['range']}>" if should_escape else f"@{element['range']}"
        case "link":
            return f"<{element['url']}>" if should_escape else str(element["url"])
    return escape(element["text"]) if should_escape else str(element["text"])
