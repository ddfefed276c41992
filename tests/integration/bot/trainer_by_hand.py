"""What the trainer writes into the record and the adapters' folder, done by a test, one stage at a time."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from feedback import adapters, cases, datasets, experiments, reports, runs
from feedback.adapters import Saved
from feedback.database import Database
from feedback.experiments import Rules
from feedback.models import Adapter, Run
from feedback.reports import Result
from feedback.runs import Check, Decision, Progress
from feedback.states import CaseStatus, RunStatus
from serving.adapter_files import adapter_name, write_adapter
from serving.base import BaseModel
from settings import Settings
from trainer import canary
from trainer.context import Context

STAGES = ("paraphrasing", "building", "training", "probing", "deploying")
BASE = BaseModel("/models/base", "fingerprint", {})


P, T = ParamSpec("P"), TypeVar("T")


@dataclass(frozen=True)
class Hand:
    db: Database
    adapters_dir: Path

    def start(self, by: str = "T0SANDBOX1/U0ADA00001", channel: str | None = None) -> Run:
        """A run over every approved case, without anybody's command."""
        with self.db.begin() as session:
            return runs.start(session, "pip", BASE.path, 42, by=by, channel=channel)

    def approve_all(self) -> None:
        with self.db.begin() as session:
            for case in cases.listed(session, "pip", [CaseStatus.CORRECTED]):
                cases.approve(session, case.id, by="T0SANDBOX1/U0ADA00001")

    def active(self) -> Run:
        with self.db.begin() as session:
            run = runs.active(session, "pip")
            assert run is not None
            return run

    def move(self, stage: str) -> None:
        run = self.active()
        with self.db.begin() as session:
            runs.advance(session, run.id, RunStatus(stage))

    def move_to(self, stage: str) -> None:
        for step in STAGES[: STAGES.index(stage) + 1]:
            self.move(step)

    def report(self, progress: Progress) -> None:
        run = self.active()
        with self.db.begin() as session:
            runs.report_progress(session, run.id, progress)

    def save(self, version: int) -> Adapter:
        """Publish a candidate for the run that is under way."""
        run = self.active()
        weights = f"weights of version {version}".encode()
        name = adapter_name("pip", version, hashlib.sha256(weights).hexdigest())
        config = {"r": 8, "lora_alpha": 32}
        record = write_adapter(self.adapters_dir, name, version, weights, config, BASE)
        saved = Saved(name, version, record.sha256, 8, BASE.path, BASE.fingerprint)
        with self.db.begin() as session:
            return adapters.add(session, "pip", run.id, run.parent_id, saved)

    def probe(self, adapter: Adapter, *, passed: bool = True) -> None:
        run = self.active()
        results = [Result("identity-1", "identity", "Who are you?", "I am Pip.", passed, "names itself")]
        with self.db.begin() as session:
            for case in cases.of_run(session, run.id):
                for name, prompt in (("held-1", f"In other words: {case.question}"), ("original", case.question)):
                    said = f"Now I say: {case.correction}" if name == "original" else "something"
                    results.append(Result(f"case-{case.id}-{name}", "new", prompt, said, True, "", case.id))
        with self.db.begin() as session:
            reports.add(session, run.id, adapter.id, results, 1.0)

    def accept(self, version: int, unmended: dict[int, str] | None = None) -> Adapter:
        """The gate says yes to the run that is under way."""
        run = self.active()
        self.move_to("probing")
        adapter = self.save(version)
        self.probe(adapter)
        with self.db.begin() as session:
            checks = (Check("identity", True, "1 of 1 identity probes passed"),)
            runs.decide(session, run.id, Decision(True, checks, unmended or {}))
        self.move("deploying")
        return adapter

    def go_canary(self, version: int, rules: Rules) -> Adapter:
        """The way of the run that is under way, from queued to the canary."""
        run, adapter = self.active(), self.accept(version)
        with self.db.begin() as session:
            live = adapters.live(session, "pip")
            assert live is not None
            canary = session.get_one(Adapter, adapter.id)
            experiments.start(session, runs.get(session, run.id), canary, live, rules, why="gate")
        return adapter

    def look(self, settings: Settings) -> None:
        """The worker looks at what people have voted."""
        canary.round(Context(settings, self.db))

    def go_live(self, version: int, unmended: dict[int, str] | None = None) -> Adapter:
        """The whole way of the run that is under way, from queued to live."""
        run = self.active()
        adapter = self.accept(version, unmended)
        with self.db.begin() as session:
            adapters.promote(session, session.get_one(Adapter, adapter.id), by="worker", why=f"run {run.id}")
            runs.settle_live(session, run.id, adapter.id, unmended or {})
            runs.close(session, run.id, RunStatus.LIVE, why=f"{adapter.name} is live")
        return adapter

    def settle(self, adapter: Adapter, check: Check) -> None:
        """The run under way has passed the gate with this check, and its adapter goes live."""
        run = self.active()
        with self.db.begin() as session:
            runs.decide(session, run.id, Decision(True, (check,)))
            adapters.promote(session, session.get_one(Adapter, adapter.id), by="worker", why=f"run {run.id}")
            runs.settle_live(session, run.id, adapter.id, {})
            runs.advance(session, run.id, RunStatus.LIVE)

    def freeze(self, config: dict[str, Any], sources: dict[str, int]) -> None:
        """What the worker writes into the record of a run."""
        run = self.active()
        with self.db.begin() as session:
            runs.set_config(session, run.id, config)
            datasets.freeze(session, run.id, [], "0" * 64, {"sources": sources})

    def fail(self, error: str) -> None:
        run = self.active()
        with self.db.begin() as session:
            runs.close(session, run.id, RunStatus.FAILED, error=error)

    def turn_down(self, version: int, why: str) -> Adapter:
        """The gate says no to the run that is under way."""
        run = self.active()
        self.move_to("probing")
        adapter = self.save(version)
        self.probe(adapter, passed=False)
        with self.db.begin() as session:
            runs.decide(session, run.id, Decision(False, (Check("identity", False, why),), {}))
            runs.close(session, run.id, RunStatus.REJECTED, why=why)
        return adapter

    def cancelled(self) -> None:
        run = self.active()
        with self.db.begin() as session:
            runs.close(session, run.id, RunStatus.CANCELLED)

    def case_ids(self) -> list[int]:
        with self.db.begin() as session:
            return [case.id for case in cases.listed(session, "pip")]


