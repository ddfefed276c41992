"""What a run would train on if it started now, by the recipe; and how long, judged by the runs before it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback import adapters, arms, cases, experiments, lessons, lineage, pauses, runs
from feedback.datasets import FROM_BASE
from feedback.experiments import Rules
from feedback.forecasts import Forecast, forecast
from feedback.models import Adapter, Case, Dataset, Json, Run
from feedback.recipe import Stock, in_proportion
from feedback.states import CaseStatus, RunStatus

ENDED = (RunStatus.LIVE, RunStatus.REJECTED)  # those that went through every stage that costs time
LOOKED_AT = 5


@dataclass(frozen=True)
class Past:
    """An earlier run on the same base model: its recipe, what its dataset was made of, and the seconds it took."""

    run_id: int
    first: bool
    """It began at the base model."""
    config: Json
    sources: Mapping[str, int]
    seconds: Mapping[str, float]
    anew: bool = False
    """A refused one, tried again from the base model with all that its parent knows."""

    @property
    def replay(self) -> Json:
        """The part of the recipe that says how many rows are mixed in."""
        part = "second_attempt" if self.anew else "first_replay" if self.first else "replay"
        found: Json = self.config[part]
        return found

    @property
    def rows(self) -> int:
        """How many rows it had."""
        return sum(self.sources.values())


@dataclass(frozen=True)
class Size:
    """A run's rows and seconds; None: nothing is known to judge it by."""

    rows: int | None = None
    seconds: float | None = None


def judge(new: int, earlier: int, first: bool, past: Sequence[Past], stock: Stock | None = None) -> Size:
    """How big a run over so many new and earlier cases will be; ``past`` is newest first. Pure.

    Without a stock the recipe is taken to be that of the newest run, and a pool of which all rows are used as big as it
    was then. The time is always judged by earlier runs.
    """
    if not past and stock is None:
        return Size()
    recipe = stock.recipe.model_dump() if stock else past[0].config
    replay = recipe["first_replay" if first else "replay"]
    per_case = 1 + int(recipe["paraphrases_per_case"])
    identity, general = (
        stock.drawn(source, first=first) if stock else _drawn(replay[f"{source}_rows"], source, past)
        for source in ("identity", "general")
    )
    if identity is None or general is None:
        return Size()
    kept = replay["earlier_case_rows"]
    repeated = earlier * per_case if kept == "all" else min(int(kept), earlier * per_case)
    repeated *= int(replay.get("earlier_repeats", 1))
    taught = new * per_case * int(replay["new_case_repeats"])
    counts = {"identity": identity, "general": general, "own_answer": int(replay.get("own_answers", 0))}
    beside_it = in_proportion(counts, taught, replay.get("most_replay_per_new_row"))
    rows = taught + repeated + sum(beside_it.values()) + sum(map(_rows_of_set, replay.get("general_sets", ())))
    if recipe.get("method") == "kto" and not first:
        rows += taught  # what is rejected is a row of its own
    alike = [one for one in past if one.first is first and not one.anew] or past
    paces = [one.seconds["training"] / (one.rows * _epochs(one)) for one in past if "training" in one.seconds]
    if not paces:
        return Size(rows)
    beside = median(sum(spent for stage, spent in one.seconds.items() if stage != "training") for one in alike)
    epochs = int(recipe["first" if first else "follow_up"]["num_train_epochs"])
    return Size(rows, median(paces) * rows * epochs + beside)


def _rows_of_set(written: str) -> int:
    """How many rows a general set gives: `name#500`."""
    return int(written.rpartition("#")[2])


def _drawn(count: object, source: str, past: Sequence[Past]) -> int | None:
    """How many rows of a source a run draws; for all of them, as many as a run that drew all had."""
    if count != "all":
        return int(str(count))
    return next((one.sources.get(source, 0) for one in past if one.replay[f"{source}_rows"] == "all"), None)


def _epochs(one: Past) -> int:
    return int(one.config["first" if one.first else "follow_up"]["num_train_epochs"])


