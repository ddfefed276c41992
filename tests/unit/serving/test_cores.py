"""How the cores of a machine are split between serving and training."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import cores


@given(st.integers(1, 256))
def test_training_gets_half_and_leaves_serving_a_core_where_there_are_two(count: int) -> None:
    training = cores.of_training(count)
    assert 1 <= training <= max(1, count / 2)


@pytest.mark.parametrize(
    ("siblings", "allowed", "expected"),
    [
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, {0, 1, 2, 3}, 2),
        ({0: "0", 1: "1", 2: "2", 3: "3"}, {1, 3}, 2),
        ({}, {0, 1, 2}, 3),
    ],
)
def test_two_threads_of_a_core_are_one_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, siblings: dict[int, str], allowed: set[int], expected: int
) -> None:
    for cpu, text in siblings.items():
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{text}\n", encoding="ascii")
    monkeypatch.setattr(cores, "CPUS", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: allowed)
    assert cores.available() == expected


def test_vllm_leaves_those_cores_free_unless_somebody_says_which_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available", lambda: 8)
    assert cores.reserving({}) == {cores.RESERVED: "4"}
    assert cores.reserving({cores.BOUND: "0-6"}) == cores.reserving({cores.RESERVED: "1"}) == {}
