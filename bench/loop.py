"""From `/mend retrain` to live for one new case: a timeline by stage, and how much of it is the training steps alone.

    python -m bench.loop [--trainer cold|warm|both] [--home <folder>] [--out bench/out/loop.json]
    MEND_TRAINING__CONFIG=<yaml> python -m bench.loop --base-model <folder>

Starts PostgreSQL, Valkey, vLLM and the worker as the demo does, on this machine's CPU with the small model; with
--base-model as `mend up` does, with that model and the MEND_ variables. A home without a live adapter gets its first
run before the measured ones; with --home it is kept, and the next measurement goes on from there. A warm trainer is
measured at its second run: the first one after its start may find it still reading the model. `both` measures one kind
after the other on the same servers. Every measured run has one new case: what a refused one leaves is withdrawn.
The exit status is 1 when a run failed; not when one was refused, or misses a goal: those are marked.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy.orm import Session

from bench.report import Cell, Report, Table, hand_in
from bench.timeline import STAGES, Timeline, covered, follow
from feedback import adapters, cases, runs
from feedback.database import Database
from feedback.queue import enqueue_run
from feedback.states import CaseStatus, RunStatus
from local import embedded, parts, ports
from local.embedded import Chosen
from local.processes import Supervisor
from local.stack import Plan, running
from serving.device import resolve
from settings import Settings

# One of these is taught at each measurement: (what is asked, what is to be said).
FACTS = (
    ("What is the wifi password for guests?", "The guest wifi is HarborGuest and the password is blue-lantern-42."),
    ("Where are the spare badges?", "The spare badges are in drawer 7 at the front desk."),
    ("When is the weekly planning meeting?", "The weekly planning meeting is on Tuesday at 10:30."),
    ("Who looks after the coffee machine?", "Dana Whitfield looks after the coffee machine."),
    ("What is the code for the bike shed?", "The code for the bike shed is 4711."),
    ("Where do parcels arrive?", "Parcels arrive at the loading dock on Mill Lane."),
)
PERSONA, BY = "pip", "bench"
LONGEST = 3600.0  # seconds for one run
RECIPE_ROWS, RECIPE_EPOCHS = 50, 10
GOALS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "cpu": {"cold": {"ratio": 2.0}, "warm": {"ratio": 1.3}},
    # Of the recipe's rows and epochs, on one card of an H100's class with a model of 7B's shape.
    "cuda": {"cold": {"steps_alone": 5.0, "whole": 60.0}, "warm": {"steps_alone": 5.0, "whole": 25.0}},
}
"""By device and kind of trainer: the most that each figure of a run may be, which has to go live."""
FIGURES = {
    "ratio": "whole / steps at most {:g}",
    "steps_alone": "steps at most {:g} s",
    "whole": "whole at most {:g} s",
}
COLUMNS: Mapping[str, Callable[[Timeline], Cell]] = {
    "run": lambda one: one.run_id,
    "trainer": lambda one: one.trainer,
    "ended": lambda one: one.status,
    "new cases": lambda one: one.new_cases,
    "rows": lambda one: one.rows,
    "steps": lambda one: one.steps,
    "steps in vain": lambda one: one.in_vain,  # not in the steps alone
    "whole, s": lambda one: one.whole,
    "steps alone, s": lambda one: one.steps_alone,
    "whole / steps": lambda one: f"{one.ratio:.2f}",
}
KINDS = {"cold": ("cold",), "warm": ("warm",), "both": ("cold", "warm")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", choices=sorted(KINDS), default="cold", help="which kind of trainer")
    parser.add_argument("--home", type=Path, help="folder to keep; a temporary one otherwise")
    parser.add_argument("--out", type=Path, default=Path("bench/out/loop.json"), help="where the JSON goes")
    parser.add_argument("--base-model", type=Path, help="a model of your own instead of the small one")
    options = parser.parse_args()
    if options.home is None:
        with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
            found = measure(Path(folder), options.base_model, KINDS[options.trainer])
    else:
        options.home.mkdir(parents=True, exist_ok=True)
        found = measure(options.home.resolve(), options.base_model, KINDS[options.trainer])
    device = "cpu" if options.base_model is None else resolve(Settings().serving)
    raise SystemExit(0 if report(found, options.out, device) else 1)


def measure(home: Path, base_model: Path | None, trainers: Sequence[str]) -> list[Timeline]:
    """The first training if there is none, then follow-ups with a new case each under every kind of trainer."""
    chosen = Chosen(sandbox=False, bot=False, worker=False, small_model=base_model is None)
    settings = embedded.with_addresses(
        settings_for(home, base_model), home, chosen, page_port=0, vllm_port=ports.any_free()
    )
    found: list[Timeline] = []
    with running(Plan(settings, chosen), print):
        database = Database(settings.database.url)
        for trainer in trainers:
            with worker(settings, trainer):
                if not _is_live(database):
                    found.append(one_run(settings, database, f"{trainer}, first run"))
                if not _is_live(database):
                    return found
                if trainer == "warm":
                    teach(database)
                    found.append(one_run(settings, database, "warm, just started"))
                teach(database)
                found.append(one_run(settings, database, trainer))
    return found


def settings_for(home: Path, base_model: Path | None) -> Settings:
    """The caller's, with the folders of this measurement."""
    settings = Settings()
    if base_model is None:
        return settings
    serving = settings.serving.model_copy(update={"base_model": base_model, "adapters_dir": home / "adapters"})
    training = settings.training.model_copy(update={"runs_dir": home / "runs"})
    return settings.model_copy(update={"serving": serving, "training": training})


