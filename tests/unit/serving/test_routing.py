"""Who is in which arm: the same for ever, anew for each canary, and as many as the share says."""

from hypothesis import given
from hypothesis import strategies as st

from feedback.states import Arm
from feedback.votes import Person
from serving.routing import arm_of

people = st.builds(
    Person, st.from_regex(r"[TE]\w{1,10}", fullmatch=True), st.from_regex(r"[UW]\w{1,10}", fullmatch=True)
)
shares = st.floats(0.01, 0.9)


@given(people, shares)
def test_everybody_keeps_to_one_arm(person: Person, share: float) -> None:
    again = Person(str(person.team_id), str(person.user_id))
    assert arm_of("pip-v2-1", person, share) is arm_of("pip-v2-1", again, share)


@given(people, shares, shares)
def test_a_larger_share_only_adds_people(person: Person, one: float, other: float) -> None:
    if arm_of("pip-v2-1", person, min(one, other)) is Arm.CANARY:
        assert arm_of("pip-v2-1", person, max(one, other)) is Arm.CANARY


def test_the_canary_gets_its_share_and_the_next_one_draws_anew() -> None:
    crowd = [Person("T1", f"U{number:05}") for number in range(4000)]
    for share in (0.1, 0.5):
        first = [arm_of("pip-v2-1", one, share) is Arm.CANARY for one in crowd]
        second = [arm_of("pip-v3-2", one, share) is Arm.CANARY for one in crowd]
        assert abs(sum(first) / len(crowd) - share) < 0.03  # four standard deviations of a fair draw
        both = sum(a and b for a, b in zip(first, second, strict=True))
        assert abs(both / len(crowd) - share**2) < 0.03  # who was in the first arm says nothing about the second


def test_nobody_is_asked_at_a_share_of_nothing() -> None:
    assert all(arm_of("pip-v2-1", Person("T1", f"U{number}"), 0.0) is Arm.LIVE for number in range(100))
