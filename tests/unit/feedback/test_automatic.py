"""When a run starts by itself: a pure decision over how things stand, the rules and the time."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from feedback.automatic import SOON, Refusal, Rules, State, Window, decide
from settings import TrainingSettings

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
WINDOWS = st.builds(Window, TIMES, TIMES, st.builds(ZoneInfo, ZONES)).filter(
    lambda window: window.begins != window.ends
)
RULES = st.builds(Rules, st.integers(0, 5), st.none() | WINDOWS, st.integers(1, 5))
REFUSALS = st.builds(Refusal, st.just(7), st.integers(1, 5), MOMENTS)
STATES = st.builds(State, st.integers(0, 8), st.booleans(), st.booleans(), st.none() | MOMENTS, st.none() | REFUSALS)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@given(RULES, STATES, MOMENTS)
def test_a_run_starts_exactly_when_a_rule_asks_for_it_and_nothing_speaks_against_it(
    rules: Rules, state: State, now: datetime
) -> None:
    verdict = decide(rules, state, now)
    enough = rules.after > 0 and state.fresh >= rules.after
    opened = rules.window.opened(now) if rules.window else None
    tonight = opened is not None and (state.last_started is None or state.last_started < opened)
    free = not state.active and not state.paused
    refusal = state.refusal
    again = refusal is not None and refusal.attempt < rules.attempts and now - refusal.ended <= SOON
    assert verdict.start is (free and (again or (state.fresh > 0 and (enough or tonight))))
    assert verdict.again is (refusal if free and again else None)
    assert verdict.why


@pytest.mark.parametrize(
    ("attempt", "minutes_ago", "why"),
    [(1, 5, "attempt 2 of 3, since run 7 was refused"), (2, 59, "attempt 3 of 3"), (3, 5, ""), (1, 61, "")],
)
def test_a_refused_run_is_tried_again_so_often_and_soon(attempt: int, minutes_ago: int, why: str) -> None:
    refusal = Refusal(7, attempt, NOW - timedelta(minutes=minutes_ago))
    verdict = decide(Rules(attempts=3), State(0, False, False, NOW, refusal), NOW)
    assert verdict.start is bool(why)
    assert verdict.why.startswith(why)


@pytest.mark.parametrize(("active", "paused"), [(True, False), (False, True)])
def test_nothing_is_tried_again_beside_another_run_nor_in_a_pause(active: bool, paused: bool) -> None:
    assert not decide(Rules(attempts=2), State(0, active, paused, NOW, Refusal(7, 1, NOW)), NOW).start


def test_with_the_settings_that_ship_newly_approved_cases_start_nothing() -> None:
    verdict = decide(Rules.of(TrainingSettings()), State(3, False, False, None), NOW)
    assert (verdict.start, verdict.why) == (False, "automatic training is off")


@given(WINDOWS, MOMENTS)
def test_a_window_is_open_from_its_beginning_to_its_end_and_less_than_a_day(window: Window, now: datetime) -> None:
    opened = window.opened(now)
    if opened is not None:
        assert opened <= now < opened + timedelta(hours=25)  # the clock may be set back in it
        assert opened.astimezone(window.zone).time() == window.begins or _skipped(window, opened)
        assert window.opened(opened) == opened


def _skipped(window: Window, opened: datetime) -> bool:
    """The beginning does not exist that day: the clock is set forward over it."""
    naive = datetime.combine(opened.astimezone(window.zone).date(), window.begins, window.zone)
    return naive.astimezone(UTC).astimezone(window.zone).time() != window.begins


@pytest.mark.parametrize(
    ("begins", "ends", "zone", "now", "is_open"),
    [
        ("02:00", "05:00", "UTC", "2026-11-24T02:00", True),
        ("02:00", "05:00", "UTC", "2026-11-24T05:00", False),
        ("02:00", "05:00", "Europe/Berlin", "2026-11-24T01:30", True),
        ("02:00", "05:00", "Europe/Berlin", "2026-07-24T00:30", True),
        ("22:30", "01:00", "UTC", "2026-11-24T00:59", True),
        ("22:30", "01:00", "UTC", "2026-11-24T12:00", False),
    ],
)
def test_the_window_is_of_its_time_zone(begins: str, ends: str, zone: str, now: str, is_open: bool) -> None:
    window = Window(time.fromisoformat(begins), time.fromisoformat(ends), ZoneInfo(zone))
    assert (window.opened(datetime.fromisoformat(now).replace(tzinfo=UTC)) is not None) is is_open


def test_rules_come_from_the_settings() -> None:
    assert not Rules.of(TrainingSettings()).on
    assert Rules.of(TrainingSettings()) == Rules(attempts=2)
    rules = Rules.of(TrainingSettings(auto_after=5, nightly="22:00-04:30", time_zone="Europe/Berlin", attempts=3))
    assert rules == Rules(5, Window(time(22), time(4, 30), ZoneInfo("Europe/Berlin")), 3)


@pytest.mark.parametrize("nightly", ["2-5", "02:00", "24:00-05:00", "02:00-02:00", "02:00 - 05:00", "02:61-05:00"])
def test_what_is_no_window_is_refused(nightly: str) -> None:
    with pytest.raises(ValidationError, match="nightly"):
        TrainingSettings(nightly=nightly)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="time zone that this machine knows"):
        TrainingSettings(time_zone=zone)
