"""The worker's door: which jobs are done, and what importing it costs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.queue import RUN_TRAINING
from trainer.worker import JobRefused, TrainingJob, run_of


def test_a_training_run_is_done() -> None:
    assert run_of(RUN_TRAINING, [7], {}) == 7


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("os.system", ["id"], {}),
        ("trainer.jobs.reason", [7], {}),
        ("trainer.jobs.run_training.__globals__", [7], {}),
        (None, [7], {}),
        (RUN_TRAINING, [], {}),
        (RUN_TRAINING, [7, 8], {}),
        (RUN_TRAINING, ["7"], {}),
        (RUN_TRAINING, [True], {}),
        (RUN_TRAINING, [7.0], {}),
        (RUN_TRAINING, [-7], {}),
        (RUN_TRAINING, [{"id": 7}], {}),
        (RUN_TRAINING, "7", {}),
        (RUN_TRAINING, [7], {"context": "x"}),
    ],
)
def test_anything_else_is_refused(name: str | None, args: Any, kwargs: Any) -> None:
    with pytest.raises(JobRefused):
        run_of(name, args, kwargs)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.text(max_size=30), json, json)
def test_no_other_name_gets_through(name: str, args: Any, kwargs: Any) -> None:
    with pytest.raises(JobRefused):
        run_of(name, args, kwargs)


def test_nothing_that_a_job_names_is_imported() -> None:
    job = TrainingJob.__new__(TrainingJob)
    assert job.success_callback is job.failure_callback is job.stopped_callback is None
    with pytest.raises(JobRefused):
        _ = job.func
