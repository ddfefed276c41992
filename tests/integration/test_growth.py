"""The bench of a big record, on a small one: everything that it asks can be asked, and nothing is forgotten."""

import pytest

from bench.growth import watch as watching
from bench.growth.calls import CALLS
from bench.growth.covered import coverage
from bench.growth.measure import ask
from bench.growth.record import Size, fill, is_filled, rows
from bench.growth.watch import Watch
from bench.growth.world import find
from feedback import votes
from feedback.database import Database
from tests.integration.test_answer_counts import one_by_one

SMALL = Size(answers=20_000, cases=2_000)
# A run goes through these; the bench's rounds have them.
OF_RUNS = (
    "feedback.adapters.add", "feedback.adapters.version_of_run", "feedback.cases.import_case",
    "feedback.datasets.add_variants", "feedback.datasets.freeze", "feedback.datasets.held_out",
    "feedback.datasets.variants", "feedback.datasets.yields", "feedback.own_answers.add",
    "feedback.own_answers.of_base", "feedback.reports.add", "feedback.runs.advance", "feedback.runs.decide",
    "feedback.runs.report_progress", "feedback.runs.set_config",
)  # fmt: skip


def test_a_big_record_can_be_asked_everything(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_filled(db)
    fill(db, SMALL)
    assert is_filled(db) and rows(db)["answers"] == SMALL.answers
    monkeypatch.setattr(watching, "REPEATS", 1)
    watch = Watch(db.engine, rows(db))
    with db.begin() as session:
        world = find(session)
        assert votes.by_version(session, "pip")[:3] == one_by_one(session)[:3]
    for call in CALLS:
        found = ask(watch, call, world)
        assert found.statements and found.whole > 0, call.name
    assert set(coverage(watch.seen).forgotten) <= set(OF_RUNS)
