"""One worker at a time for each persona: a lock in PostgreSQL that is gone as soon as its holder is."""

from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from feedback.database import Database
from feedback.naps import training_lock


class TrainingLock:
    """A session advisory lock. Not to be mixed up with the one of ``runs.start``, which lasts one transaction."""

    def __init__(self, database: Database, persona: str) -> None:
        self._engine = database.engine
        self._key = func.hashtext(training_lock(persona))
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Take the lock if nobody has it.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be reached.
        """
        with ExitStack() as unless_taken:
            connection = unless_taken.enter_context(self._engine.connect())
            connection.execution_options(isolation_level="AUTOCOMMIT")
            if not connection.scalar(select(func.pg_try_advisory_lock(self._key))):
                return False
            unless_taken.pop_all()
        self._connection = connection
        return True

    def still_held(self) -> bool:
        """Whether the lock is ours; after a restart of PostgreSQL it is taken again, unless another worker was first.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be reached, so nobody else can have it either.
        """
        if self._connection is not None:
            try:
                self._connection.execute(select(1))
                return True
            except DBAPIError:
                self.release()
        return self.take()

    def release(self) -> None:
        """Give the lock back, and end its session; that alone is noticed by PostgreSQL only after a while."""
        if self._connection is not None:
            if not self._connection.invalidated:  # otherwise the session is gone, and the lock with it
                with suppress(DBAPIError):
                    self._connection.execute(select(func.pg_advisory_unlock(self._key)))
                self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
