"""The tables, the picture and the JSON of bench/bot/."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.bot.apps import MEND, PLAIN, App
from bench.bot.figures import LIMITS, percentile
from bench.bot.load import Load

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
    """Print the tables; write ``bot.json`` and ``bot.png``; whether Mend keeps every limit."""
    console = Console(width=150)
    for load in loads:
        console.print(_table(load, apps, measured[load.name]))
    broken = [f"{load.title}: {what}" for load in loads for what in breaches(load, measured[load.name][MEND.name])]
    for what in broken:
        console.print(f"✗ {what}")
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "machine": platform.machine(), "cores": len(os.sched_getaffinity(0)), "load_average": os.getloadavg(),
        "pace_s": pace, "words": words, "model": "paced stand-in", "goals_ms": GOALS, "broken": broken,
    }  # fmt: skip
    text = json.dumps({**about, "loads": measured}, indent=1)
    (out / "bot.json").write_text(text + "\n", encoding="utf-8")
    _draw(measured, loads, apps, out / "bot.png")
    console.print(f"Written to {out}")
    return not broken


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


def _table(load: Load, apps: Sequence[App], measured: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(title=f"{load.title}: {load.questions} questions")
    table.add_column("figure (times in ms: p50, p99, most)")
    for app in apps:
        table.add_column(app.title, justify="right")
    table.add_column(f"{MEND.title} : {PLAIN.title}", justify="right")
    for name, title in _SPREADS.items():
        ratio = _ratio(measured[MEND.name][name], measured[PLAIN.name][name])
        table.add_row(title, *(_spread(measured[app.name][name], name == "added") for app in apps), ratio)
    for name in ("posted_whole", "lost", "doubled", "changed", "asked_twice", "unanswered_commands"):
        table.add_row(name.replace("_", " "), *(str(measured[app.name][name]) for app in apps), "")
    mb = [measured[app.name]["memory"] for app in apps]
    table.add_row(
        "memory before, peak, after, MB", *(f"{m['before']:.0f}, {m['peak']:.0f}, {m['after']:.0f}" for m in mb)
    )
    table.add_row("all whole after, s", *(str(measured[app.name]["seconds"]) for app in apps))
    cpu = [measured[app.name]["cpu_of_an_answer"] for app in apps]
    ratio = f"{measured[MEND.name]['cpu_of_an_answer'] / measured[PLAIN.name]['cpu_of_an_answer']:.2f}"
    table.add_row("CPU of the process for an answer, ms", *map(str, cpu), ratio)
    for method in sorted({method for app in apps for method in measured[app.name]["calls_per_answer"]}):
        calls = [measured[app.name]["calls_per_answer"].get(method, 0) for app in apps]
        table.add_row(f"{method}, of an answer", *(f"{count:.2f}" for count in calls))
    for method, limit in LIMITS.items():
        most = [str(measured[app.name]["busiest"][method]) for app in apps]
        table.add_row(f"{method}, most in a minute{'' if load.free else f' ({limit})'}", *most)
    return table


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