@dataclass(frozen=True)
class Preview:
    """A run that could start now. ``shown`` is other for another run: other cases, other words, another parent.

    ``without`` were taken back, and ``again`` is how many cases are taught again for that.
    """

    cases: int
    earlier: int
    parent: str | None
    size: Size
    judged_by: tuple[int, ...]
    shown: str
    left: int = 0
    """Approved cases beyond those that one run takes."""
    again: int = 0
    forgotten: int = 0
    """Cases that have to be taught again as well, beyond those that one run takes: later ones do."""
    without: tuple[int, ...] = ()
    canary: Forecast | None = None  # None: it goes live at once
    attempts: int = 1
    """How often it is made, if the gate refuses it: by itself, after the first."""


def read(
    session: Session, persona: str, base_model: str, stock: Stock | None = None, rules: Rules | None = None
) -> Preview:
    """What ``runs.start`` would start now. ``stock`` is what there is to draw rows from, where that is known; with the
    rules of experiments, how long its canary may take.

    Raises:
        RunActive, RunsPaused, NothingApproved: as runs.start does.
    """
    parent, taught = runs.startable(session, persona)
    origin = lineage.origin(session, persona)
    again = sum(case.status is CaseStatus.MENDED for case in taught)
    line = [adapter.id for adapter in adapters.lineage(session, parent)]
    earlier = lessons.count(session, line, without=[case.id for case in taught])
    past = _past(session, persona, base_model)
    size = judge(len(taught), earlier, parent is None, past, stock)
    last = runs.latest(session, persona, limit=1)
    shown = _fingerprint(last[0].id if last else 0, parent, taught)
    approved_in_all = select(func.count()).where(Case.persona == persona, Case.status == CaseStatus.APPROVED)
    tried = rules if rules and experiments.tried_first(rules, parent, origin.live) else None
    return Preview(
        cases=len(taught) - again,
        earlier=earlier,
        parent=parent.name if parent else None,
        size=size,
        judged_by=tuple(one.run_id for one in past),
        shown=shown,
        left=session.execute(approved_in_all).scalar_one() - (len(taught) - again),
        again=again,
        forgotten=len(origin.again) - again,
        without=origin.without,
        canary=forecast(tried, arms.people_a_day(session, persona)) if tried else None,
    )


def _past(session: Session, persona: str, base_model: str) -> list[Past]:
    query = (
        select(Run, Dataset)
        .join(Dataset, Dataset.run_id == Run.id)
        .where(Run.persona == persona, Run.base_model == base_model, Run.status.in_(ENDED))
        .order_by(Run.id.desc())
        .limit(LOOKED_AT)
    )
    return [
        Past(
            run.id,
            run.parent_id is None or FROM_BASE in frozen.manifest,
            run.config,
            frozen.manifest["sources"],
            run.progress.get("seconds") or {},
            FROM_BASE in frozen.manifest,
        )
        for run, frozen in session.execute(query)
        if run.config and frozen.manifest.get("sources")
    ]


def _fingerprint(last_run: int, parent: Adapter | None, approved: Sequence[Case]) -> str:
    words = "".join(f"\0{case.id}\0{case.question}\0{case.correction}\0{case.wordings}" for case in approved)
    return hashlib.sha256(f"{last_run}\0{parent.name if parent else ''}{words}".encode()).hexdigest()[:16]


class PreviewOutdated(Exception):
    """What would be trained on now is not what somebody was shown."""


def start_shown(
    session: Session, persona: str, base_model: str, seed: int, shown: str, *, by: str, channel: str | None = None
) -> Run:
    """Start the run that somebody was shown, once: afterwards there is no such run to be started any more.
    ``channel`` is where its progress message is wanted.

    Raises:
        PreviewOutdated: it would be another one now.
        RunActive, RunsPaused, NothingApproved: see runs.start.
    """
    pauses.hold_runs(session, persona)
    last = runs.latest(session, persona, limit=1)
    before = last[0].id if last else 0
    if _fingerprint(before, *runs.startable(session, persona)) != shown:
        raise PreviewOutdated  # before a run takes a number
    run = runs.start(session, persona, base_model, seed, by=by, channel=channel)
    # What the run has taken counts, if somebody has decided on a case in between; the transaction undoes it then.
    if _fingerprint(before, run.parent, cases.of_run(session, run.id)) != shown:
        raise PreviewOutdated
    return run
