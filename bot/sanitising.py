"""What the model wrote, made into Markdown without power: no mention, no disguised link, no image.

Two things hold for every input: the result has no ``<``, and outside fenced code no ``](``, ``][`` or ``]:``, so that
Slack finds neither a mention nor a link with a label. Text grows in time: ``sanitise`` of a part, not final, is always
the beginning of what comes out in the end, so that what was shown never has to be taken back.
"""

import re

_LABEL = r"[^\[\]\n`]{0,200}"
# Only what has a scheme is rewritten as a link: `f[0](x)` is code, and keeps all its signs.
_LINK = re.compile(rf"(!?)\[({_LABEL})\]\(([A-Za-z][A-Za-z0-9+.-]{{1,20}}:[^()\s`]{{1,1000}})\)")
_BEGUN_LINK = re.compile(rf"!?(?:\[{_LABEL}(?:\](?:\([^()\s`]{{0,1022}})?)?)?\Z")
_FENCE_LINE = re.compile(r"( {0,3})(`{3,})([^`\n]*)(?:\n|\Z)")
_BEGUN_FENCE = re.compile(r" {0,3}`{0,2}\Z| {0,3}`{3,}[^`\n]*\Z")
_DANGEROUS_END = re.compile(r"\](?=[(\[:])")
_TICKS = re.compile(r"`+")
# Control characters, and the marks that turn the direction of writing and can so disguise an address.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Fences:
    """Whether a place is inside fenced code, by Markdown's rule and by the careless rule that any fence toggles.

    Text counts as code only where both agree: it is not known which of the two Slack follows.
    """

    def __init__(self) -> None:
        self.opened_by = ""
        self._careless = False

    @property
    def inside(self) -> bool:
        return bool(self.opened_by) and self._careless

    def ticks(self, run: str) -> None:
        if len(run) // 3 % 2:  # six ticks are an empty block to a reader that looks for threes
            self._careless = not self._careless

    def line(self, ticks: str, info: str) -> None:
        if not self.opened_by:
            self.opened_by = ticks + info
        elif len(ticks) >= len(_TICKS.match(self.opened_by).group()) and not info.strip():  # type: ignore[union-attr]
            self.opened_by = ""


def sanitise(raw: str, *, final: bool = True) -> str:
    """The safe form of the model's text; of a text that may go on, as much as later words cannot change."""
    text = _INVISIBLE.sub("", raw.replace("\r\n", "\n"))
    out: list[str] = []
    fences = _Fences()
    at = 0
    while at < len(text):
        taken = _next(text, at, final, fences, out)
        if taken is None:
            break
        at = taken
    return "".join(out)


def open_fence(safe: str) -> str:
    """The opening line of the code that a text leaves open, such as "```python", or nothing."""
    fences = _Fences()
    for line in safe.splitlines():
        if found := _FENCE_LINE.fullmatch(line):
            fences.line(found.group(2), found.group(3))
    return fences.opened_by


def _next(text: str, at: int, final: bool, fences: _Fences, out: list[str]) -> int | None:
    """Take one step: write its safe form and return where the next begins, or None to wait for more text."""
    starts_line = at == 0 or text[at - 1] == "\n"
    if starts_line:
        if not final and _BEGUN_FENCE.match(text, at):
            return None
        if found := _FENCE_LINE.match(text, at):
            fences.line(found.group(2), found.group(3))
            fences.ticks(found.group(2))
            # What follows the ticks is no code for a reader that takes six of them for an empty block.
            out.append(_DANGEROUS_END.sub("] ", found.group().replace("<", "&lt;")))
            return found.end()
    character = text[at]
    if character == "`":
        run = _TICKS.match(text, at).group()  # type: ignore[union-attr]
        if not final and at + len(run) == len(text):
            return None
        fences.ticks(run)
        out.append(run)
        return at + len(run)
    if not fences.inside:
        if not final and character in "![" and _BEGUN_LINK.match(text, at):
            return None
        if character in "![" and (link := _LINK.match(text, at)):
            out.append(_plain_link(link))
            return link.end()
        if character == "]":
            if not final and at + 1 == len(text):
                return None
            # A space between the two is all it takes: what looks like a label no longer belongs to an address.
            out.append("] " if text[at + 1 : at + 2] in {"(", "[", ":"} else "]")
            return at + 1
    out.append("&lt;" if character == "<" else character)
    return at + 1


def _plain_link(link: re.Match[str]) -> str:
    image, label, address = (part.replace("<", "&lt;") for part in link.groups())
    if image:
        return label
    return address if label.strip() in {"", address} else f"{label} ({address})"


REPEATED_AT_LEAST = 240


def repetition(text: str) -> int | None:
    """Where a text begins to say the same over and over, counted after the first time; None when it does not.

    Only the end is looked at, and only what goes round for 240 characters: a short refrain or a table is no loop.
    Neither are spaces, of which nothing is seen.
    """
    for size in range(1, min(200, len(text) // 4) + 1):
        unit = text[-size:]
        times = max(4, -(-REPEATED_AT_LEAST // size))
        if unit.strip() and text.endswith(unit * times):
            return _first_round(text, size)
    return None


def _first_round(text: str, size: int) -> int:
    """The end of the first of the equal rounds at the end of a text."""
    start = len(text) - size
    while start >= size and text[start - size : start] == text[start : start + size]:
        start -= size
    return start + size
