"""How a run's moments become spans; the moments themselves come from a run (`python -m bench.loop`)."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from bench.timeline import Moments, Seen, covered, live_step, made_alone, spans, steps_of
from feedback.models import Adapter, Run
from feedback.states import RunStatus
from serving.adapter_checks import WEIGHTS
from tests.unit.serving.factories import make_base, write_adapter_source

MOVES = {"queued": 100.0, "paraphrasing": 101.0, "building": 103.0, "training": 104.0, "probing": 140.0}
LIVE = {**MOVES, "deploying": 150.0, "live": 151.5}


def line(step: int, pace: float) -> str:
    return json.dumps({"loss": 1.0, "global_step/max_steps": f"{step}/40", "train_speed(s/it)": pace}) + "\n"


def test_stages_follow_one_another_and_probes_lie_beside_them() -> None:
    found = spans(
        Moments(
            began=100.0,
            ended=151.5,
            moves=LIVE,
            seen=Seen(steps=10, pace=2.0, last_step=130.0),
            saved=[119.0, 132.0],
            candidates={7: 120.0, 8: 133.0},
            reports=[(None, 105.0, 112.0), (7, 121.0, 125.0), (8, 134.0, 149.0)],
        )
    )
    assert found == {
        "queue": [(0.0, 1.0)],
        "paraphrase": [(1.0, 3.0)],
        "build": [(3.0, 4.0)],
        "trainer start": [(4.0, 10.0)],
        "steps": [(10.0, 30.0)],
        "save": [(30.0, 32.0)],
        "load": [(19.0, 21.0), (32.0, 34.0)],
        "probes": [(21.0, 25.0), (34.0, 49.0)],
        "standing probes": [(5.0, 12.0)],
        "swap": [(50.0, 51.5)],
    }


def test_a_run_that_failed_early_has_the_stages_that_it_came_to() -> None:
    moves = {"queued": 100.0, "paraphrasing": 101.0, "failed": 102.0}
    found = spans(Moments(began=100.0, ended=102.0, moves=moves, seen=Seen()))
    assert {name for name, each in found.items() if each} == {"queue"}


def test_time_is_covered_once_however_many_do() -> None:
    assert covered([(0, 2), (1, 3), (5, 6), (1, 2)]) == 4
    assert covered([]) == 0


def test_ms_swifts_log_is_read_while_it_is_written(tmp_path: Path) -> None:
    log, seen = tmp_path / "logging.jsonl", Seen()
    seen.look(log, 1.0)
    log.write_text(line(1, 3.0) + line(2, 2.5)[:20])
    seen.look(log, 2.0)
    assert seen == Seen(1, 3.0, 2.0)
    log.write_text(line(1, 3.0) + line(2, 2.5) + json.dumps({"train_loss": 1}) + "\n")
    seen.look(log, 3.0)
    seen.look(log, 4.0)
    assert seen == Seen(2, 2.5, 3.0)
    assert steps_of(log) == (2, 2.5)


def test_steps_after_the_checkpoint_that_went_live_are_in_vain(tmp_path: Path) -> None:
    log, seen = tmp_path / "logging.jsonl", Seen(steps=30, pace=3.0, last_step=90.0)
    log.write_text(line(10, 2.0) + line(20, 2.5) + line(30, 3.0))
    assert made_alone(seen, log, live=20) == (50.0, 10)
    assert made_alone(seen, log, live=30) == (90.0, 0)
    assert made_alone(seen, log, live=None) == (90.0, 0), "a run of which nothing went live has made all its steps"


@pytest.mark.parametrize(
    ("status", "weights", "step"),
    [
        (RunStatus.LIVE, "checkpoint-20", 20),
        (RunStatus.LIVE, "checkpoint-10", 10),
        (RunStatus.LIVE, "blend-0.85", None),
        (RunStatus.REJECTED, "checkpoint-20", None),
    ],
)
def test_the_live_step_is_that_of_the_checkpoint_with_the_adapters_weights(
    tmp_path: Path, status: RunStatus, weights: str, step: int | None
) -> None:
    base, output = make_base(tmp_path / "base"), tmp_path / "output"
    for number, name in enumerate(("checkpoint-10", "checkpoint-20", "blend-0.85"), 1):
        write_adapter_source(output / name, base, value=number / 4)
        (output / name / "trainer_state.json").write_text(json.dumps({"global_step": 10 * number}))
    made = Adapter(sha256=sha256((output / weights / WEIGHTS).read_bytes()).hexdigest())
    assert live_step(Run(status=status, base_model=str(tmp_path / "base")), made, output) == step
    assert live_step(Run(status=status), None, output) is None
