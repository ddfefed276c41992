"""What every bench leaves: a JSON of one small shape, a table for people, and a picture beside it.

    {"about":   {"bench": "swap", "date": "2026-11-28", "commit": "0a1b2c3", "machine": "...", "command": "python ..."},
     "tables":  [{"title": "...", "columns": ["", "p50"], "rows": [["gap before, ms", 61.2]], "notes": ["..."]}],
     "picture": "swap.png",
     "figures": {...}}

`bench.results` makes RESULTS.md of these files. ``figures`` is whatever else the bench has measured, for whoever looks
closer; nobody renders it.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows under a title; ``notes`` are sentences that stand below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """What one bench has found."""

    bench: str
    tables: Sequence[Table]
    figures: Mapping[str, Any] = field(default_factory=dict)
    picture: Path | None = None
    """Beside the JSON."""


def show(tables: Sequence[Table]) -> None:
    """Print them."""
    from rich import table as rich_table  # here, as matplotlib elsewhere: `about` is of use without either
    from rich.console import Console

    console = Console(width=150, markup=False, highlight=False)  # a cell may be SQL, with brackets
    for each in tables:
        shown = rich_table.Table(*each.columns, title=each.title, title_justify="left")
        for row in each.rows:
            shown.add_row(*map(as_text, row))
        console.print(shown)
        for note in each.notes:
            console.print(note)


def hand_in(report: Report, out: Path) -> None:
    """Print the tables and write the JSON."""
    show(report.tables)
    out.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "about": about(report.bench),
        "tables": [asdict(each) for each in report.tables],
        "picture": report.picture.name if report.picture else None,
        "figures": report.figures,
    }
    out.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    print(f"Written to {out}")


def about(bench: str) -> dict[str, str]:
    """When, where and of what something was measured."""
    return {
        "bench": bench,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit(),
        "machine": machine(),
        "load": f"{os.getloadavg()[0]:.1f}",  # other work on the machine shows here, beside the bench's own
        "command": command(sys.orig_argv),
    }


def as_text(cell: Cell) -> str:
    """A cell as people read it: three digits of what was measured, whole numbers as they are."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


def command(argv: Sequence[str]) -> str:
    """How the bench was called, without what only this machine has: the interpreter's and other folders' paths."""
    words = ["python", *argv[1:]]
    return " ".join(_without_folders(word) for word in words)


def _without_folders(word: str) -> str:
    option, equals, value = word.rpartition("=")
    path = Path(value)
    if path.is_absolute():
        value = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else f"<{path.name}>"
    return f"{option}{equals}{value}"


def commit() -> str:
    """What whoever copied the tree here says it is (BENCH_COMMIT); else the checkout's commit, with a + where something
    is not committed."""
    if said := os.environ.get("BENCH_COMMIT"):
        return said
    try:
        head = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
        return head + ("+" if _said("git", "-C", str(ROOT), "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    """Processor, cores and memory; the card first where there is one."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return ", ".join(filter(None, (card(), _processor(), f"{cores} cores", f"{memory:.0f} GiB")))


def card() -> str:
    """The name of the GPU by nvidia-smi; empty where there is none."""
    try:
        return _said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def _processor() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "") or (
            platform.machine()
        )


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
