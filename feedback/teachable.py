"""What a text must not hold to be trained on: a fault found here would end a run that has other cases in it."""

import re

# Far above any row of a persona, and below 2048 tokens in English; ms-swift would drop a longer row silently.
MAX_ROW_CHARS = 6000

# The tokens that frame a turn in a chat template; inside a text they would end the turn early.
_TEMPLATE_TOKEN = re.compile(r"<\|[a-zA-Z0-9_]+\|>|</?s>|\[/?INST\]")

# They turn the text after them around, so that a reviewer reads something else than is learned. Arabic and Hebrew are
# written without them.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def as_read(text: str) -> str:
    """A text without the marks that would show it in another order than it is learned in."""
    return _TURNING.sub("", text)


def fault_in(text: str) -> str | None:
    """Why ``text`` cannot be trained on and what to do, as words that follow its name; None when it can be."""
    if not text.strip():
        return "is empty; write the text or remove the row"
    if "{{" in text:
        return "has a placeholder that nothing fills; only {{NAME}} and {{AUTHOR}} in a persona's files are known"
    token = _TEMPLATE_TOKEN.search(text)
    if token is not None:
        return f"has the template token {token.group()}, which would end the turn; remove it"
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "has half of a surrogate pair, which is no character; write it whole"
    return None
