"""The table, the picture and the JSON of bench/learning.py, from the results of each arm and seed."""

import itertools
import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.learning_arms import ARMS

Result = Mapping[str, Any]
GOALS = {"new": 0.90, "kept": 0.95, "identity": 0.95, "ability": 0.95}
SLOWER = 1.10  # a round may take so much of the one before

# Each is the mean over the rounds of one arm and seed.
_COLUMNS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], float | None]]] = {
    "new": ("new cases", lambda one: one["learned"]),
    "kept": ("earlier kept", lambda one: one["kept"]),
    "identity": ("identity", lambda one: one["knowledge"]["identity"]),
    "rigour": ("rigour", lambda one: one["knowledge"]["rigour"]),
    "ability": ("ability, of base", lambda one: one["knowledge"]["ability"]),
}


def report(folder: Path) -> None:
    """Print the table of all results in a folder; write ``table.md``, ``summary.json`` and ``learning.png`` there."""
    by_arm: dict[str, list[Result]] = defaultdict(list)
    for path in sorted(folder.glob("*-*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        by_arm[result["arm"]].append(result)
    ordered = {name: by_arm[name] for name in ARMS if name in by_arm}
    summary = {name: summarise(results) for name, results in ordered.items()}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    rows = [_row(name, summary[name]) for name in summary]
    header = ["", *(title for title, _ in _COLUMNS.values()), "drift", "refused", "rows", "minutes", "slowest step"]
    _print(header, rows)
    lines = [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _draw(ordered, folder / "learning.png")
    print(f"Written to {folder}")


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Means over the rounds for each seed; then the mean of the seeds, the lowest and the highest."""
    summary: dict[str, Any] = {"seeds": [result["seed"] for result in results]}
    for name, (_, value) in _COLUMNS.items():
        summary[name] = _spread([_mean(value(one) for one in result["rounds"]) for result in results])
    summary["drift"] = _spread([_mean(one["knowledge"]["drift"] for one in result["rounds"]) for result in results])
    summary["refused"] = sum(one["run"]["status"] != "live" for result in results for one in result["rounds"])
    summary["rounds"] = sum(len(result["rounds"]) for result in results)
    for name, key in (("rows", "rows"), ("seconds", "whole")):
        first = statistics.mean(result["rounds"][0]["run"][key] for result in results)
        last = statistics.mean(result["rounds"][-1]["run"][key] for result in results)
        summary[name] = {"first": round(first, 1), "last": round(last, 1)}
    # Seeds are averaged first: a single run's seconds depend on how early a checkpoint was good enough.
    times = [
        statistics.mean(column)
        for column in zip(*([one["run"]["whole"] for one in r["rounds"]] for r in results), strict=True)
    ]
    summary["slower"] = max((later / before for before, later in itertools.pairwise(times)), default=1.0)
    return summary


def _mean(values: Any) -> float:
    counted = [value for value in values if value is not None]
    return statistics.mean(counted) if counted else 0.0


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": statistics.mean(values), "low": min(values), "high": max(values)}


def _row(name: str, summary: Mapping[str, Any]) -> list[str]:
    shares = [
        f"{summary[key]['mean']:.0%} ({summary[key]['low']:.0%} to {summary[key]['high']:.0%})" for key in _COLUMNS
    ]
    rows, seconds = summary["rows"], summary["seconds"]
    return [
        ARMS[name].title,
        *shares,
        f"{summary['drift']['mean']:.3f}",
        f"{summary['refused']} of {summary['rounds']}",
        f"{rows['first']:.0f} to {rows['last']:.0f}",
        f"{seconds['first'] / 60:.1f} to {seconds['last'] / 60:.1f}",
        f"{summary['slower']:.2f}",
    ]


def _print(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title="Learning, mean over the rounds (lowest to highest seed)")
    for column in header:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console = Console(width=190)
    console.print(table)
    goals = ", ".join(f"{_COLUMNS[name][0]} {share:.0%}" for name, share in GOALS.items())
    console.print(
        f"Goals for Mend: at least {goals}; no round slower than the one before by more than {SLOWER - 1:.0%}."
    )


def _draw(results: Mapping[str, Sequence[Result]], path: Path) -> None:
    import matplotlib as mpl  # here, so that a machine without it can still measure

    mpl.use("agg")
    from matplotlib import pyplot as plt

    panels = (
        ("new", "new cases answered right"),
        ("kept", "earlier repairs kept"),
        ("ability", "ability, of the base"),
    )
    figure, axes = plt.subplots(1, len(panels), figsize=(12, 3.6), sharey=True, layout="constrained")
    for axis, (name, title) in zip(axes, panels, strict=True):
        for arm, of_arm in results.items():
            by_round = zip(*(result["rounds"] for result in of_arm), strict=True)
            points = [_mean(_COLUMNS[name][1](one) for one in same) for same in by_round]
            start = 1 if name == "kept" else 0
            axis.plot(range(start + 1, len(points) + 1), points[start:], marker="o", label=ARMS[arm].title)
        axis.axhline(GOALS[name], color="grey", linestyle=":", linewidth=1)
        axis.set(title=title, xlabel="round", ylim=(0, 1.05))
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[-1].legend(loc="lower left", fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)
