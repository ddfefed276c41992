"""How often what Slack refuses is tried again. Counted in rounds, so that nothing here knows the time."""

from collections.abc import Hashable
from dataclasses import dataclass

from bot.slack_errors import Trouble, passes, trouble

TRIES = 10  # with pauses that double: at a round every 3 seconds, most of an hour
NEVER = frozenset({Trouble.GIVE_UP, Trouble.DELETED})


@dataclass
class _Refusals:
    tries: int = 0
    rest: int = 0  # rounds to sit out


class Patience:
    """What passes by itself is tried again each round; what Slack refuses without a known reason, more and more seldom.

    It is this process's own: after a restart all is tried again.
    """

    def __init__(self) -> None:
        self._refused: dict[Hashable, _Refusals] = {}

    def rests(self, key: Hashable) -> bool:
        """Whether something sits this round out."""
        found = self._refused.get(key)
        if found is None or found.rest == 0:
            return False
        found.rest -= 1
        return True

    def again(self, key: Hashable, error: BaseException) -> bool:
        """Whether what was refused with this error is to be tried in a later round; False: let it go."""
        if passes(error):
            return True
        found = self._refused.setdefault(key, _Refusals())
        found.tries += 1
        if trouble(error) in NEVER or found.tries >= TRIES:
            self.forget(key)
            return False
        found.rest = int(2 ** (found.tries - 1)) - 1
        return True

    def forget(self, key: Hashable) -> None:
        """It is done."""
        self._refused.pop(key, None)