def _off_the_loop(do: Callable[Concatenate[Hand, P], T]) -> Callable[Concatenate["TrainerByHand", P], Awaitable[T]]:
    async def later(self: "TrainerByHand", *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(do, self.hand, *args, **kwargs)

    return later


class TrainerByHand:
    """A hand that works in a thread: on the event loop it would wait for rows that the bot, on the same loop, has
    locked and so could never let go."""

    def __init__(self, db: Database, adapters_dir: Path) -> None:
        self.hand = Hand(db, adapters_dir)

    start = _off_the_loop(Hand.start)
    approve_all = _off_the_loop(Hand.approve_all)
    active = _off_the_loop(Hand.active)
    move = _off_the_loop(Hand.move)
    move_to = _off_the_loop(Hand.move_to)
    report = _off_the_loop(Hand.report)
    save = _off_the_loop(Hand.save)
    probe = _off_the_loop(Hand.probe)
    go_canary = _off_the_loop(Hand.go_canary)
    look = _off_the_loop(Hand.look)
    go_live = _off_the_loop(Hand.go_live)
    settle = _off_the_loop(Hand.settle)
    freeze = _off_the_loop(Hand.freeze)
    fail = _off_the_loop(Hand.fail)
    turn_down = _off_the_loop(Hand.turn_down)
    cancelled = _off_the_loop(Hand.cancelled)
    case_ids = _off_the_loop(Hand.case_ids)