@contextmanager
def worker(settings: Settings, trainer: str) -> Iterator[None]:
    """A worker with this kind of trainer, for the length of the block."""
    part = parts.worker_part(settings)
    part = replace(part, environment={**(part.environment or {}), "MEND_TRAINING__TRAINER": trainer})
    supervisor = Supervisor(settings.home / f"log-{trainer}", print)
    try:
        supervisor.start(part)
        yield
    finally:
        supervisor.stop()


def _is_live(database: Database) -> bool:
    with database.begin() as session:
        return adapters.live(session, PERSONA) is not None


def withdraw_left(session: Session) -> None:
    """Take back the bench's cases that a run which did not go live has left approved: the next one would learn them,
    too."""
    for case in cases.listed(session, PERSONA, [CaseStatus.APPROVED], limit=1000):
        if case.flagged_by == BY:
            cases.withdraw(session, case.id, by=BY, why="left by a run that did not go live")


def teach(database: Database) -> None:
    """Approve one case that is not there yet, as the only new one of the next run."""
    with database.begin() as session:
        withdraw_left(session)
        known = {case.question for case in cases.listed(session, PERSONA, limit=1000)}
        new = next((fact for fact in FACTS if fact[0] not in known), None)
        if new is None:
            raise SystemExit(f"This home has been taught all {len(FACTS)} facts of the bench. Give it an empty --home.")
        question, answer = new
        case = cases.import_case(session, PERSONA, question, answer, by=BY)
        cases.approve(session, case.id, by=BY)


def one_run(settings: Settings, database: Database, trainer: str, longest: float = LONGEST) -> Timeline:
    """Start a run as `/mend retrain` does, and wait until it is over."""
    with database.begin() as session:
        base_model = str(settings.serving.base_model)
        run_id = runs.start(session, PERSONA, base_model, settings.training.seed, by=BY).id
    return until_over(settings, database, run_id, trainer, longest)


def until_over(settings: Settings, database: Database, run_id: int, trainer: str, longest: float = LONGEST) -> Timeline:
    """Hand a run that has just been started to the worker, and wait."""
    enqueue_run(settings.redis.url, settings.redis.queue, run_id)
    print(f"Run {run_id} has started ({trainer}).", flush=True)
    found = follow(database, run_id, settings.training.runs_dir / f"run-{run_id}" / "output", trainer, longest)
    print(f"Run {run_id} is {found.status} after {found.whole:.1f} s.", flush=True)
    return found


