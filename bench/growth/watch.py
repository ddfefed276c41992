"""What a function sends to PostgreSQL: every statement, how long it takes, and by which plan.

A statement's time is what whoever sent it waits for: with the way to the server, its parameters as they are, and the
plan that the server takes once it has seen the statement several times; the median, and beside it the longest and the
first, for which the server had to plan. Its plan is read just before it is carried out, in a savepoint that is given
up, so writes are planned and timed where they belong.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

REPEATS = 13  # psycopg prepares a statement when it has seen it 5 times, the server then looks at 5 plans of its own
COUNTED = 7  # the last ones, of which the median is
LONGEST, LEAST = 3.0, 1  # seconds for all repeats of what takes long, and how many there are of it
LONG_TABLE = 10_000  # rows: a table that grows


@dataclass(frozen=True)
class Statement:
    """One statement of a call: what it costs. Times in milliseconds."""

    sql: str
    waited: float  # as its sender sees it: the median of the last repeats, by which it is judged
    longest: float  # of all repeats
    first: float  # of all repeats: the server has no plan for it yet
    executed: float  # by the server, with its plan
    nodes: tuple[str, ...]  # kinds of node in its plan
    scanned: tuple[str, ...]  # long tables that it reads from one end to the other
    rows: int  # that it gives
    blocks: int  # that it reads, in the cache or not


@dataclass
class Watch:
    """Listens to an engine; one for a bench."""

    engine: Engine
    sizes: dict[str, int]
    seen: set[CodeType] = field(default_factory=set)
    """Every function that a call has gone through."""
    _sent: list[tuple[str, float]] = field(default_factory=list)
    _plans: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _planning: bool = False
    _on: bool = False
    _began: float = 0.0

    def __post_init__(self) -> None:
        event.listen(self.engine, "before_cursor_execute", self._before)
        event.listen(self.engine, "after_cursor_execute", self._after)

    def call(
        self, act: Callable[[Session], object], before: Callable[[Session], object] = lambda session: None
    ) -> tuple[list[Statement], float]:
        """Do something again and again, undone each time: its statements, and how long all of it takes in ms.

        ``before`` prepares the record for it and is not looked at.
        """
        waited: list[list[tuple[str, float]]] = []
        whole: list[float] = []
        with self.engine.connect() as connection:
            started = time.perf_counter()
            for repeat in range(REPEATS):
                if repeat >= LEAST and time.perf_counter() - started > LONGEST:
                    break
                with _undone(Session(connection, expire_on_commit=False)) as session:
                    before(session)
                    session.flush()
                    began = time.perf_counter()
                    with self._listening(planning=False):
                        act(session)
                        session.flush()
                    whole.append((time.perf_counter() - began) * 1000)
                    waited.append(list(self._sent))
            with _undone(Session(connection, expire_on_commit=False)) as session:
                before(session)
                session.flush()
                with self._listening(planning=True), profiled(self.seen):
                    act(session)
                    session.flush()
        return self._together(waited), waits(whole)[0]

    def _together(self, waited: list[list[tuple[str, float]]]) -> list[Statement]:
        found: list[Statement] = []
        for place, (sql, plan) in enumerate(self._plans):
            times = [sent[place][1] for sent in waited if place < len(sent) and sent[place][0] == sql]
            median, longest, first = waits(times)
            nodes = list(_nodes(plan["Plan"])) if plan else []
            found.append(
                Statement(
                    sql=sql,
                    waited=median,
                    longest=longest,
                    first=first,
                    executed=plan.get("Execution Time", 0.0),
                    nodes=tuple(dict.fromkeys(node["Node Type"] for node in nodes)),
                    scanned=tuple(
                        sorted({name for name in map(_scanned, nodes) if self.sizes.get(name, 0) > LONG_TABLE})
                    ),
                    rows=round(plan["Plan"]["Actual Rows"]) if plan else 0,
                    blocks=plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] if plan else 0,
                )
            )
        return found

    @contextmanager
    def _listening(self, *, planning: bool) -> Iterator[None]:
        self._sent, self._plans, self._planning, self._on = [], [], planning, True
        try:
            yield
        finally:
            self._on = False

    def _before(self, connection: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: bool) -> None:
        if self._on and self._planning:
            self._plans.append((sql, {} if many else _plan(cursor.connection, sql, parameters)))
        self._began = time.perf_counter()

    def _after(self, connection: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: bool) -> None:
        if self._on:
            self._sent.append((sql, (time.perf_counter() - self._began) * 1000))


def waits(times: Sequence[float]) -> tuple[float, float, float]:
    """The median of the last repeats, and the longest and the first of all; none: 0."""
    return (statistics.median(times[-COUNTED:]), max(times), times[0]) if times else (0.0, 0.0, 0.0)


@contextmanager
def profiled(seen: set[CodeType]) -> Iterator[None]:
    """Remember every function that the block goes through."""

    def profile(frame: FrameType, what: str, argument: object) -> None:
        if what == "call":
            seen.add(frame.f_code)

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


@contextmanager
def _undone(session: Session) -> Iterator[Session]:
    with session:
        try:
            yield session
        finally:
            session.rollback()


def _plan(connection: Any, sql: str, parameters: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT planned")
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
        found: dict[str, Any] = cursor.execute(explain, parameters, prepare=False).fetchone()[0][0]
        cursor.execute("ROLLBACK TO SAVEPOINT planned")
        cursor.execute("RELEASE SAVEPOINT planned")
        return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _scanned(node: dict[str, Any]) -> str:
    return str(node["Relation Name"]) if node["Node Type"] == "Seq Scan" else ""
