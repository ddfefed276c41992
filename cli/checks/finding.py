"""One line of `mend doctor`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What was found about one thing, and what to do where it is not well."""

    level: Literal["ok", "warn", "fail"]
    about: str
    text: str
    do: str = ""


def ok(about: str, text: str) -> Finding:
    """All is well."""
    return Finding("ok", about, text)


def warn(about: str, text: str, do: str) -> Finding:
    """Mend works, but not as it should."""
    return Finding("warn", about, text, do)


def fail(about: str, text: str, do: str) -> Finding:
    """Mend does not work like this."""
    return Finding("fail", about, text, do)
