"""The states of DESIGN.md: which moves exist, and that every life ends."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.states import (
    ACTIVE_RUNS,
    ADAPTER_MOVES,
    CASE_MOVES,
    RUN_MOVES,
    AdapterStatus,
    CaseStatus,
    IllegalMove,
    RunStatus,
    Status,
    check_move,
)

STAGES = ["queued", "paraphrasing", "building", "training", "probing", "deploying", "live"]


def test_every_state_has_its_moves_written_down() -> None:
    assert set(CASE_MOVES) == set(CaseStatus)
    assert set(RUN_MOVES) == set(RunStatus)
    assert set(ADAPTER_MOVES) == set(AdapterStatus)


def test_a_run_goes_through_its_stages_in_order() -> None:
    for stage, following in itertools.pairwise(STAGES):
        check_move("run 1", RunStatus(stage), RunStatus(following))
        assert RunStatus(stage) in ACTIVE_RUNS


def test_the_gate_alone_opens_the_way_to_live() -> None:
    before_live = {status for status, moves in RUN_MOVES.items() if RunStatus.LIVE in moves}
    assert before_live == {RunStatus.DEPLOYING, RunStatus.CANARY}
    assert {status for status, moves in RUN_MOVES.items() if RunStatus.CANARY in moves} == {RunStatus.DEPLOYING}
    assert {status for status, moves in RUN_MOVES.items() if RunStatus.DEPLOYING in moves} == {RunStatus.PROBING}


def test_a_deploying_run_can_no_longer_be_cancelled() -> None:
    with pytest.raises(IllegalMove, match="run 7 is deploying; it cannot become cancelled"):
        check_move("run 7", RunStatus.DEPLOYING, RunStatus.CANCELLED)


def test_nothing_is_trained_that_was_not_approved() -> None:
    assert {status for status, moves in CASE_MOVES.items() if CaseStatus.TRAINING in moves} == {CaseStatus.APPROVED}


@given(st.sampled_from([*CaseStatus, *RunStatus, *AdapterStatus]), st.sampled_from([*CaseStatus, *RunStatus]))
def test_a_state_of_another_kind_is_never_allowed(current: Status, wanted: Status) -> None:
    if type(current) is not type(wanted):
        with pytest.raises(IllegalMove):
            check_move("it", current, wanted)


@given(st.data())
def test_every_run_ends(data: st.DataObject) -> None:
    status, steps = RunStatus.QUEUED, 0
    while moves := sorted(RUN_MOVES[status]):
        status, steps = data.draw(st.sampled_from(moves)), steps + 1
    assert steps <= len(STAGES)
    assert status not in ACTIVE_RUNS
