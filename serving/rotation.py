"""Which replica gets the next request: the least busy of those that did not just fail."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

SET_ASIDE = 10.0  # seconds; a replica that is restarting is asked again soon enough


class Rotation:
    """Counts this process's requests on each replica. With one replica it always answers with that one."""

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._running = dict.fromkeys(urls, 0)
        self._aside_until = dict.fromkeys(urls, 0.0)
        self._last_used = dict.fromkeys(urls, 0)
        self._turn = 0
        self._clock = clock

    def pick(self, tried: Collection[str] = ()) -> str:
        """The replica to ask next: not tried yet, not set aside, least busy, longest unused, in this order."""
        now = self._clock()
        url = min(
            self._running,
            key=lambda each: (
                each in tried,
                self._aside_until[each] > now,
                self._running[each],
                self._last_used[each],
            ),
        )
        self._turn += 1
        self._last_used[url] = self._turn
        return url

    @contextmanager
    def busy(self, url: str) -> Iterator[None]:
        """Count a request on a replica while the block runs."""
        self._running[url] += 1
        try:
            yield
        finally:
            self._running[url] -= 1

    def set_aside(self, url: str) -> None:
        """Prefer the other replicas for a while."""
        self._aside_until[url] = self._clock() + SET_ASIDE
