"""The tables, the picture and the JSON of bench/swap/."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.report import Cell, Report, Table, hand_in
from bench.swap.measure import Found
from bench.swap.streams import overlapping

GOAL_MS = 150.0  # for the 99th percentile of the gaps while an adapter is loaded, on a GPU
LEAST_FOUND = 0.9  # of the answers under a wrong name, or "none mixed" says nothing


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that so many of all lie at or below; None: there is none."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else None


def gaps(found: Found) -> dict[str, list[float]]:
    """The gaps by what was going on, in milliseconds."""
    in_load, others = overlapping(found.traffic.gaps, [(swap.called, swap.loaded) for swap in found.swaps])
    in_check, others = overlapping(others, [(swap.loaded, swap.live) for swap in found.swaps])
    named = {"otherwise": others, "during a load": in_load, "during its check": in_check}
    return {name: [1000 * (end - begin) for begin, end in each] for name, each in named.items()}


def parts(found: Found) -> dict[str, list[float]]:
    """The parts of the swaps, in milliseconds."""
    return {
        "load": [1000 * (swap.loaded - swap.called) for swap in found.swaps],
        "check": [1000 * (swap.live - swap.loaded) for swap in found.swaps],
        "load to first answer": [1000 * (swap.first - swap.called) for swap in found.swaps],
    }


def faults(found: Found) -> list[str]:
    """What must not be, on any machine."""
    traffic, verdict = found.traffic, found.verdict
    wrong = {
        f"answers that failed: {len(traffic.failures)}": bool(traffic.failures),
        f"mixed answers: {verdict.mixed}": verdict.mixed > 0,
        f"swaps done: {len(found.swaps)} of {found.asked}": len(found.swaps) < found.asked,
        f"found in the control: {verdict.found:.0%}, at least {LEAST_FOUND:.0%} needed": verdict.found < LEAST_FOUND,
    }
    return [what for what, so in wrong.items() if so]


def tables(found: Found) -> list[Table]:
    """What people read."""
    verdict, traffic = found.verdict, found.traffic
    judged = len(traffic.with_words)
    counted: list[list[Cell]] = [
        ["answers", len(traffic.answers)],
        ["without a word, not looked at", len(traffic.answers) - judged],
        ["failed", len(traffic.failures)],
        ["swaps that failed", len(traffic.undone)],
        ["mixed", f"{verdict.mixed} of {judged}"],
        ["mixed, found in the control", f"{verdict.found:.0%}"],
        ["farthest own token, nats", round(verdict.farthest, 2)],
    ]
    measured = {f"gap {name}": each for name, each in gaps(found).items()} | parts(found)
    rows: list[list[Cell]] = [
        [name, len(each), *(percentile(each, share) for share in (0.5, 0.99, 1.0))] for name, each in measured.items()
    ]
    p99 = percentile(gaps(found)["during a load"], 0.99)
    wrong = faults(found)
    quick = p99 is not None and p99 <= GOAL_MS
    goals = [
        f"Goal: no answer failed or mixed, every swap done, {LEAST_FOUND:.0%} found in the control: "
        + (f"missed ({'; '.join(wrong)})." if wrong else "kept."),
        f"Goal on a GPU: p99 during a load at most {GOAL_MS:.0f} ms: {'kept' if quick else 'missed'}.",
    ]
    head = f"{len(found.swaps)} of {found.asked} swaps under {found.streams} streams"
    return [
        Table(head, ["", "count"], counted, [*[*traffic.failures, *traffic.undone][:3], goals[0]]),
        Table(f"{head}, milliseconds", ["", "n", "p50", "p99", "max"], rows, goals[1:]),
    ]


def draw(found: Found, path: Path) -> None:
    """How long gaps are, by what was going on; and the parts of each swap."""
    import matplotlib as mpl  # here, so that a machine without it can still measure

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for name, each in gaps(found).items():
        if each:
            ordered = sorted(each)
            left.step(ordered, [1 - place / len(ordered) for place in range(len(ordered))], where="post", label=name)
    left.axvline(GOAL_MS, color="grey", linestyle=":", linewidth=1)
    left.set(xscale="log", yscale="log", xlabel="gap between two pieces, ms", ylabel="share of gaps that are longer")
    left.legend(fontsize="small")
    numbers = range(1, len(found.swaps) + 1)
    bottoms = [0.0] * len(found.swaps)
    steps = {
        "load": [swap.loaded - swap.called for swap in found.swaps],
        "check": [swap.live - swap.loaded for swap in found.swaps],
        "until the first answer": [swap.first - swap.live for swap in found.swaps],
    }
    for name, lengths in steps.items():
        right.bar(numbers, lengths, bottom=bottoms, label=name)
        bottoms = [bottom + length for bottom, length in zip(bottoms, lengths, strict=True)]
    right.set(xlabel="swap", ylabel="seconds")
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def report(found: Found, out: Path, bench: str = "swap") -> bool:
    """Table, picture and JSON; whether nothing is wrong. A long gap is not: how long it may be is for a GPU to keep."""
    picture = out.with_suffix(".png")
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(found, picture)
    figures: dict[str, Any] = {
        "streams": found.streams,
        "verdict": asdict(found.verdict),
        "faults": faults(found),
        "failures": found.traffic.failures[:20],
        "undone": found.traffic.undone,
        "swaps": [asdict(swap) for swap in found.swaps],
        "gap_ms": {
            name: {str(share): percentile(each, share) for share in (0.5, 0.9, 0.99, 0.999, 1.0)}
            for name, each in gaps(found).items()
        },
    }
    hand_in(Report(bench, tables(found), figures, picture), out)
    return not faults(found)
