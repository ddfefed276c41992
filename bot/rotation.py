"""Where a long answer goes on in a new Slack message. Pure."""

from bot.sanitising import open_fence

MESSAGE_BYTES = 9_000  # Slack takes about 11,000 for each streamed message
_ENTITY = 4  # length of "&lt;", which must not be cut in two


def size(text: str) -> int:
    """Bytes as Slack counts them."""
    return len(text.encode())


def cut(text: str, shown: int = 0, limit: int = MESSAGE_BYTES) -> int:
    """The place where a message that would grow too long ends: after a line, else after a word, else anywhere.

    Never before ``shown``, the part that people can see already.
    """
    most = len(text.encode()[:limit].decode(errors="ignore"))
    for mark in ("\n", " "):
        found = text.rfind(mark, shown, most)
        if found > max(shown, most // 2):
            return found + 1
    start = text.rfind("&", max(0, most - _ENTITY + 1), most)
    if start > shown and text[start : start + _ENTITY] == "&lt;" and start + _ENTITY > most:
        return start
    return max(most, shown)


def closed(text: str) -> tuple[str, str]:
    """A message's text with its open code closed, and what the next message starts with to go on in it."""
    fence = open_fence(text)
    if not fence:
        return text, ""
    ticks = "`" * (len(fence) - len(fence.lstrip("`")))
    return f"{text.rstrip(chr(10))}\n{ticks}", f"{fence}\n"
