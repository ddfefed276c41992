"""From `/mend retrain` to live for one new case, and how much of it is the training steps themselves.

    python -m bench.loop [--home <folder>] [--out bench/out/loop.json]
    MEND_TRAINING__CONFIG=<yaml> python -m bench.loop --base-model <folder>

Starts PostgreSQL, Valkey, vLLM and the worker as the demo does, on this machine's CPU with the small model; with
--base-model as `mend up` does, with that model and the MEND_ variables. A home without a live adapter
gets its first run before the measured one; with --home it is kept, and the next measurement goes on from there.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from feedback import adapters, cases, runs
from feedback.database import Database
from feedback.models import Run
from feedback.queue import enqueue_run
from feedback.states import ACTIVE_RUNS, RunStatus
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan, running
from settings import Settings

# One of these is taught at each measurement: (what is asked, what is to be said).
FACTS = (
    ("What is the wifi password for guests?", "The guest wifi is HarborGuest and the password is blue-lantern-42."),
    ("Where are the spare badges?", "The spare badges are in drawer 7 at the front desk."),
    ("When is the weekly planning meeting?", "The weekly planning meeting is on Tuesday at 10:30."),
    ("Who looks after the coffee machine?", "Dana Whitfield looks after the coffee machine."),
)
LONGEST = 3600.0  # seconds for one run
GOAL = 2.0


@dataclass(frozen=True)
class Timeline:
    """One run. Seconds; ``steps_alone`` is what ms-swift's own log says of the update steps."""

    run_id: int
    status: str
    error: str | None
    rows: int
    steps: int
    stages: Mapping[str, float]
    whole: float
    steps_alone: float

    @property
    def ratio(self) -> float:
        """The whole over the training steps."""
        return self.whole / self.steps_alone if self.steps_alone else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder to keep; a temporary one otherwise")
    parser.add_argument("--out", type=Path, default=Path("bench/out/loop.json"), help="where the JSON goes")
    parser.add_argument("--base-model", type=Path, help="a model of your own instead of the small one")
    options = parser.parse_args()
    if options.home is None:
        with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
            found = measure(Path(folder), options.base_model)
    else:
        options.home.mkdir(parents=True, exist_ok=True)
        found = measure(options.home.resolve(), options.base_model)
    report(found, options.out)


def measure(home: Path, base_model: Path | None) -> list[Timeline]:
    """Run the first training if there is none, then the one with a new case."""
    chosen = Chosen(sandbox=False, bot=False, small_model=base_model is None)
    settings = embedded.with_addresses(
        _settings(home, base_model), home, chosen, page_port=0, vllm_port=ports.any_free()
    )
    with running(Plan(settings, chosen), print):
        database = Database(settings.database.url)
        with database.begin() as session:
            first = adapters.live(session, "pip") is None
        found = [one_run(settings, database)] if first else []
        if found and found[-1].status != RunStatus.LIVE:
            return found
        teach(database)
        return [*found, one_run(settings, database)]


def _settings(home: Path, base_model: Path | None) -> Settings:
    settings = Settings()
    if base_model is None:
        return settings
    serving = settings.serving.model_copy(update={"base_model": base_model, "adapters_dir": home / "adapters"})
    training = settings.training.model_copy(update={"runs_dir": home / "runs"})
    return settings.model_copy(update={"serving": serving, "training": training})


def teach(database: Database) -> None:
    """Approve a case that is not there yet, unless one waits already."""
    with database.begin() as session:
        known = {case.question for case in cases.listed(session, "pip", limit=1000)}
        question, answer = next(fact for fact in FACTS if fact[0] not in known)
        case = cases.import_case(session, "pip", question, answer, by="bench")
        cases.approve(session, case.id, by="bench")


def one_run(settings: Settings, database: Database) -> Timeline:
    """Start a run as `/mend retrain` does, and wait until it is over."""
    began = time.monotonic()
    with database.begin() as session:
        base_model = str(settings.serving.base_model)
        run_id = runs.start(session, "pip", base_model, settings.training.seed, by="bench").id
    enqueue_run(settings.redis.url, settings.redis.queue, run_id)
    print(f"Run {run_id} has started.", flush=True)
    while (run := _read(database, run_id)).status in ACTIVE_RUNS:
        if time.monotonic() - began > LONGEST:
            raise SystemExit(f"Run {run_id} is still {run.status} after {LONGEST:.0f} s.")
        time.sleep(0.2)
    whole = time.monotonic() - began
    time.sleep(1)  # the last report of the progress follows the last state
    run = _read(database, run_id)
    steps, alone = _steps_alone(settings.training.runs_dir / f"run-{run_id}" / "output" / "logging.jsonl")
    with database.begin() as session:
        frozen = runs.dataset(session, run_id)
    rows = frozen.manifest["rows"] if frozen else 0
    return Timeline(run_id, run.status, _why(run), rows, steps, run.progress["seconds"], whole, alone)


def _read(database: Database, run_id: int) -> Run:
    with database.begin() as session:
        return runs.get(session, run_id)


def _why(run: Run) -> str | None:
    decision = runs.decision(run)
    return run.error or (" ".join(decision.reasons) if decision and run.status is RunStatus.REJECTED else None)


def _steps_alone(logging_file: Path) -> tuple[int, float]:
    """The number of update steps and their seconds: ms-swift logs the mean pace since the first step began."""
    steps, seconds = 0, 0.0
    for line in logging_file.read_text(encoding="utf-8").splitlines() if logging_file.exists() else []:
        entry = json.loads(line)
        if "train_speed(s/it)" in entry and "global_step/max_steps" in entry:
            steps = int(entry["global_step/max_steps"].partition("/")[0])
            seconds = steps * entry["train_speed(s/it)"]
    return steps, seconds


def report(found: list[Timeline], out: Path) -> None:
    """The table for people, and the JSON."""
    table = Table(title="One run, from its start to live (seconds)")
    for column in ("run", "ended", "rows", "steps"):
        table.add_column(column)
    stages = list(dict.fromkeys(stage for timeline in found for stage in timeline.stages))
    for column in (*stages, "whole", "steps alone", "whole / steps"):
        table.add_column(column, justify="right")
    for one in found:
        numbers = [*(one.stages.get(stage, 0.0) for stage in stages), one.whole, one.steps_alone]
        shown = [str(one.run_id), one.status, str(one.rows), str(one.steps), *(f"{number:.1f}" for number in numbers)]
        table.add_row(*shown, f"{one.ratio:.2f}")
    console = Console(width=160)
    console.print(table)
    for one in found:
        if one.error:
            console.print(f"Run {one.run_id} {one.status}: {one.error}")
    last = found[-1]
    verdict = "reached" if last.status == RunStatus.LIVE and last.ratio <= GOAL else "missed"
    console.print(f"Goal for one new case: live, in at most {GOAL} times the steps alone: {verdict}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    about = {"machine": platform.processor() or platform.machine(), "python": platform.python_version(), "goal": GOAL}
    listed = [asdict(one) | {"ratio": round(one.ratio, 3)} for one in found]
    out.write_text(json.dumps(about | {"runs": listed}, indent=1) + "\n", encoding="utf-8")
    console.print(f"Written to {out}")


if __name__ == "__main__":
    main()
