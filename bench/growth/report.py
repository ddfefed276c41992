"""The tables, the picture and the JSON of bench/growth/."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.growth.covered import Coverage
from bench.growth.rounds import GOAL, Round
from bench.growth.watch import Statement
from bench.report import Cell, Report, Table, hand_in

LIMIT = 10.0  # ms for one query that somebody in Slack waits for
OF_THE_BOT = ("listener", "round")
HELD = ("rows", "steps")  # of what a run takes: these have a goal


@dataclass(frozen=True)
class Asked:
    """One call: what it has sent, and how long all of it takes, with Python's part, in ms: medians of its repeats."""

    kind: str
    name: str
    statements: tuple[Statement, ...]
    whole: float

    @property
    def slowest(self) -> float:
        """Of its queries, in ms."""
        return max((one.waited for one in self.statements), default=0.0)

    @property
    def longest(self) -> float:
        """That any of its queries took in any repeat, in ms."""
        return max((one.longest for one in self.statements), default=0.0)

    @property
    def first(self) -> float:
        """The slowest of its queries when the server had no plan for it yet, in ms."""
        return max((one.first for one in self.statements), default=0.0)

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
        return self._last_over(0)

    @property
    def later_ratios(self) -> dict[str, float]:
        """What the last round takes, over the second: in the first, the base model is asked, too, and once."""
        return self._last_over(1)

    def _last_over(self, place: int) -> dict[str, float]:
        if len(self.rounds) <= place:
            return {}
        before, last = self.rounds[place].cost, self.rounds[-1].cost
        return {name: last[name] / before[name] for name in before}

    @property
    def goals(self) -> dict[str, bool]:
        """Every goal, and whether it is reached."""
        goals = {
            f"no query of the bot takes over {LIMIT:g} ms (the median of its repeats) or reads a long table whole": all(
                one.kept for one in self.asked
            ),
            "no function that takes a session is left out without a word": not self.covered.forgotten,
        }
        if self.rounds:
            goals[f"{' and '.join(HELD)} of run {len(self.rounds)} are at most {GOAL} of run 1"] = all(
                self.ratios[name] <= GOAL for name in HELD
            )
        if self.trainings:
            goals[f"training {len(self.trainings)} takes at most {GOAL} of the first"] = (
                self.trainings[-1] <= GOAL * self.trainings[0]
            )
        return goals


def report(found: Found, out: Path) -> bool:
    """Tables, picture and JSON; whether every goal is reached."""
    picture = out.with_suffix(".png")
    out.parent.mkdir(parents=True, exist_ok=True)
    _draw(found, picture)
    hand_in(Report("growth", tables(found), _values(found), picture), out)
    return all(found.goals.values())


def tables(found: Found) -> list[Table]:
    """What people read; the goals stand below the last one."""
    others = (_slow(found.asked), _functions(found.covered), _rounds(found), _trainings(found))
    *shown, last = _asked(found.asked), *(table for table in others if table.rows)
    goals = [f"Goal: {goal}: {'reached' if reached else 'missed'}." for goal, reached in found.goals.items()]
    return [*shown, replace(last, notes=goals)]


def _asked(asked: Sequence[Asked]) -> Table:
    columns = (
        "", "asked", "queries", "slowest query", "longest of all repeats", "longest of the first", "all queries",
        "with Python", "reads whole", "",
    )  # fmt: skip
    return Table("What is asked of the record (ms)", columns, [_line(one) for one in asked])


def _line(one: Asked) -> list[Cell]:
    together = sum(statement.waited for statement in one.statements)
    mark = "" if one.kind not in OF_THE_BOT else "✓" if one.kept else "✗"
    numbers = (len(one.statements), one.slowest, one.longest, one.first, together, one.whole)
    return [one.kind, one.name, *numbers, ", ".join(one.scanned), mark]


def _slow(asked: Sequence[Asked]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.name,
            each.waited,
            each.longest,
            each.first,
            each.rows,
            each.blocks,
            " > ".join(each.nodes),
            _short(each.sql),
        ]
        for one in asked
        for each in one.statements
        if not one.kept and (each.scanned or each.waited > LIMIT)
    ]
    return Table(
        "Queries that miss the goal", ("asked", "ms", "longest", "first", "rows", "blocks", "plan", "query"), rows
    )


def _short(sql: str) -> str:
    """Without the thousand parameters of a list."""
    return " ".join(sql.split())[:400]


def _functions(covered: Coverage) -> Table:
    title = f"Functions that take a session: {len(covered.asked)} asked, {len(covered.left_out)} left out"
    rows = [*covered.left_out.items(), *((name, "FORGOTTEN") for name in covered.forgotten)]
    return Table(title, ("not asked", "why"), rows)


def _rounds(found: Found) -> Table:
    title = "What a run takes, by how many there were before it"
    if not found.rounds:
        return Table(title, (), ())
    rows: list[list[Cell]] = [
        [one.number, one.status, *one.cost.values(), f"{one.query_seconds:.2f}"] for one in found.rounds
    ]
    for label, ratios in (("last / first", found.ratios), ("last / second", found.later_ratios)):
        if ratios:
            rows.append([label, "", *(f"{ratio:.2f}" for ratio in ratios.values()), ""])
    rows.append(["goal of last / first", "", *(f"{GOAL}" if name in HELD else "none" for name in found.ratios), ""])
    return Table(title, ("run", "ended", *found.rounds[0].cost, "seconds of queries"), rows)


def _trainings(found: Found) -> Table:
    rows = [(number, seconds) for number, seconds in enumerate(found.trainings, 1)]
    return Table("Real runs, one new case each", ("run", "seconds"), rows)


def _values(found: Found) -> dict[str, Any]:
    return {
        "rows": dict(found.sizes),
        "limit_ms": LIMIT,
        "goals": found.goals,
        "asked": [
            {
                **asdict(one),
                "slowest": one.slowest,
                "longest": one.longest,
                "first": one.first,
                "scanned": one.scanned,
                "statements": [{**asdict(each), "sql": _short(each.sql)} for each in one.statements],
            }
            for one in found.asked
        ],
        "functions": asdict(found.covered),
        "rounds": [asdict(one) for one in found.rounds],
        "last_over_first": found.ratios,
        "last_over_second": found.later_ratios,
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
