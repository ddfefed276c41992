"""Where the time of one run goes, put together from what the record, ms-swift's log and the checkpoints' files say.

Stages overlap: probes are asked while the training goes on. So every stage is a list of spans, and what no span covers
is shown as such. Moments are seconds of the machine's clock, which PostgreSQL has too.
"""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from feedback import adapters, cases, runs
from feedback.database import Database
from feedback.models import Adapter, Event, Report, Run
from feedback.states import ACTIVE_RUNS, RunStatus
from serving.base import BaseModel
from trainer import checkpoint

LOOK = 0.1  # seconds between two looks at a run
STAGES = ("queue", "paraphrase", "build", "trainer start", "steps", "save", "load", "probes", "standing probes", "swap")
Span = tuple[float, float]


@dataclass
class Seen:
    """What was seen of ms-swift's log while it was written: it has no timestamps of its own."""

    steps: int = 0
    pace: float = 0.0
    """Seconds a step, by ms-swift's own account, over all steps so far."""
    last_step: float | None = None
    """When the last line was there."""

    def look(self, logging_file: Path, now: float) -> None:
        """Take in what is new."""
        steps, pace = steps_of(logging_file)
        if steps > self.steps:
            self.steps, self.pace, self.last_step = steps, pace, now


@dataclass(frozen=True)
class Moments:
    """The raw moments of one run. ``moves`` are its states as they were entered; ``candidates`` when each was recorded;
    ``reports`` when the probes of each were asked, and whether it was a candidate that was asked."""

    began: float
    ended: float
    moves: Mapping[str, float]
    seen: Seen
    saved: Sequence[float] = ()
    candidates: Mapping[int, float] = field(default_factory=dict)
    reports: Sequence[tuple[int | None, float, float]] = ()


@dataclass(frozen=True)
class Timeline:
    """One run. ``spans`` by stage, in seconds since its start; ``steps_alone`` by what ms-swift's own log says, of the
    steps up to the checkpoint that went live, or of all steps where none did.

    Where one that was refused was tried again, it is the last attempt, with the seconds and steps of all.
    """

    run_id: int
    trainer: str
    status: str
    error: str | None
    rows: int
    steps: int
    steps_alone: float
    whole: float
    spans: Mapping[str, Sequence[Span]]
    attempts: int = 1
    new_cases: int = 0
    in_vain: int | None = None
    """Of the steps, those made after that checkpoint; None: nothing went live."""

    @property
    def ratio(self) -> float:
        """The whole over the training steps."""
        return self.whole / self.steps_alone if self.steps_alone else float("inf")


def steps_of(logging_file: Path, until: float = math.inf) -> tuple[int, float]:
    """How many steps ms-swift has logged, up to one of them, and its mean seconds a step since the first one began."""
    steps, pace = 0, 0.0
    text = logging_file.read_text(encoding="utf-8") if logging_file.exists() else ""
    for line in text.rpartition("\n")[0].splitlines():
        entry = json.loads(line)
        if "train_speed(s/it)" in entry and "global_step/max_steps" in entry:
            step = int(entry["global_step/max_steps"].partition("/")[0])
            if step <= until:
                steps, pace = step, float(entry["train_speed(s/it)"])
    return steps, pace


def live_step(run: Run, made: Adapter | None, output: Path) -> int | None:
    """The step at which the checkpoint was saved that the run went live with.

    None: it did not go live, or with a part of the way to its last checkpoint (trainer/blending.py), for which all
    steps were made.
    """
    if run.status is not RunStatus.LIVE or made is None:
        return None
    saved = checkpoint.of_weights(output, made.sha256, BaseModel.read(run.base_model))
    return checkpoint.saved_step(saved) if saved else None


def made_alone(seen: Seen, logging_file: Path, live: int | None) -> tuple[float, int]:
    """The seconds of the steps up to the one that went live, and how many were made after it; without one, of all."""
    steps, pace = (seen.steps, seen.pace) if live is None else steps_of(logging_file, live)
    return steps * pace, seen.steps - steps


