"""The table, the picture and the JSON of bench/learning/, from the results of each arm and seed."""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.learning.arms import ARMS
from bench.learning.results import read_all
from bench.report import Report, Table, hand_in

Result = Mapping[str, Any]
GOALS = {"new": 0.90, "kept": 0.95, "identity": 0.95, "ability": 0.95}
SLOWER = 1.10  # a round may take so much of the one before
GROWTH = "a round over the one before, mean (most): seconds / rows / steps"

# Each is the mean over the rounds of one arm and seed.
_COLUMNS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], float | None]]] = {
    "new": ("new cases", lambda one: one["learned"]),
    "new_live": ("new, of live runs", lambda one: one["learned"] if one["run"]["status"] == "live" else None),
    "kept": ("earlier kept", lambda one: one["kept"]),
    "kept_live": ("kept, of live runs", lambda one: one["kept"] if one["run"]["status"] == "live" else None),
    "identity": ("identity", lambda one: one["knowledge"]["identity"]),
    "rigour": ("rigour", lambda one: one["knowledge"]["rigour"]),
    "ability": ("ability, of base", lambda one: one["knowledge"]["ability"]),
}


def report(folder: Path) -> None:
    """Tables, picture and JSON of all results in a folder, beside it: for ``learning/`` it is ``learning.json``.

    An arm may have fewer seeds than another, and a seed fewer rounds: what there is counts.
    """
    by_arm: dict[str, list[Result]] = defaultdict(list)
    for result in read_all(folder):
        by_arm[result["arm"]].append(result)
    if not by_arm:
        print("There are no results yet.")
        return
    ordered = {name: by_arm[name] for name in ARMS if name in by_arm}
    summary = {name: summarise(results) for name, results in ordered.items()}
    out = folder.absolute().with_name(f"{folder.absolute().name}.json")
    picture = None
    if find_spec("matplotlib"):  # a machine without it can still measure
        picture = out.with_suffix(".png")
        _draw(ordered, picture)
    hand_in(Report("learning", tables(summary), summary, picture), out)


def tables(summary: Mapping[str, Any]) -> list[Table]:
    """What people read: a line for each arm."""
    goals = ", ".join(f"{_COLUMNS[name][0]} {share:.0%}" for name, share in GOALS.items())
    shares = (title for title, _ in _COLUMNS.values())
    learned = Table(
        "Learning, mean over the rounds (lowest to highest seed)",
        ["", "seeds, rounds", *shares, "known at the end", "drift", "refused, attempts", "rows", "minutes", GROWTH],
        [_row(name, one) for name, one in summary.items()],
        [
            "A round whose runs are refused has learned nothing new; its cases come again in the next one. At the end "
            "the wordings of all facts are asked.",
            f"Goals for Mend: at least {goals}; no round longer than the one before by over {SLOWER - 1:.0%}.",
        ],
    )
    at_once = Table(
        "Through the prompt, before the run: the instant patch",
        ["", "correction found", "right with it, of all", "found where it is another's", "harm"],
        [_patch_row(name, one["patch"]) for name, one in summary.items() if one["patch"]],
    )
    return [table for table in (learned, at_once) if table.rows]


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Means over the rounds for each seed; then the mean of the seeds, the lowest and the highest."""
    rounds = [one for result in results for one in result["rounds"]]
    summary: dict[str, Any] = {
        "seeds": [result["seed"] for result in results],
        "rounds": len(rounds),
        "unfinished": [result["seed"] for result in results if not result.get("finished", True)],
    }
    for name, (_, value) in _COLUMNS.items():
        summary[name] = _spread([_mean(value(one) for one in result["rounds"]) for result in results])
    summary["known"] = _spread([result["rounds"][-1]["known"] for result in results])
    summary["drift"] = _spread([_mean(one["knowledge"]["drift"] for one in result["rounds"]) for result in results])
    summary["refused"] = sum(one["run"]["status"] != "live" for one in rounds)
    summary["attempts"] = sum(one["run"].get("attempts", 1) for one in rounds)
    for name, key in (("rows", "rows"), ("steps", "steps"), ("seconds", "whole")):
        # Seeds are averaged first: a single run's steps and seconds depend on how early a checkpoint was good enough.
        runs = [[one["run"][key] for one in result["rounds"]] for result in results]
        by_round = [statistics.mean(column) for column in zip(*runs, strict=False)]
        growth = [later / before for before, later in itertools.pairwise(by_round) if before]
        summary[name] = {
            "first": round(by_round[0], 1),
            "last": round(by_round[-1], 1),
            "growth": {"mean": _mean(growth) or 1.0, "most": max(growth, default=1.0)},
        }
    patched = [one["patch"] for one in rounds if one.get("patch")]
    counts = ("new", "found", "right", "others", "false", "harmed")
    summary["patch"] = {count: sum(one[count] for one in patched) for count in counts} if patched else None
    return summary


def _mean(values: Any) -> float | None:
    """Of those that there are."""
    counted = [value for value in values if value is not None]
    return statistics.mean(counted) if counted else None


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    counted = [value for value in values if value is not None]
    return {"mean": statistics.mean(counted), "low": min(counted), "high": max(counted)} if counted else None


def _row(name: str, summary: Mapping[str, Any]) -> list[str]:
    shares = [_shares(summary[key]) for key in _COLUMNS]
    rows, seconds, steps = summary["rows"], summary["seconds"], summary["steps"]
    unfinished = f", {len(summary['unfinished'])} unfinished" if summary["unfinished"] else ""
    growth = [f"{one['growth']['mean']:.2f} ({one['growth']['most']:.2f})" for one in (seconds, rows, steps)]
    return [
        ARMS[name].title,
        f"{len(summary['seeds'])}, {summary['rounds']}{unfinished}",
        *shares,
        _shares(summary["known"]),
        f"{summary['drift']['mean']:.3f} ({summary['drift']['low']:.3f} to {summary['drift']['high']:.3f})",
        f"{summary['refused']} of {summary['rounds']}, {summary['attempts']}",
        f"{rows['first']:.0f} to {rows['last']:.0f}",
        f"{seconds['first'] / 60:.1f} to {seconds['last'] / 60:.1f}",
        " / ".join(growth),
    ]


def _shares(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return "-"
    return f"{spread['mean']:.0%} ({spread['low']:.0%} to {spread['high']:.0%})"


def _patch_row(name: str, counts: Mapping[str, int]) -> list[str]:
    return [
        ARMS[name].title,
        f"{counts['found']} of {counts['new']} ({counts['found'] / counts['new']:.0%})",
        f"{counts['right']} of {counts['new']} ({counts['right'] / counts['new']:.0%})",
        f"{counts['false']} of {counts['new'] + counts['others']}",
        f"{counts['harmed']} that were right became wrong",
    ]


def _draw(results: Mapping[str, Sequence[Result]], path: Path) -> None:
    import matplotlib as mpl

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
            by_round = zip(*(result["rounds"] for result in of_arm), strict=False)  # as far as every seed has come
            points = [_mean(_COLUMNS[name][1](one) for one in same) for same in by_round]
            start = 1 if name == "kept" else 0
            axis.plot(range(start + 1, len(points) + 1), points[start:], marker="o", label=ARMS[arm].title)
        axis.axhline(GOALS[name], color="grey", linestyle=":", linewidth=1)
        axis.set(title=title, xlabel="round", ylim=(0, 1.05))
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[-1].legend(loc="lower left", fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)
