"""What the bot bench hands in: a table for each load, the limits that Mend has not kept, and whether it kept all."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.bot.apps import MEND, PLAIN, App
from bench.bot.figures import LIMITS
from bench.bot.measure import all_loads
from bench.bot.report import report, tables
from bench.results import sections

APPS = (MEND, PLAIN)
LOADS = all_loads(0.05, 150)


def make_figures(p50: float = 8.0, **changed: Any) -> dict[str, Any]:
    """Those of one load and app."""
    spread = {"n": 2, "p50": p50, "p99": 2 * p50, "most": 2 * p50, "all": [p50, 2 * p50]}
    counts = dict.fromkeys(("posted_whole", "lost", "doubled", "changed", "asked_twice", "unanswered_commands"), 0)
    return {
        **counts,
        **dict.fromkeys(("added", "before", "after", "acks"), spread),
        "waited": {"n": 0},
        "memory": {"before": 60.0, "peak": 72.5, "after": 70.0},
        "calls_per_answer": {"chat.startStream": 1.0},
        "busiest": dict.fromkeys(LIMITS, 3),
        "refused": {},
        "seconds": 41.5,
        "cpu_of_an_answer": p50,
        **changed,
    }


def make_measured(plain: float = 4.0, **mend: Any) -> dict[str, dict[str, Any]]:
    return {load.name: {MEND.name: make_figures(**mend), PLAIN.name: make_figures(plain)} for load in LOADS}


def row(name: str, measured: dict[str, dict[str, Any]], apps: tuple[App, ...] = APPS) -> list[Any]:
    (found,) = (list(row) for row in tables(measured, LOADS, apps, 0.05, 150)[0].rows if str(row[0]).startswith(name))
    return found


def test_every_load_has_a_table_and_the_goals_stand_below_the_last() -> None:
    shown = tables(make_measured(), LOADS, APPS, 0.05, 150)
    assert [table.title.rpartition(": ")[2] for table in shown] == ["150 questions", "30 questions", "200 questions"]
    assert [len(table.notes) for table in shown] == [0, 0, 2]
    assert all(len(row) == len(table.columns) for table in shown for row in table.rows)


@pytest.mark.parametrize(("p50", "mark"), [(20.0, "✓"), (20.1, "✗"), (51.0, "✗")])
def test_what_is_added_says_whether_its_goal_is_reached(p50: float, mark: str) -> None:
    measured = make_measured(p50=p50)
    assert row("added", measured)[1] == f"{mark} {p50:.1f}, {2 * p50:.1f}, {2 * p50:.1f} (n 2)"


def test_mend_stands_beside_the_plain_listener() -> None:
    measured = make_measured(plain=4.0, p50=8.0)
    assert row("acks", measured)[-1] == "2.00, 2.00, 2.00"
    assert row("CPU", measured)[1:] == [8.0, 4.0, "2.00"]
    assert row("waited", measured)[1:] == ["-", "-", ""]
    assert row("memory", measured)[1] == "60, 72, 70"


def test_another_checkout_has_a_column_of_its_own() -> None:
    other = App("beside", "Mend of other", MEND.first_text, Path("other"))
    measured = {name: {**of, "beside": make_figures(6.0)} for name, of in make_measured().items()}
    assert row("CPU", measured, (other, *APPS))[1:] == [6.0, 8.0, 4.0, "2.00"]


def test_a_limit_that_is_not_kept_fails_it_and_stands_below_its_load(tmp_path: Path) -> None:
    assert report(make_measured(), LOADS, APPS, 0.05, 150, tmp_path)
    measured = make_measured()
    measured["30"][MEND.name]["lost"] = 2
    assert not report(measured, LOADS, APPS, 0.05, 150, tmp_path)
    content = json.loads((tmp_path / "bot.json").read_text(encoding="utf-8"))
    assert [table["notes"][:1] for table in content["tables"][:2]] == [[], ["✗ answers lost: 2"]]
    assert content["figures"]["broken"] == ["30 in the same instant: answers lost: 2"]


def test_it_becomes_a_section_and_a_picture(tmp_path: Path) -> None:
    report(make_measured(), LOADS, APPS, 0.05, 150, tmp_path)
    ((key, text),) = sections(tmp_path)
    assert key == "bot"
    assert "| lost | 0 | 0 |  |" in text and "a stand-in: 150 words, one each 0.05 s. Goal" in text
    assert (tmp_path / "bot.png").stat().st_size > 10_000
