"""How often the bot does what nobody asks for, and by which clock. In one place, so that tests can be quick."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The time by which the nightly window is judged."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Rhythm:
    """Everything in seconds, but the clock."""

    lease: float = 60.0  # how long a question is this process's own without a renewal
    renew: float = 15.0
    retry: float = 5.0  # between two looks for pending questions
    retry_in: float = 10.0  # how long a question waits that the model could not be asked
    announce: float = 3.0  # no progress message is edited more often
    save_kept: float = 5.0
    reconcile: float = 15.0
    automatic: float = 30.0  # between two looks whether a run is due by itself
    unattended: float = 120.0  # how long a server may sleep with no worker at its training before the bot wakes it
    clock: Callable[[], datetime] = now

    @property
    def lease_time(self) -> timedelta:
        """``lease`` as the record takes it."""
        return timedelta(seconds=self.lease)

    @property
    def retry_time(self) -> timedelta:
        """``retry_in`` as the record takes it."""
        return timedelta(seconds=self.retry_in)
