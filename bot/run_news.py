"""What there is to tell about a training run, read from the record in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from bot import figures
from bot.figures import Figure
from feedback import adapters, automatic, cases, datasets, lessons, reports, runs
from feedback.datasets import FROM_BASE
from feedback.models import Run
from feedback.reports import Result
from feedback.runs import Decision, Progress
from feedback.states import ACTIVE_RUNS, RunStatus

GROUPS = ("new", "mended", "identity", "rigour", "ability")


@dataclass(frozen=True)
class Score:
    """How many probes of a group passed; None: they were not run."""

    group: str
    was: tuple[int, int] | None
    now: tuple[int, int] | None


@dataclass(frozen=True)
class RunNews:
    """A run as people are shown it."""

    id: int
    status: RunStatus
    requested_by: str
    wanted_by: str  # the same, or who started the refused run that this one is another attempt of
    why: str  # it was started
    cancelled_by: str | None
    cases: int
    progress: Progress
    adapter: str | None
    parent: str | None
    decision: Decision | None
    error: str | None
    scores: tuple[Score, ...]
    changed: tuple[str, ...]  # prompts whose probe went from passing to failing
    wordings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # what came of each generator's
    figures: tuple[Figure, ...] = ()  # at its end, for who reads its own message
    pictures: Mapping[str, str] | None = None  # Slack files by the figure's kind; None: not drawn yet
    anew: bool = False  # it does not go on from its parent, but learns all that it knows from the base model
    again: int = 0  # of the cases: those that the replaced version knows, and that are taught again

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.status in ACTIVE_RUNS


def collect(session: Session, run: Run) -> RunNews:
    """Read everything about a run."""
    candidate = adapters.of_run(session, run.id)
    now = reports.of_run(session, run.id, candidate.id) if candidate else None
    was = (
        (reports.of_run(session, run.id, run.replaces_id) or reports.latest(session, run.replaces_id)) if now else None
    )
    taught = {case.id for case in cases.of_run(session, run.id)}
    fields = {name: value for name, value in run.progress.items() if name in Progress.__dataclass_fields__}
    about = datasets.manifest(session, run.id) or {}
    return RunNews(
        id=run.id,
        status=run.status,
        requested_by=run.requested_by,
        wanted_by=automatic.wanted_by(session, run),
        why=runs.started_because(session, run.id),
        cancelled_by=run.cancel_requested_by,
        cases=len(taught),
        progress=Progress(**fields),
        adapter=candidate.name if candidate else None,
        parent=run.parent.name if run.parent else None,
        decision=runs.decision(run),
        error=run.error,
        scores=scores(was or (), now or ()),
        changed=broken(was or (), now or ()),
        wordings=about.get("wordings", {}),
        anew=FROM_BASE in about,
        again=len(taught & _known_before(session, run)),
    )


def _known_before(session: Session, run: Run) -> set[int]:
    """What the version that a run replaces knows; a run that goes on from it teaches nothing of that."""
    if run.replaces is None or run.replaces_id == run.parent_id:
        return set()
    return set(lessons.known_to(session, [one.id for one in adapters.lineage(session, run.replaces)]))


def with_figures(session: Session, run: Run, news: RunNews) -> RunNews:
    """The news of a run that is over, with what can be drawn of it."""
    if news.active:
        return news
    drawn = (
        figures.loss_curve(run.id, news.progress.losses),
        figures.probe_history(reports.history(session, run.persona, run.id)) if news.scores else None,
    )
    return replace(news, figures=tuple(figure for figure in drawn if figure), pictures=run.pictures)


def scores(was: Sequence[Result], now: Sequence[Result]) -> tuple[Score, ...]:
    """Passed and all, by group, of the adapter before and of the candidate."""

    def count(results: Sequence[Result], group: str) -> tuple[int, int] | None:
        found = [result.passed for result in results if result.group == group]
        return (sum(found), len(found)) if found else None

    groups = [*GROUPS, *sorted({result.group for result in (*was, *now)} - set(GROUPS))]
    table = (Score(group, count(was, group), count(now, group)) for group in groups)
    return tuple(score for score in table if score.was or score.now)


def broken(was: Sequence[Result], now: Sequence[Result]) -> tuple[str, ...]:
    """The prompts of probes that passed before and fail now."""
    passed = {result.probe_id for result in was if result.passed}
    return tuple(result.prompt for result in now if not result.passed and result.probe_id in passed)
