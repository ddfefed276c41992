"""Everybody counts once, whether they ask or vote; and how many of them a decision takes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from feedback.arms import Draw, Member, ThumbsDown, draws, each_once
from feedback.experiments import Rules
from feedback.forecasts import forecast, needed
from feedback.states import Arm

RULES = Rules(share=0.5, margin=2.0, alpha=0.05, days=14)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
names = st.sampled_from([f"T1/U{number}" for number in range(6)])
given_thumbs = st.lists(st.builds(ThumbsDown, names, names, st.just(NOON)))


def down(opener: str, voter: str = "", minute: int = 0) -> ThumbsDown:
    return ThumbsDown(opener, voter or opener, NOON + timedelta(minutes=minute))


def member(person: str, arm: Arm, minute: int = 0, until: int | None = None) -> Member:
    after = None if until is None else NOON + timedelta(minutes=until)
    return Member(person, arm, NOON + timedelta(minutes=minute), after)


def test_one_angry_person_counts_once() -> None:
    assert each_once([down("mia")] * 20) == [down("mia")]
    assert each_once([down("mia", "rex"), down("ada", "rex"), down("noor", "rex")]) == [down("mia", "rex")]


def test_who_was_passed_over_as_somebody_elses_victim_still_counts_for_themselves() -> None:
    assert each_once([down("mia", "rex"), down("ada", "rex"), down("ada")]) == [down("mia", "rex"), down("ada")]


@given(given_thumbs)
def test_no_opener_and_no_voter_is_there_twice_and_the_order_is_kept(thumbs: list[ThumbsDown]) -> None:
    counted = each_once(thumbs)
    assert len({one.opener for one in counted}) == len({one.voter for one in counted}) == len(counted)
    assert each_once(counted) == counted
    left = iter(thumbs)
    assert all(one in left for one in counted)


def test_each_draw_is_from_those_who_are_there_and_have_not_been_counted() -> None:
    crowd = [member("a", Arm.CANARY), member("b", Arm.CANARY), member("c", Arm.LIVE), member("d", Arm.LIVE, 9)]
    drawn = draws(crowd, [down("a", minute=1), down("a", minute=2), down("c", minute=3), down("d", minute=10)])
    assert drawn == [Draw(Arm.CANARY, 2, 1), Draw(Arm.LIVE, 1, 1), Draw(Arm.LIVE, 1, 1)]


def test_who_has_been_answered_often_enough_is_neither_drawn_nor_drawn_from() -> None:
    crowd = [member("a", Arm.CANARY), member("b", Arm.CANARY, until=5), member("c", Arm.LIVE, until=7)]
    assert draws(crowd, [down("a", minute=6)]) == [Draw(Arm.CANARY, 1, 1)]
    assert draws(crowd, [down("b", minute=6), down("c", minute=6)]) == [Draw(Arm.LIVE, 1, 1)]
    assert draws(crowd, [down("b", minute=4), down("a", minute=8)]) == [Draw(Arm.CANARY, 2, 1), Draw(Arm.CANARY, 1, 0)]


def test_a_thumbs_down_in_a_thread_from_before_the_experiment_does_not_count() -> None:
    assert draws([member("a", Arm.CANARY)], [down("zoe"), down("a", "zoe")]) == [Draw(Arm.CANARY, 1, 0)]


@given(given_thumbs)
def test_nobody_is_drawn_from_an_arm_that_has_nobody_left(thumbs: list[ThumbsDown]) -> None:
    crowd = [member(f"T1/U{number}", Arm.CANARY if number % 2 else Arm.LIVE) for number in range(6)]
    drawn = draws(crowd, thumbs)
    assert len(drawn) == len(each_once(thumbs))
    assert all((one.canary if one.arm is Arm.CANARY else one.live) >= 1 for one in drawn)


def test_the_clearer_the_truth_the_fewer_people_it_takes() -> None:
    found = forecast(RULES, people_a_day=0.5)
    assert found.better is not None and found.worse is not None and found.as_good is not None
    assert found.better < found.worse < found.as_good
    assert found.days(found.better) == found.better / 0.5
    assert forecast(RULES, 0.0).days(found.better) is None


def test_a_canary_that_is_just_at_the_margin_may_take_for_ever() -> None:
    close = Rules(share=0.5, margin=1.0001, alpha=0.05, days=14)
    assert needed(close, 1.0) is None
