"""What people read about a canary."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import canary_blocks
from bot.canary_blocks import Standing
from feedback.arms import Tally
from feedback.experiments import Evidence, Rules
from feedback.forecasts import forecast
from feedback.models import Adapter, Experiment, Run
from feedback.states import AdapterStatus, Arm, RunStatus

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = Rules(share=0.3, margin=2.0, alpha=0.05, days=14)


def standing(*, pace: float = 0.5, seen: Evidence | None = None, **changes: Any) -> Standing:
    fields = {"id": 7, "persona": "pip", "created_at": NOW - timedelta(days=2), "rules": vars(RULES), "told": None}
    experiment = Experiment(**{**fields, "evidence": vars(seen) if seen else None, **changes})
    experiment.adapter = changes.get("adapter") or Adapter(name="pip-v3-<b>", status=AdapterStatus.CANARY)
    experiment.live = Adapter(name="pip-v2-a", status=AdapterStatus.LIVE)
    experiment.run = Run(status=RunStatus.CANARY, cancel_requested_by=changes.pop("stopped_by", None))
    tallies = {Arm.LIVE: Tally(9, 30, 4, 2, 1, 5, 61.4), Arm.CANARY: Tally(4, 12, 1, 1)}
    return Standing(experiment, tallies, forecast(RULES, pace))


def test_without_votes_that_is_said_and_so_is_how_many_it_takes() -> None:
    first, votes, needed = canary_blocks.lines(standing(), NOW)
    assert first == "🟡 The canary `pip-v3-&lt;b&gt;` answers 30% of people, `pip-v2-a` the others."
    assert votes == "Not enough votes yet: nobody has given either a thumbs-down."
    assert "people if it is better (" in needed and "14 people with a thumbs-down in the last 28 days" in needed
    assert "an admin may have to decide" in needed


def test_no_hint_at_the_admins_where_votes_are_plenty() -> None:
    assert "an admin" not in canary_blocks.lines(standing(pace=40.0), NOW)[-1]


def test_a_place_where_nobody_votes_gets_no_days() -> None:
    needed = canary_blocks.lines(standing(pace=0.0), NOW)[-1]
    assert "days)" not in needed and "there were 0 people" in needed


def test_what_the_votes_say_so_far_has_its_bounds() -> None:
    votes = canary_blocks.lines(standing(seen=Evidence(2, 3, 0.2, 9.0, "open")), NOW)[1]
    assert votes.startswith("Not enough votes yet: 2 people with a thumbs-down on the canary, 3 on the live version.")
    sure = "times as many people dislike the canary as the live version (90% sure)."
    assert votes.endswith(f" In truth 0.2 to 9.0 {sure}")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.2, None, "In truth at least 0.2 times as many people dislike the canary as the live version (95% sure)."),
        (0.0, 9.0, "In truth at most 9.0 times as many people dislike the canary as the live version (95% sure)."),
        (0.0, None, "In truth any number of times as many people may dislike the canary as the live version."),
    ],
)
def test_a_bound_that_there_is_not_yet_is_not_shown(low: float, high: float | None, words: str) -> None:
    assert canary_blocks.lines(standing(seen=Evidence(2, 0, low, high, "open")), NOW)[1].endswith(words)


def test_one_day_is_one_day() -> None:
    busy = canary_blocks.lines(standing(pace=1000.0), NOW)[-1]
    assert "(1 day)" in busy and "1 days" not in busy
    short = canary_blocks.lines(standing(rules={**vars(RULES), "days": 1}), NOW)
    assert short[2] == "The votes have not decided in 1 day: an admin may."


def test_the_arms_stand_side_by_side() -> None:
    shown = canary_blocks.table(standing().tallies)
    assert "people                  9       4" in shown and "seconds to next        61       -" in shown


@pytest.mark.parametrize(
    ("days", "told", "ended", "what"),
    [
        (2, None, None, "started"),
        (2, "started", None, None),
        (14, "started", None, "overdue"),
        (20, "overdue", None, None),
        (20, "overdue", NOW, "ended"),
        (0, None, NOW, "ended"),
    ],
)
def test_each_thing_is_told_once(days: int, told: str | None, ended: datetime | None, what: str | None) -> None:
    seen = standing(created_at=NOW - timedelta(days=days), told=told, ended_at=ended)
    assert canary_blocks.due(seen.experiment, NOW) == what


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (AdapterStatus.LIVE, "✅ The canary `pip-v3` is live for everybody: enough &lt;votes&gt;"),
        (AdapterStatus.REJECTED, "⛔ The canary `pip-v3` is taken back, and `pip-v2-a` answers everybody: enough"),
        (AdapterStatus.RETIRED, "⏹️ &lt;nobody&gt; took the canary `pip-v3` back: enough"),
    ],
)
def test_the_end_is_told_with_its_reason(status: AdapterStatus, words: str) -> None:
    ended = standing(adapter=Adapter(name="pip-v3", status=status), outcome="enough <votes>", ended_at=NOW)
    ended.experiment.run.cancel_requested_by = "<nobody>"
    assert canary_blocks.announcement("ended", ended, "/mend").startswith(words)


def test_an_experiment_that_is_overdue_says_how_to_end_it() -> None:
    told = canary_blocks.announcement("overdue", standing(seen=Evidence(2, 3, 0.2, 9.0, "open")), "/mend")
    assert "`/mend canary promote` or `/mend canary stop`" in told and "not decided in time" in told