def follow(database: Database, run_id: int, output: Path, trainer: str, longest: float) -> Timeline:
    """Watch a run that has just been started until it is over."""
    seen, until = Seen(), time.time() + longest
    while _read(database, run_id).status in ACTIVE_RUNS:
        if time.time() > until:
            raise TimeoutError(f"Run {run_id} is still {_read(database, run_id).status} after {longest:.0f} s.")
        seen.look(output / "logging.jsonl", time.time())
        time.sleep(LOOK)
    seen.look(output / "logging.jsonl", time.time())
    moments = moments_of(database, run_id, output, seen)
    with database.begin() as session:
        run, frozen, made = runs.get(session, run_id), runs.dataset(session, run_id), adapters.of_run(session, run_id)
        new_cases = len(cases.of_run(session, run_id))
    alone, in_vain = made_alone(seen, output / "logging.jsonl", live_step(run, made, output))
    return Timeline(
        run_id=run_id,
        trainer=trainer,
        status=run.status,
        error=_why(run),
        rows=frozen.manifest["rows"] if frozen else 0,
        steps=seen.steps,
        steps_alone=alone,
        whole=moments.ended - moments.began,
        spans=spans(moments),
        new_cases=new_cases,
        in_vain=in_vain if run.status is RunStatus.LIVE else None,
    )


def moments_of(database: Database, run_id: int, output: Path, seen: Seen) -> Moments:
    """What the record says of a run that is over, and the times of its checkpoints' files."""
    with database.begin() as session:
        moved = select(Event).where(Event.subject == "runs", Event.subject_id == run_id).order_by(Event.id)
        moves = {str(event.after): event.created_at.timestamp() for event in session.scalars(moved)}
        made = select(Adapter).where(Adapter.run_id == run_id).order_by(Adapter.id)
        candidates = {one.id: one.created_at.timestamp() for one in session.scalars(made)}
        asked = select(Report).where(Report.run_id == run_id).order_by(Report.id)
        ends = [(one.adapter_id, one.created_at.timestamp(), one.seconds) for one in session.scalars(asked)]
    saved = sorted(path.stat().st_mtime for path in output.glob("checkpoint-*/trainer_state.json"))
    reports = [(adapter, end - seconds, end) for adapter, end, seconds in ends]
    return Moments(min(moves.values()), max(moves.values()), moves, seen, saved, candidates, reports)


def spans(moments: Moments) -> dict[str, list[Span]]:
    """Every stage's spans, since the run's start."""
    found: dict[str, list[Span]] = {name: [] for name in STAGES}
    found["queue"].append(_between(moments, RunStatus.QUEUED, RunStatus.PARAPHRASING))
    found["paraphrase"].append(_between(moments, RunStatus.PARAPHRASING, RunStatus.BUILDING))
    found["build"].append(_between(moments, RunStatus.BUILDING, RunStatus.TRAINING))
    training, last = moments.moves.get(RunStatus.TRAINING), moments.seen.last_step
    if training is not None and last is not None:
        first = last - moments.seen.steps * moments.seen.pace
        found["trainer start"].append((training, first))
        found["steps"].append((first, last))
        if moments.saved:
            found["save"].append((last, moments.saved[-1]))
    for adapter, recorded in moments.candidates.items():
        published = max((at for at in moments.saved if at <= recorded), default=recorded)
        asked = [begin for which, begin, _ in moments.reports if which == adapter and begin >= recorded]
        if asked:
            found["load"].append((published, min(asked)))
    for which, begin, end in moments.reports:
        found["probes" if which in moments.candidates else "standing probes"].append((begin, end))
    found["swap"].append(_between(moments, RunStatus.DEPLOYING, RunStatus.LIVE))
    return {
        name: [(round(begin - moments.began, 2), round(end - moments.began, 2)) for begin, end in each if end > begin]
        for name, each in found.items()
    }


def covered(each: Iterable[Span]) -> float:
    """How long at least one of the spans lasts."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(each):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _between(moments: Moments, before: str, after: str) -> Span:
    begin = moments.moves.get(before, 0.0)
    return begin, moments.moves.get(after, begin)


def _read(database: Database, run_id: int) -> Run:
    with database.begin() as session:
        return runs.get(session, run_id)


def _why(run: Run) -> str | None:
    decision = runs.decision(run)
    return run.error or (" ".join(decision.reasons) if decision and run.status is RunStatus.REJECTED else None)
