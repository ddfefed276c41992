"""What the growth bench hands in: its tables, its goals, and whether they are reached."""

import json
from pathlib import Path

import pytest

from bench.growth.covered import Coverage
from bench.growth.report import Asked, Found, report, tables
from bench.growth.rounds import Round
from bench.growth.watch import Statement, waits
from bench.results import sections

ASKED = "What is asked of the record (ms)"


def make_asked(waited: float = 1.0, scanned: tuple[str, ...] = (), kind: str = "listener") -> Asked:
    sql = "SELECT  *\nFROM answers"
    one = Statement(sql, waited, waited + 30, waited + 20, waited, ("Seq Scan",), scanned, 3, 40)
    return Asked(kind, "votes.cast", (one,), waited + 1)


def make_found(
    *asked: Asked, covered: Coverage | None = None, steps: int = 25, trainings: tuple[float, ...] = ()
) -> Found:
    first = Round(1, "live", 100, 25, 60, 200, 1.0)
    second = Round(2, "live", 100, 25, 40, 200, 1.0)
    last = Round(20, "live", 105, steps, 61, 210, 1.1)
    rounds = (first, second, last)
    return Found(asked or (make_asked(),), covered or Coverage(("a.b",)), {"answers": 10}, rounds, trainings)


def goals(found: Found) -> list[str]:
    return [str(note).rpartition(" ")[2] for note in tables(found)[-1].notes]


def test_a_quick_record_reaches_every_goal(tmp_path: Path) -> None:
    found = make_found(trainings=(60.0, 61.0))
    assert goals(found) == ["reached."] * 4
    assert [table.title for table in tables(found)] == [
        ASKED,
        "What a run takes, by how many there were before it",
        "Real runs, one new case each",
    ]
    assert report(found, tmp_path / "out" / "growth.json")


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (make_asked(waited=10.1), False),
        (make_asked(scanned=("answers",)), False),
        (make_asked(waited=900.0, scanned=("answers",), kind="worker"), True),
    ],
)
def test_only_what_slack_waits_for_has_to_be_quick(asked: Asked, kept: bool) -> None:
    found = make_found(asked)
    assert goals(found)[0] == ("reached." if kept else "missed.")
    slow = [table.rows for table in tables(found) if table.title == "Queries that miss the goal"]
    times = (asked.slowest, asked.longest, asked.first)
    assert slow == ([] if kept else [[["votes.cast", *times, 3, 40, "Seq Scan", "SELECT * FROM answers"]]])


def test_a_query_is_judged_by_its_median_and_the_others_are_shown() -> None:
    assert waits([50.0, 1.0, 1.0, *[9.0, 9.0, 9.0, 12.0, 12.0, 12.0, 12.0]]) == (12.0, 50.0, 50.0)
    assert waits([3.0]) == (3.0, 3.0, 3.0)
    assert waits([]) == (0.0, 0.0, 0.0)
    found = dict(zip((table := tables(make_found(make_asked(waited=9.0)))[0]).columns, table.rows[0], strict=True))
    assert (found["slowest query"], found["longest of all repeats"], found["longest of the first"]) == (9.0, 39.0, 29.0)
    assert make_asked(waited=9.0).kept and not make_asked(waited=10.1).kept


def test_a_run_that_grows_and_a_function_that_is_forgotten_miss_theirs(tmp_path: Path) -> None:
    found = make_found(covered=Coverage((), {"a.b": "why not"}, ("c.d",)), steps=30)
    assert goals(found) == ["reached.", "missed.", "missed."]
    (functions,) = (table for table in tables(found) if "session" in table.title)
    assert functions.title.endswith("0 asked, 1 left out")
    assert functions.rows == [("a.b", "why not"), ("c.d", "FORGOTTEN")]
    assert not report(found, tmp_path / "growth.json")


def test_the_last_round_stands_beside_the_first_and_the_second() -> None:
    (rounds,) = (table for table in tables(make_found()) if table.columns[0] == "run")
    assert rounds.columns == ("run", "ended", "rows", "steps", "probes", "queries", "seconds of queries")
    assert rounds.rows[-3:] == [
        ["last / first", "", "1.05", "1.00", "1.02", "1.05", ""],
        ["last / second", "", "1.05", "1.00", "1.52", "1.05", ""],
        ["goal of last / first", "", "1.1", "1.1", "none", "none", ""],
    ]


def test_nothing_asked_still_has_its_goals() -> None:
    (table,) = tables(Found((), Coverage(), {}, (), ()))
    assert table.title == ASKED and len(table.notes) == 2


def test_it_becomes_a_section_and_a_picture(tmp_path: Path) -> None:
    report(make_found(make_asked(waited=12.34)), tmp_path / "growth.json")
    ((key, text),) = sections(tmp_path)
    assert key == "growth"
    assert "| listener | votes.cast | 1 | 12.3 | 42.3 | 32.3 | 12.3 | 13.3 |  | ✗ |" in text
    assert "reads a long table whole: missed." in text
    assert (tmp_path / "growth.png").stat().st_size > 10_000
    content = json.loads((tmp_path / "growth.json").read_text(encoding="utf-8"))
    assert content["figures"]["asked"][0]["slowest"] == 12.34
    assert content["figures"]["last_over_first"]["rows"] == 1.05
