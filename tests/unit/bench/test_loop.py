"""What the bench of the loop shows of its runs, and how it ends; the runs come from `python -m bench.loop`."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import loop
from bench.timeline import Moments, Seen, Timeline, spans


def make_run(**fields: Any) -> Timeline:
    given: dict[str, Any] = {
        "run_id": 1, "trainer": "cold", "status": "live", "error": None, "rows": 50, "steps": 40, "steps_alone": 10.0,
        "whole": 20.0, "spans": spans(Moments(0.0, 20.0, {}, Seen())),
    }  # fmt: skip
    return Timeline(**given | fields)


def shown(one: Timeline, device: str = "cpu") -> dict[str, Any]:
    table = loop.tables([one], device)[0]
    return dict(zip(table.columns, table.rows[0], strict=True))


def test_new_cases_and_steps_in_vain_are_shown() -> None:
    found = shown(make_run(new_cases=1, in_vain=12))
    assert (found["new cases"], found["steps"], found["steps in vain"], found["whole / steps"]) == (1, 40, 12, "2.00")
    refused = shown(make_run(status="rejected"))
    assert (refused["steps in vain"], refused["steps alone, s"]) == (None, 10.0)


def test_on_a_cpu_the_goal_is_the_whole_over_its_steps() -> None:
    assert shown(make_run())["goals"] == "live: kept; whole / steps at most 2: kept"
    assert shown(make_run(status="rejected"))["goals"] == "live: missed; whole / steps at most 2: missed"
    assert shown(make_run(trainer="warm", whole=14.0))["goals"] == "live: kept; whole / steps at most 1.3: missed"
    assert shown(make_run(trainer="warm, just started"))["goals"] == ""


def test_on_a_card_the_goals_are_seconds_of_the_recipe() -> None:
    cold = make_run(steps_alone=6.0, whole=60.0)
    assert shown(cold, "cuda")["goals"] == "live: kept; steps at most 5 s: missed; whole at most 60 s: kept"
    warm = make_run(trainer="warm", steps_alone=4.9, whole=25.1)
    assert shown(warm, "cuda")["goals"] == "live: kept; steps at most 5 s: kept; whole at most 25 s: missed"
    assert shown(make_run(rows=109), "cuda")["goals"] == ""
    assert "50 rows and 10 epochs" in loop.tables([cold], "cuda")[0].notes[-1]


@pytest.mark.parametrize(("status", "code"), [("live", 0), ("rejected", 0), ("failed", 1)])
def test_a_run_that_failed_ends_the_bench_with_a_failure_once_the_tables_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, code: int
) -> None:
    out = tmp_path / "loop.json"
    runs = [make_run(), make_run(run_id=2, status=status, error="no memory")]
    monkeypatch.setattr(loop, "measure", lambda home, base_model, trainers: runs)
    monkeypatch.setattr(sys, "argv", ["loop", "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        loop.main()
    assert ended.value.code == code
    assert len(json.loads(out.read_text(encoding="utf-8"))["tables"][0]["rows"]) == 2
