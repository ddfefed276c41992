"""How far a run is, written to the record for the progress message: at most once a second.

Beside the seconds of each stage there are marks, in seconds since 1970, each of the first time that it happened:

    begun             a worker has taken the run
    trainer_ready     the warm trainer had its base model (missing when the run trains cold)
    training_begun    the rows were written, and the training was told to begin
    first_step        the first step was seen to be done
    last_step         the last one
    trained           the adapter was there and checked, and the training process over or waiting
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from feedback import runs
from feedback.database import Database, DatabaseUnavailable
from feedback.models import Json
from feedback.runs import Progress
from feedback.states import RunStatus
from trainer.training_log import Step

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two writes
CURVE_POINTS = 60  # of the loss curve


class Reporter:
    """The progress of one run. Losing a report loses nothing: what counts is written by the stages themselves."""

    def __init__(self, database: Database, run_id: int, before: Json) -> None:
        """`before` is the run's progress as another worker has left it; its curve and times are gone on with."""
        self._database, self._run_id = database, run_id
        self._seconds: dict[str, float] = dict(before.get("seconds") or {})
        self._losses = tuple((int(step), float(loss)) for step, loss in before.get("losses") or ())
        self._marks: dict[str, float] = dict(before.get("marks") or {})
        self._trainer = str(before.get("trainer") or "")
        self._progress: Progress | None = None
        self._began = self._written = 0.0
        self.mark("begun")

    def enter(self, stage: str) -> None:
        """A stage begins; the one before is finished."""
        now = time.monotonic()
        if self._progress is not None and self._progress.stage != RunStatus.QUEUED:
            spent = self._seconds.get(self._progress.stage, 0.0) + now - self._began
            self._seconds[self._progress.stage] = round(spent, 2)
        self._began = now
        curve = self._progress.losses if self._progress else self._losses
        self._write(Progress(stage=stage, losses=curve, seconds=dict(self._seconds)))

    def mark(self, name: str, at: float | None = None) -> None:
        """Something has happened, now unless it is said when; written with the next report."""
        self._marks.setdefault(name, round(time.time() if at is None else at, 2))

    def trains(self, how: str) -> None:
        """How the run trains; written with the next report."""
        self._trainer = how

    def tell(self, step: int, steps: int, detail: str = "") -> None:
        """So many of so many are done."""
        if self._progress is None:
            return
        self._maybe_write(
            replace(self._progress, step=step, steps=steps, detail=detail, eta_seconds=self._eta(step, steps))
        )

    def mention(self, detail: str) -> None:
        """Something worth knowing has happened in this stage, or before the first one."""
        waiting = Progress(stage=RunStatus.QUEUED, losses=self._losses, seconds=dict(self._seconds))
        self._write(replace(self._progress or waiting, detail=detail))

    def begin_again(self) -> None:
        """What has passed of this stage was waiting, and says nothing of how long it takes."""
        if self._progress is not None:
            self._began = time.monotonic()
            self._write(replace(self._progress, detail="", eta_seconds=None))

    def training(self, steps: Sequence[Step]) -> None:
        """The training steps so far."""
        if self._progress is None or not steps:
            return
        last = steps[-1]
        self.mark("first_step")
        if last.step == last.steps:
            self.mark("last_step")
        every = -(-len(steps) // CURVE_POINTS)
        curve = tuple((one.step, one.loss) for one in (*steps[:-1:every], last))
        self._maybe_write(
            replace(
                self._progress, step=last.step, steps=last.steps, loss=last.loss, eta_seconds=last.eta, losses=curve
            )
        )

    def _eta(self, step: int, steps: int) -> float | None:
        return (time.monotonic() - self._began) / step * (steps - step) if step else None

    def _maybe_write(self, progress: Progress) -> None:
        last_of_stage = progress.step == progress.steps
        if last_of_stage or time.monotonic() - self._written >= PAUSE:
            self._write(progress)

    def _write(self, progress: Progress) -> None:
        progress = replace(progress, marks=dict(self._marks), trainer=self._trainer)
        self._progress, self._written = progress, time.monotonic()
        try:
            with self._database.begin() as session:
                runs.report_progress(session, self._run_id, progress)
        except DatabaseUnavailable:
            log.warning(
                "PostgreSQL is away; the progress of run %s is not shown meanwhile.",
                self._run_id,
                extra={"action": "progress_lost", "run_id": self._run_id},
            )
