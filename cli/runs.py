"""`mend retrain` and `mend runs`."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.here import Here, actor, here
from cli.user_error import UserError
from feedback import queue
from feedback import runs as record
from feedback.models import Run
from feedback.runs import Progress
from feedback.states import ACTIVE_RUNS, RunStatus

LOOK_SECONDS = 1.0


def retrain(
    wait: Annotated[bool, typer.Option("--wait", help="Show the run's progress and wait for its end.")] = False,
) -> None:
    """Start a training run over the approved cases, at most 50. The first run needs none: it teaches the identity."""
    mend = here()
    settings = mend.settings
    with mend.record() as session:
        base = str(settings.serving.base_model)
        channel = settings.slack.record_channel  # the bot shows it there
        run = record.start(session, mend.persona.slug, base, settings.training.seed, by=actor(), channel=channel)
    try:
        queue.enqueue_run(settings.redis.url, settings.redis.queue, run.id)
        print(f"Run {run.id} is queued.")
    except queue.QueueUnavailable as error:
        print(f"Run {run.id} is recorded. {error} The worker finds it when it is back.")
    if wait and (end := _follow(mend, run.id)).status not in {RunStatus.LIVE, RunStatus.CANARY}:
        raise RunNotLive(end)


class RunNotLive(UserError):
    """A run that was waited for did not go live."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"Run {run.id} is {run.status}. {why(run)}".rstrip())


def why(run: Run) -> str:
    """Why a run ended as it did, in words."""
    decision = record.decision(run)
    return run.error or (" ".join(decision.reasons) if decision else "")


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 10,
) -> None:
    """List training runs, newest first."""
    mend = here()
    with mend.record() as session:
        rows = record.latest(session, mend.persona.slug, limit=limit)
    table = Table("run", "state", "started", "by", "progress", "why", box=None, pad_edge=False)
    for run in rows:
        table.add_row(
            str(run.id),
            run.status,
            f"{run.created_at:%Y-%m-%d %H:%M}",
            Text(run.requested_by),
            Text(shown(run)) if run.status in ACTIVE_RUNS else "",
            Text(why(run)),
        )
    Console().print(table if rows else "No run yet. Start one with: mend retrain")


def shown(run: Run) -> str:
    """How far a run is, in a few words."""
    progress = Progress(**run.progress)
    parts = [progress.detail or progress.stage]
    if progress.steps:
        parts.append(f"step {progress.step} of {progress.steps}")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.eta_seconds is not None:
        parts.append(f"about {progress.eta_seconds:.0f} s left")
    return ", ".join(parts)


def _follow(mend: Here, run_id: int) -> Run:
    said = ""
    while True:
        with mend.record() as session:
            run = record.get(session, run_id)
        line = f"{run.status}: {shown(run)}" if run.status in ACTIVE_RUNS else f"{run.status}. {why(run)}".rstrip()
        if line != said:
            print(line, flush=True)
            said = line
        if run.status not in ACTIVE_RUNS or run.status is RunStatus.CANARY:  # people's votes take days
            return run
        time.sleep(LOOK_SECONDS)
