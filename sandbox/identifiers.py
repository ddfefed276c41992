"""Fresh ids and message timestamps. Does not imitate Slack's id alphabet beyond first letter and length."""

import secrets
import string
import time

_ALPHABET = string.ascii_uppercase + string.digits


def fresh_id(letter: str) -> str:
    return letter + "0" + "".join(secrets.choice(_ALPHABET) for _ in range(9))


def fresh_secret() -> str:
    return secrets.token_urlsafe(18)


class Clock:
    """Timestamps that name messages: unique and rising, even after a restart with older messages on disk."""

    def __init__(self) -> None:
        self._last = 0

    def seen(self, ts: str) -> None:
        self._last = max(self._last, _microseconds(ts))

    def next_ts(self) -> str:
        self._last = max(self._last + 1, int(time.time() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


def _microseconds(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int(fraction or 0)
