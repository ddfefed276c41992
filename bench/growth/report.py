"""The tables, the picture and the JSON of bench/growth/."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.growth.covered import Coverage
from bench.growth.rounds import GOAL, Round
from bench.growth.watch import Statement

LIMIT = 10.0  # ms for one query that somebody in Slack waits for
OF_THE_BOT = ("listener", "round")


@dataclass(frozen=True)
class Asked:
    """One call: what it has sent, and how long all of it takes, with Python's part, in ms."""

    kind: str
    name: str
    statements: tuple[Statement, ...]
    whole: float

    @property
    def slowest(self) -> float:
        """Of its queries, in ms."""
        return max((one.waited for one in self.statements), default=0.0)

    @property
    def scanned(self) -> list[str]:
        """Long tables that it reads from one end to the other."""
        return sorted({name for one in self.statements for name in one.scanned})

    @property
    def kept(self) -> bool:
        """Whether it is as quick as it should be. The worker and the command line may take longer: nobody in Slack
        waits for them."""
        return self.kind not in OF_THE_BOT or (not self.scanned and self.slowest <= LIMIT)


@dataclass(frozen=True)
class Found:
    """All that was measured."""

    asked: Sequence[Asked]
    covered: Coverage
    sizes: Mapping[str, int]
    rounds: Sequence[Round]
    trainings: Sequence[float]

    @property
    def ratios(self) -> dict[str, float]:
        """What the last round takes, over the first."""
        if not self.rounds:
            return {}
        first, last = self.rounds[0].cost, self.rounds[-1].cost
        return {name: last[name] / first[name] for name in first}

    @property
    def goals(self) -> dict[str, bool]:
        """Every goal, and whether it is reached."""
        goals = {
            f"no query of the bot takes over {LIMIT:g} ms or reads a long table whole": all(
                one.kept for one in self.asked
            ),
            "no function that takes a session is left out without a word": not self.covered.forgotten,
        }
        if self.rounds:
            goals[f"rows and steps of run {len(self.rounds)} are at most {GOAL} of run 1"] = all(
                self.ratios[name] <= GOAL for name in ("rows", "steps")
            )
        if self.trainings:
            goals[f"training {len(self.trainings)} takes at most {GOAL} of the first"] = (
                self.trainings[-1] <= GOAL * self.trainings[0]
            )
        return goals


def report(found: Found, out: Path) -> bool:
    """Print the tables, write the JSON and the picture; whether every goal is reached."""
    console = Console(width=150)
    console.print(_table(found.asked))
    for one in found.asked:
        for statement in one.statements:
            if not one.kept and (statement.scanned or statement.waited > LIMIT):
                _tell(console, one, statement)
    covered = found.covered
    console.print(f"Functions asked: {len(covered.asked)}. Left out: {len(covered.left_out)}.")
    for name, why in covered.left_out.items():
        console.print(f"  {name}: {why}", markup=False, highlight=False)
    for name in covered.forgotten:
        console.print(f"  {name}: FORGOTTEN", markup=False, highlight=False)
    if found.rounds:
        console.print(_rounds(found))
    for goal, reached in found.goals.items():
        console.print(f"Goal: {goal}: {'reached' if reached else 'missed'}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(_values(found), indent=1, default=str) + "\n", encoding="utf-8")
    _draw(found, out.with_suffix(".png"))
    console.print(f"Written to {out} and {out.with_suffix('.png')}")
    return all(found.goals.values())


def _table(asked: Sequence[Asked]) -> Table:
    table = Table("", "asked", title="What is asked of the record (ms)")
    for column in ("queries", "slowest query", "all queries", "with Python"):
        table.add_column(column, justify="right")
    table.add_column("reads whole")
    table.add_column("")
    for one in asked:
        together = sum(statement.waited for statement in one.statements)
        numbers = (f"{one.slowest:.1f}", f"{together:.1f}", f"{one.whole:.1f}")
        mark = "" if one.kind not in OF_THE_BOT else "✓" if one.kept else "✗"
        table.add_row(one.kind, one.name, str(len(one.statements)), *numbers, ", ".join(one.scanned), mark)
    return table


def _tell(console: Console, one: Asked, statement: Statement) -> None:
    plan = " > ".join(statement.nodes)
    counted = f"{statement.rows} rows, {statement.blocks} blocks, {plan}"
    line = f"{one.name}: {statement.waited:.1f} ms, {counted}"
    console.print(line, markup=False, highlight=False)
    console.print(f"    {_short(statement.sql)}", markup=False, highlight=False)


def _short(sql: str) -> str:
    """Without the thousand parameters of a list."""
    return " ".join(sql.split())[:400]


def _rounds(found: Found) -> Table:
    table = Table("run", "ended", title="What a run takes, by how many there were before it")
    for column in (*found.rounds[0].cost, "seconds of queries"):
        table.add_column(column, justify="right")
    for one in found.rounds:
        counts = (f"{value:g}" for value in one.cost.values())
        table.add_row(str(one.number), one.status, *counts, f"{one.query_seconds:.2f}")
    table.add_row("last / first", "", *(f"{ratio:.2f}" for ratio in found.ratios.values()), "")
    return table


def _values(found: Found) -> dict[str, Any]:
    return {
        "machine": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "rows": dict(found.sizes),
        "limit_ms": LIMIT,
        "goals": found.goals,
        "asked": [
            {
                **asdict(one),
                "slowest": one.slowest,
                "scanned": one.scanned,
                "statements": [{**asdict(each), "sql": _short(each.sql)} for each in one.statements],
            }
            for one in found.asked
        ],
        "functions": asdict(found.covered),
        "rounds": [asdict(one) for one in found.rounds],
        "last_over_first": found.ratios,
        "trainings_seconds": list(found.trainings),
    }


def _draw(found: Found, path: Path) -> None:
    import matplotlib as mpl  # here, so that a machine without it can still measure

    mpl.use("agg")
    from matplotlib import pyplot as plt

    shown = sorted((one for one in found.asked if one.kind in OF_THE_BOT), key=lambda one: one.slowest)[-25:]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6), width_ratios=(2, 1), layout="constrained")
    left.barh([one.name for one in shown], [one.slowest for one in shown])
    left.axvline(LIMIT, color="grey", linestyle=":")
    left.set(title="slowest query of what the bot asks", xlabel="ms")
    for name in found.rounds[0].cost if found.rounds else ():
        first = found.rounds[0].cost[name]
        numbers = [one.number for one in found.rounds]
        right.plot(numbers, [one.cost[name] / first for one in found.rounds], marker=".", label=name)
    right.axhline(GOAL, color="grey", linestyle=":")
    right.set(title="what a run takes, of the first", xlabel="run")
    if found.rounds:
        right.legend(fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)