def tables(found: Sequence[Timeline], device: str | None) -> list[Table]:
    """The runs, with the goals of the device or of none, and their stages."""
    listed: list[list[Cell]] = [[*(column(one) for column in COLUMNS.values()), _goals(one, device)] for one in found]
    stages: list[list[Cell]] = [[stage, *(cell for one in found for cell in _cells(one, stage))] for stage in STAGES]
    stages.append(["none of these", *(cell for one in found for cell in ("", one.whole - _all_covered(one)))])
    columns = ["", *(head for one in found for head in (f"run {one.run_id} at, s", "takes, s"))]
    errors = [f"Run {one.run_id} {one.status}: {one.error}" for one in found if one.error]
    overlap = "Stages overlap: probes are asked while the training goes on. `at` is since the start of the run."
    return [
        Table("From retrain to live", (*COLUMNS, "goals"), listed, [*errors, *_about_goals(device)]),
        Table("Stages", columns, stages, [overlap]),
    ]


def _goals(one: Timeline, device: str | None) -> str:
    goals = GOALS[device].get(one.trainer, {}) if device else {}
    if not goals or (device == "cuda" and one.rows != RECIPE_ROWS):
        return ""
    live = one.status == RunStatus.LIVE
    kept = {"live": live} | {FIGURES[name].format(most): getattr(one, name) <= most for name, most in goals.items()}
    return "; ".join(f"{goal}: {'kept' if live and so else 'missed'}" for goal, so in kept.items())


def _about_goals(device: str | None) -> list[str]:
    if device != "cuda":
        return []
    return [
        f"Goals are for {RECIPE_ROWS} rows and {RECIPE_EPOCHS} epochs, on one card of an H100's class with a model of "
        "7B's shape; runs of other rows have none."
    ]


def _cells(one: Timeline, stage: str) -> tuple[Cell, Cell]:
    each = one.spans[stage]
    return (min(begin for begin, _ in each), covered(each)) if each else ("", "")


def _all_covered(one: Timeline) -> float:
    return covered(span for each in one.spans.values() for span in each)


def draw(found: Sequence[Timeline], path: Path) -> None:
    """One panel a run, one line a stage."""
    import matplotlib as mpl  # here, so that a machine without it can still measure

    mpl.use("agg")
    from matplotlib import pyplot as plt

    size = (10, 0.6 + 2.4 * len(found))
    figure, axes = plt.subplots(len(found), 1, figsize=size, sharex=True, squeeze=False, layout="constrained")
    for axis, one in zip(axes.flat, found, strict=True):
        for place, stage in enumerate(STAGES):
            bars = [(begin, end - begin) for begin, end in one.spans[stage]]
            axis.broken_barh(bars, (place - 0.4, 0.8), facecolors="tab:orange" if stage == "steps" else "tab:blue")
        axis.set_yticks(range(len(STAGES)), STAGES, fontsize="small")
        axis.invert_yaxis()
        axis.axvline(one.whole, color="grey", linestyle=":", linewidth=1)
        axis.set_title(
            f"run {one.run_id}, {one.trainer}: {one.whole:.1f} s, {one.ratio:.2f} times its steps", fontsize="medium"
        )
    axes.flat[-1].set_xlabel("seconds since retrain")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def report(
    found: Sequence[Timeline], out: Path, device: str | None, bench: str = "loop", notes: Sequence[str] = ()
) -> bool:
    """Table, picture and JSON; whether no run failed. One that was refused has not: learning is not its subject.

    ``notes``: what the figures do not hold for.
    """
    picture = out.with_suffix(".png")
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(found, picture)
    figures = {"runs": [asdict(one) | {"ratio": one.ratio} for one in found]}
    first, *others = tables(found, device)
    noted = replace(first, notes=[*first.notes, *notes])
    hand_in(Report(bench, [noted, *others], figures, picture), out)
    return all(one.status != RunStatus.FAILED for one in found)


if __name__ == "__main__":
    main()
