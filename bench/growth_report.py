"""The tables, the picture and the JSON of bench/growth.py."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.growth_covered import Coverage
from bench.growth_watch import Statement

LIMIT = 10.0  # ms for one query that somebody in Slack waits for
QUICK = ("listener", "round")  # the bot's own


@dataclass(frozen=True)
class Asked:
    """One call: what it has sent, and how long all of it takes, with Python's part, in ms."""

    kind: str
    name: str
    statements: tuple[Statement, ...]
    whole: float

    @property
    def slowest(self) -> float:
        """Of its queries."""
        return max((one.waited for one in self.statements), default=0.0)

    @property
    def scanned(self) -> list[str]:
        """Long tables that are read from one end to the other."""
        return sorted({name for one in self.statements for name in one.scanned})

    @property
    def kept(self) -> bool:
        """Whether it is as quick as it should be; commands and the worker may take longer, but read no table whole."""
        return not self.scanned and (self.kind not in QUICK or self.slowest <= LIMIT)


def report(asked: Sequence[Asked], covered: Coverage, sizes: Mapping[str, int], out: Path) -> bool:
    """Print all of it; whether every limit is kept."""
    console = Console(width=170)
    console.print(_table(asked))
    for one in asked:
        for statement in one.statements:
            if statement.scanned or statement.waited > LIMIT:
                console.print(f"{one.kind} | {one.name}: {statement.waited:.1f} ms ({statement.executed:.1f}), {statement.rows} rows, {statement.blocks} blocks, {' > '.join(statement.nodes)} {statement.scanned}", markup=False)
                console.print("    " + " ".join(statement.sql.split())[:600], markup=False, highlight=False)
    console.print(f"Functions asked: {len(covered.asked)}; left out: {len(covered.left_out)}; forgotten: {', '.join(covered.forgotten) or 'none'}")
    missed = [one for one in asked if not one.kept]
    console.print(f"missed: {[one.name for one in missed]}")
    return not missed and not covered.forgotten


def _table(asked: Sequence[Asked]) -> Table:
    table = Table("", "asked", "queries", "slowest query, ms", "all queries, ms", "with Python, ms", "reads whole", "")
    for one in asked:
        table.add_row(one.kind, one.name, str(len(one.statements)), f"{one.slowest:.1f}", f"{sum(s.waited for s in one.statements):.1f}", f"{one.whole:.1f}", ", ".join(one.scanned), "✓" if one.kept else "✗")
    return table
