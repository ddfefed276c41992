"""Text on its way in from Slack and out to it: what people wrote, as the model should read it, and our own mrkdwn."""

import re
import unicodedata

_USER = re.compile(r"<@([A-Z0-9]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|([^>]*))?>")
_SPECIAL = re.compile(r"<!(?:subteam\^[A-Z0-9]+\|)?@?([^>|^]+)[^>]*>")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DRAWS_NOTHING = "\u034f\u115f\u1160\u2800\u3164\uffa0"  # though they count as letters or signs
_LINK = re.compile(r"<((?:https?|mailto|tel):[^>|]+)(?:\|([^>]*))?>")


def storable(text: str) -> str:
    """Text without what PostgreSQL cannot keep and nobody can read: NUL, and halves of surrogate pairs."""
    return _UNSTORABLE.sub("", text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: space, and characters that draw nothing."""
    return all(one.isspace() or one in _DRAWS_NOTHING or unicodedata.category(one) in {"Cc", "Cf"} for one in text)


def escape(value: object) -> str:
    """A value made safe inside our own mrkdwn."""
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters; a cut is shown by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shorten_mrkdwn(mrkdwn: str, limit: int) -> str:
    """``shorten`` for what is escaped already: nothing is cut within an entity or a mention."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    return re.sub(r"(?:&[a-z]*|<[^>]*)\Z", "", mrkdwn[: limit - 1]).rstrip() + "…"


def how_many(number: int, noun: str) -> str:
    """How many of something: "1 case", "2 cases"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def quote(text: str, limit: int = 600) -> str:
    """Somebody's words as an escaped mrkdwn quotation. The limit counts what is quoted, before escaping."""
    lines = shorten(text.strip(), limit).splitlines() or [""]
    return "\n".join(f"> {escape(line)}" for line in lines)


def quote_all(text: str, room: int) -> list[str]:
    """Somebody's words as escaped mrkdwn quotations with nothing left out: each takes at most ``room`` characters."""
    parts: list[str] = []
    for line in text.strip().splitlines() or [""]:
        for piece in _pieces(line, room - len("> ")):
            if parts and len(parts[-1]) + len(f"\n> {piece}") <= room:
                parts[-1] += f"\n> {piece}"
            else:
                parts.append(f"> {piece}")
    return parts


def _pieces(line: str, room: int) -> list[str]:
    """A line escaped, in pieces that fit; never cut within an entity."""
    pieces = [""]
    for character in map(escape, line):
        if len(pieces[-1]) + len(character) > room:
            pieces.append("")
        pieces[-1] += character
    return pieces


def mentions(text: str, user_id: str) -> bool:
    """Whether a message names a user."""
    return any(found.group(1) == user_id for found in _USER.finditer(text))


def addressed_to_other(text: str, user_id: str) -> bool:
    """Whether a message opens by naming somebody else: in a thread, it is not meant for the bot then."""
    opening = _USER.match(text.lstrip())
    return opening is not None and opening.group(1) != user_id


def question(text: str, bot_user_id: str) -> str:
    """A Slack message as the person sees it: without the bot's own name, links and names written out, unescaped."""

    def name(found: re.Match[str]) -> str:
        return "" if found.group(1) == bot_user_id else f"@{found.group(2) or 'someone'}"

    def link(found: re.Match[str]) -> str:
        url, label = found.group(1), found.group(2)
        return f"{label} ({url})" if label and label != url.partition(":")[2] and label != url else label or url

    text = _USER.sub(name, storable(text))
    text = _LINK.sub(link, _CHANNEL.sub(lambda found: f"#{found.group(1) or 'channel'}", text))
    text = _SPECIAL.sub(lambda found: f"@{found.group(1)}", text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return re.sub(r"[ \t]+", " ", text).strip() if "\n" not in text else text.strip()
