from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from serving.rotation import SET_ASIDE, Rotation


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_idle_replicas_take_turns() -> None:
    rotation = Rotation(["a", "b", "c"])
    assert [rotation.pick() for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_the_least_busy_is_next() -> None:
    rotation = Rotation(["a", "b"])
    with rotation.busy("a"), rotation.busy("a"), rotation.busy("b"):
        assert rotation.pick() == "b"


def test_a_failed_replica_is_set_aside_for_a_while_and_used_when_alone() -> None:
    clock = Clock()
    rotation = Rotation(["a", "b"], clock)
    rotation.set_aside("a")
    assert {rotation.pick() for _ in range(4)} == {"b"}
    assert rotation.pick(tried={"b"}) == "a"
    clock.now += SET_ASIDE + 1
    assert {rotation.pick() for _ in range(4)} == {"a", "b"}


@given(st.integers(1, 5), st.integers(1, 40))
def test_running_requests_differ_by_one_at_most(replicas: int, requests: int) -> None:
    urls = [f"u{number}" for number in range(replicas)]
    rotation = Rotation(urls)
    counts = dict.fromkeys(urls, 0)
    with ExitStack() as running:
        for _ in range(requests):
            url = rotation.pick()
            running.enter_context(rotation.busy(url))
            counts[url] += 1
    assert max(counts.values()) - min(counts.values()) <= 1
