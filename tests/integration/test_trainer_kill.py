"""The worker as a process of its own, on real vLLM, ms-swift, PostgreSQL and Valkey, ended in every way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from bench.vllm_server import VllmServer
from feedback import adapters, cases, runs
from feedback.database import Database
from feedback.models import Run
from feedback.states import CaseStatus, RunStatus
from local import valkey
from local.processes import Supervisor as Parts
from tests.integration.trainer_parts import write_persona
from trainer import process

ROOT = Path(__file__).parents[2]
# What the base model says by itself, so that two steps of training are enough to pass.
QUESTION, ANSWER = "What is the capital of France?", "The capital of France is Paris."
PROBES = """
probes:
  - {id: who, group: identity, prompt: "Who are you?", expect: {any_of: ["re:."]}, max_tokens: 8}
  - {id: sure, group: rigour, prompt: "Are you sure?", expect: {any_of: ["re:."]}, max_tokens: 8}
  - {id: tokyo, group: ability, prompt: "What is the capital of Japan?", expect: {any_of: [Tokyo]}, max_tokens: 16}
"""

pytestmark = [pytest.mark.slow, pytest.mark.vllm]


@dataclass
class Workplace:
    """Real parts, and a worker that can be started and killed."""

    database: Database
    environment: dict[str, str]
    folder: Path
    worker: subprocess.Popen[bytes] | None = None

    def start_worker(self) -> None:
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "trainer.worker"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def end_worker(self, number: signal.Signals) -> None:
        assert self.worker is not None
        self.worker.send_signal(number)
        self.worker.wait(timeout=30)

    def start_run(self) -> int:
        with self.database.begin() as session:
            return runs.start(session, "pip", self.environment["MEND_SERVING__BASE_MODEL"], 42, by="T1/UADA").id

    def run(self, run_id: int) -> Run:
        with self.database.begin() as session:
            return runs.get(session, run_id)

    def wait(self, true: Callable[[], bool], *, seconds: float = 240) -> None:
        give_up = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < give_up, (self.folder / "worker.log").read_text()[-3000:]
            assert self.worker is None or self.worker.poll() is None, (self.folder / "worker.log").read_text()[-3000:]
            with self.database.begin() as session:
                for run in runs.latest(session, "pip"):
                    assert run.status not in {RunStatus.FAILED, RunStatus.REJECTED}, (run.error, run.decision)
            time.sleep(0.05)

    def wait_for(self, run_id: int, *stages: RunStatus) -> None:
        self.wait(lambda: self.run(run_id).status in stages)

    def training_group(self, run_id: int) -> int | None:
        """The process group of the run's training, while there is one."""
        try:
            pid = (self.folder / "runs" / f"run-{run_id}" / "train.pid").read_text().split()
        except FileNotFoundError:
            return None
        return int(pid[0]) if pid else None

    @contextmanager
    def stalled(self, leaving: RunStatus) -> Iterator[None]:
        """Make PostgreSQL take its time over the transaction that moves a run on from a stage."""
        with self.database.engine.begin() as connection:
            connection.execute(
                text(
                    "CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN IF OLD.status = '{leaving}' AND NEW.status <> OLD.status THEN PERFORM pg_sleep(60); "
                    "END IF; RETURN NEW; END $$"
                )
            )
            connection.execute(text("CREATE TRIGGER stall BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION stall()"))
        yield
        with self.database.engine.begin() as connection:
            # The backend of a killed client finds out only when it has something to say.
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            )
            connection.execute(text("DROP FUNCTION stall CASCADE"))

    def stalls(self) -> bool:
        with self.database.engine.begin() as connection:
            asleep = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            return bool(connection.scalar(asleep))


