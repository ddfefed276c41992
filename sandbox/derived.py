"""The rich_text block that Slack derives from the text of an app's message without blocks. Pure.

Not imitated: bold and other formatting, emoji, dates; they stay as they were written.
"""

import re

from sandbox.payload import Payload

_TOKEN = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<#(?P<channel>[CG][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<!(?P<range>here|channel|everyone)(?:\|[^>]*)?>"
    r"|<(?P<url>(?:https?|mailto):[^|>]+)(?:\|(?P<label>[^>]*))?>"
)


def derived_block(text: str, ts: str) -> Payload:
    """The block's id follows from the message's, so that it is the same each time it is asked for."""
    elements: list[Payload] = []
    end = 0
    for match in _TOKEN.finditer(text):
        elements += _plain(text[end : match.start()])
        elements.append(_element(match))
        end = match.end()
    elements += _plain(text[end:])
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": ts.replace(".", "")[-6:], "elements": [section]}


def _plain(text: str) -> list[Payload]:
    return [{"type": "text", "text": _unescape(text)}] if text else []


def _element(match: re.Match[str]) -> Payload:
    if match["user"]:
        return {"type": "user", "user_id": match["user"]}
    if match["channel"]:
        return {"type": "channel", "channel_id": match["channel"]}
    if match["range"]:
        return {"type": "broadcast", "range": match["range"]}
    link = {"type": "link", "url": _unescape(match["url"])}
    return {**link, "text": _unescape(match["label"])} if match["label"] else link


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
