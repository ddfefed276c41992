"""The tables, the picture and the JSON of bench/bot/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.bot.apps import MEND, PLAIN, App
from bench.bot.figures import LIMITS, percentile
from bench.bot.load import Load
from bench.report import Cell, Report, Table, hand_in

GOALS = {"p50": 20.0, "p99": 100.0}  # milliseconds added, with 30 at once
ACK_LIMIT = 1000.0  # milliseconds; Slack gives three seconds
Measured = Mapping[str, Mapping[str, Mapping[str, Any]]]
_SPREADS = {
    "added": "added before the first text",
    "before": "  of it before the model",
    "after": "  of it after the model",
    "waited": "waited for its turn on purpose",
    "acks": "acks of slash commands",
}


def report(measured: Measured, loads: Sequence[Load], apps: Sequence[App], pace: float, words: int, out: Path) -> bool:
    """Tables, picture and JSON: ``bot.json`` and ``bot.png`` in a folder; whether Mend keeps every limit."""
    broken = [f"{load.title}: {what}" for load in loads for what in breaches(load, measured[load.name][MEND.name])]
    out.mkdir(parents=True, exist_ok=True)
    _draw(measured, loads, apps, out / "bot.png")
    figures = {
        "pace_s": pace, "words": words, "model": "paced stand-in", "goals_ms": GOALS, "broken": broken,
        "loads": measured,
    }  # fmt: skip
    hand_in(Report("bot", tables(measured, loads, apps, pace, words), figures, out / "bot.png"), out / "bot.json")
    return not broken


def tables(measured: Measured, loads: Sequence[Load], apps: Sequence[App], pace: float, words: int) -> list[Table]:
    """One for each load, and below it what Mend has not kept; the goals are below the last one."""
    said = [
        f"In place of the model a stand-in: {words} words, one each {pace:g} s.",
        f"Goal for what is added, ✓ or ✗: p50 at most {GOALS['p50']:g} ms, p99 at most {GOALS['p99']:g} ms.",
    ]
    columns = ("times in ms: p50, p99, most", *(app.title for app in apps), f"{MEND.title} : {PLAIN.title}")
    return [
        Table(
            f"{load.title}: {load.questions} questions",
            columns,
            _rows(load, apps, measured[load.name]),
            [
                *(f"✗ {what}" for what in breaches(load, measured[load.name][MEND.name])),
                *(said if load is loads[-1] else ()),
            ],
        )
        for load in loads
    ]


def breaches(load: Load, figures: Mapping[str, Any]) -> list[str]:
    """What Mend has not kept. Slack's limits are Mend's to keep only where they are not lifted."""
    found = [f"answers {what}: {figures[what]}" for what in ("lost", "doubled", "changed") if figures[what]]
    slowest = figures["acks"].get("most", 0.0)
    if slowest > ACK_LIMIT or figures["unanswered_commands"]:
        found.append(f"slowest ack {slowest:.0f} ms, without any {figures['unanswered_commands']}")
    if figures["refused"]:
        found.append(f"calls that Slack refused: {figures['refused']}")
    if not load.free:
        over = {method: most for method, most in figures["busiest"].items() if most > LIMITS[method]}
        found.extend(f"{method}: {most} in a minute, {LIMITS[method]} allowed" for method, most in over.items())
    return found


def _rows(load: Load, apps: Sequence[App], measured: Mapping[str, Mapping[str, Any]]) -> list[list[Cell]]:
    """A figure in each line: of every app, and Mend's over the plain listener's."""
    of = [measured[app.name] for app in apps]
    mend, plain = measured[MEND.name], measured[PLAIN.name]
    rows: list[list[Cell]] = []
    for name, title in _SPREADS.items():
        rows.append([title, *(_spread(one[name], name == "added") for one in of), _ratio(mend[name], plain[name])])
    for name in ("posted_whole", "lost", "doubled", "changed", "asked_twice", "unanswered_commands"):
        rows.append([name.replace("_", " "), *(one[name] for one in of), ""])
    memory = (", ".join(f"{one['memory'][when]:.0f}" for when in ("before", "peak", "after")) for one in of)
    rows.append(["memory before, peak, after, MB", *memory, ""])
    rows.append(["all whole after, s", *(one["seconds"] for one in of), ""])
    cpu = f"{mend['cpu_of_an_answer'] / plain['cpu_of_an_answer']:.2f}"
    rows.append(["CPU of the process for an answer, ms", *(one["cpu_of_an_answer"] for one in of), cpu])
    for method in sorted({method for one in of for method in one["calls_per_answer"]}):
        rows.append([f"{method}, of an answer", *(f"{one['calls_per_answer'].get(method, 0):.2f}" for one in of), ""])
    for method, limit in LIMITS.items():
        head = f"{method}, most in a minute{'' if load.free else f' ({limit})'}"
        rows.append([head, *(one["busiest"][method] for one in of), ""])
    return rows


def _spread(figures: Mapping[str, Any], goal: bool) -> str:
    if not figures["n"]:
        return "-"
    mark = ("✓ " if all(figures[name] <= most for name, most in GOALS.items()) else "✗ ") if goal else ""
    return f"{mark}{figures['p50']:.1f}, {figures['p99']:.1f}, {figures['most']:.1f} (n {figures['n']})"


def _ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    if not (ours["n"] and theirs["n"]):
        return ""
    return ", ".join(f"{ours[name] / theirs[name]:.2f}" for name in ("p50", "p99", "most") if theirs[name])


def _draw(measured: Measured, loads: Sequence[Load], apps: Sequence[App], path: Path) -> None:
    import matplotlib as mpl  # here, so that a machine without it can still measure

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(loads), figsize=(4 * len(loads), 3.6), layout="constrained", squeeze=False)
    for axis, load in zip(axes[0], loads, strict=True):
        for app in apps:
            added = sorted(measured[load.name][app.name]["added"].get("all", []))
            if added:
                shares = [(rank + 1) / len(added) for rank in range(len(added))]
                axis.step(added, shares, where="post", label=f"{app.title}, p50 {percentile(added, 0.5):.0f} ms")
        for most in GOALS.values():
            axis.axvline(most, color="grey", linestyle=":", linewidth=1)
        axis.set(title=load.title, xlabel="added before the first text, ms", ylim=(0, 1.02), xscale="log")
        axis.legend(fontsize="small")
    axes[0][0].set_ylabel("share of the answers")
    figure.savefig(path, dpi=120)
    plt.close(figure)