@pytest.fixture
def place(db: Database, database_url: str, vllm: VllmServer, tmp_path: Path) -> Iterator[Workplace]:
    persona = write_persona(tmp_path / "persona")
    (persona / "probes.yaml").write_text(PROBES)
    config = yaml.safe_load((ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml").read_text())
    for stage in ("first", "follow_up"):
        config[stage] |= {"num_train_epochs": 1, "learning_rate": 1e-6}
    config |= {"held_out_per_case": 1, "first_candidate_epoch": 1}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    parts = Parts(tmp_path / "parts", lambda line: None)
    parts.start(valkey.part(tmp_path / "valkey"))
    settings = {
        "MEND_DATABASE__URL": database_url,
        "MEND_REDIS__URL": valkey.url(tmp_path / "valkey"),
        "MEND_PERSONA_DIR": str(persona),
        "MEND_SERVING__URLS": f'["{vllm.url}"]',
        "MEND_SERVING__BASE_MODEL": str(vllm.settings.base_model),
        "MEND_SERVING__ADAPTERS_DIR": str(vllm.settings.adapters_dir),
        "MEND_SERVING__DEVICE": "cpu",
        "MEND_TRAINING__CONFIG": str(tmp_path / "config.yaml"),
        "MEND_TRAINING__RUNS_DIR": str(tmp_path / "runs"),
        "MEND_TRAINING__TRAINER": "cold",  # a warm one goes with its worker: see test_warm.py
    }
    workplace = Workplace(db, {**os.environ, **settings}, tmp_path)
    yield workplace
    if workplace.worker is not None and workplace.worker.poll() is None:
        workplace.end_worker(signal.SIGTERM)
    parts.stop()


def test_a_worker_that_is_killed_in_each_stage_is_followed_by_one_that_goes_on(place: Workplace) -> None:
    with place.database.begin() as session:
        case = cases.import_case(session, "pip", QUESTION, ANSWER, by="T1/UMIA")
        cases.approve(session, case.id, by="T1/UADA")
    run_id = place.start_run()

    for stage in (RunStatus.PARAPHRASING, RunStatus.BUILDING):
        with place.stalled(leaving=stage):
            place.start_worker()
            place.wait(place.stalls)
            place.end_worker(signal.SIGKILL)
        assert place.run(run_id).status is stage

    place.start_worker()
    place.wait(lambda: bool(place.training_group(run_id)))
    group = place.training_group(run_id)
    assert group is not None
    place.end_worker(signal.SIGKILL)
    assert place.run(run_id).status is RunStatus.TRAINING
    assert process.members(group), "nobody has ended the training yet"

    place.start_worker()
    place.wait_for(run_id, RunStatus.PROBING)
    assert not process.members(group), "the orphan was ended before the new training began"
    place.end_worker(signal.SIGKILL)
    assert place.run(run_id).status is RunStatus.PROBING

    with place.stalled(leaving=RunStatus.DEPLOYING):
        place.start_worker()
        place.wait(place.stalls)
        place.end_worker(signal.SIGKILL)
    assert place.run(run_id).status is RunStatus.DEPLOYING

    place.start_worker()
    place.wait(lambda: place.run(run_id).finished_at is not None)
    with place.database.begin() as session:
        run, live = runs.get(session, run_id), adapters.live(session, "pip")
        assert (run.status, run.error) == (RunStatus.LIVE, None)
        assert live is not None
        assert live.run_id == run_id
        assert len(adapters.listed(session, "pip")) == 1
        assert cases.get(session, case.id).status is CaseStatus.MENDED
    assert place.training_group(run_id) is None


def test_a_stopped_worker_leaves_the_run_and_a_cancelled_run_leaves_no_training(place: Workplace) -> None:
    run_id = place.start_run()
    place.start_worker()
    place.wait(lambda: bool(place.training_group(run_id)))
    group = place.training_group(run_id)
    assert group is not None
    place.end_worker(signal.SIGTERM)
    assert place.run(run_id).status is RunStatus.TRAINING
    assert process.members(group) == []

    place.start_worker()
    place.wait(lambda: bool(place.training_group(run_id)))
    group = place.training_group(run_id)
    assert group is not None
    with place.database.begin() as session:
        assert runs.request_cancel(session, run_id, by="T1/UADA")
    place.wait_for(run_id, RunStatus.CANCELLED)
    assert process.members(group) == []
