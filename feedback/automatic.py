"""Runs that start by themselves: after so many newly approved cases, once a night in a window, or because the gate has
refused the run before.

Newly approved are cases that an admin has decided on since they were last trained on. What an ended run or a rollback
has put back is not: it would be trained again and again, or against the will of whoever rolled it back. A refused run
is tried again as often as the settings say, and soon or never: with the same cases, another seed, and the whole gate.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback import lineage, pauses, runs
from feedback.models import Adapter, Case, Event, Run
from feedback.states import CaseStatus, RunStatus
from settings import MOST_ATTEMPTS, TrainingSettings, read_window

AUTOMATIC = "automatic"
ANOTHER_ATTEMPT = "mend"
"""Who starts another attempt."""
_DECIDED_FROM = (CaseStatus.CORRECTED, CaseStatus.UNMENDED)
SOON = timedelta(hours=1)
"""After a refusal. What is found refused later than that, a bot that was away say, is left to people."""


@dataclass(frozen=True)
class Window:
    """A time of day in a time zone; one that ends before it begins goes past midnight."""

    begins: time
    ends: time
    zone: ZoneInfo

    def opened(self, now: datetime) -> datetime | None:
        """When the window opened that ``now`` is in; None outside of it."""
        today = now.astimezone(self.zone).date()
        for day in (today, today - timedelta(days=1)):
            opened, closed = self._on(day)
            if opened <= now < closed:
                return opened
        return None

    def _on(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.ends > self.begins else day + timedelta(days=1)
        opened = datetime.combine(day, self.begins, self.zone).astimezone(UTC)
        return opened, datetime.combine(last, self.ends, self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Rules:
    """When runs start by themselves; 0 and None: never. ``attempts`` counts the first one."""

    after: int = 0
    window: Window | None = None
    attempts: int = 1

    @property
    def on(self) -> bool:
        """Whether a newly approved case ever starts one."""
        return self.after > 0 or self.window is not None

    @classmethod
    def of(cls, settings: TrainingSettings) -> "Rules":
        """What the settings say."""
        times = read_window(settings.nightly)
        window = Window(*times, ZoneInfo(settings.time_zone)) if times else None
        return cls(settings.auto_after, window, settings.attempts)


@dataclass(frozen=True)
class Refusal:
    """The newest run, which the gate refused: which attempt it was, when it ended, and where it is shown."""

    run_id: int
    attempt: int
    ended: datetime
    channel: str | None = None


@dataclass(frozen=True)
class State:
    """What counts for the decision. ``last_started`` is of any run, whoever started it; ``refusal`` is None where
    nothing could be tried again."""

    fresh: int
    active: bool
    paused: bool
    last_started: datetime | None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a run starts now, and why or why not, in words for people."""

    start: bool
    why: str
    again: Refusal | None = None
    """The run of which it is another attempt."""


def decide(rules: Rules, state: State, now: datetime) -> Verdict:
    """Whether a run starts by itself now. Pure."""
    free = not (state.paused or state.active)
    refusal = state.refusal
    if free and refusal and refusal.attempt < rules.attempts and now - refusal.ended <= SOON:
        why = f"attempt {refusal.attempt + 1} of {rules.attempts}, since run {refusal.run_id} was refused"
        return Verdict(True, why, refusal)
    if not rules.on:
        return Verdict(False, "automatic training is off")
    if state.paused:
        return Verdict(False, "training is paused")
    if state.active:
        return Verdict(False, "a run is under way")
    if state.fresh == 0:
        return Verdict(False, "no case is newly approved")
    if 0 < rules.after <= state.fresh:
        return Verdict(True, f"newly approved cases: {state.fresh}")
    if rules.window is None:
        return Verdict(False, f"{state.fresh} of {rules.after} newly approved cases are there")
    opened = rules.window.opened(now)
    if opened is None:
        return Verdict(False, "the nightly window is closed")
    if state.last_started is not None and state.last_started >= opened:
        return Verdict(False, "a run has started tonight already")
    return Verdict(True, f"nightly; newly approved cases: {state.fresh}")


def read(session: Session, persona: str) -> State:
    """How things stand."""
    last = session.scalar(select(func.max(Run.created_at)).where(Run.persona == persona))
    paused = pauses.current(session, persona) is not None
    active = runs.active(session, persona) is not None
    return State(_fresh(session, persona), active, paused, last, _refusal(session, persona))


def wanted_by(session: Session, run: Run) -> str:
    """Who has started a run, or the one that it is another attempt of."""
    before = select(Run.requested_by).where(Run.persona == run.persona, Run.id < run.id)
    before = before.where(Run.requested_by != ANOTHER_ATTEMPT).order_by(Run.id.desc()).limit(1)
    return run.requested_by if run.requested_by != ANOTHER_ATTEMPT else session.scalar(before) or run.requested_by


def _refusal(session: Session, persona: str) -> Refusal | None:
    """The newest run, if the gate refused it and what it taught is still to be taught, from where it began."""
    newest, attempt = runs.latest(session, persona, limit=MOST_ATTEMPTS), 0
    for run in newest:
        decision = runs.decision(run)
        if run.status is not RunStatus.REJECTED or decision is None or decision.accepted:
            break
        attempt += 1
        if run.requested_by != ANOTHER_ATTEMPT:
            break
    if not attempt or newest[0].finished_at is None:
        return None
    origin = lineage.origin(session, persona)
    if (_id(origin.live), _id(origin.parent)) != (newest[0].replaces_id, newest[0].parent_id):
        return None  # a rollback, say, or something was taken back: what starts then is not another attempt
    try:
        runs.startable(session, persona, again=newest[0].id)
    except (runs.RunActive, runs.RunsPaused, runs.NothingApproved):
        return None
    return Refusal(newest[0].id, attempt, newest[0].finished_at, newest[0].channel_id)


def _id(adapter: Adapter | None) -> int | None:
    return adapter.id if adapter else None


def _fresh(session: Session, persona: str) -> int:
    """Approved cases whose last change was an admin's approval."""
    newest = select(func.max(Event.id)).where(Event.subject == Case.__tablename__, Event.subject_id == Case.id)
    query = (
        select(func.count())
        .select_from(Case)
        .join(Event, Event.id == newest.correlate(Case).scalar_subquery())
        .where(Case.persona == persona, Case.status == CaseStatus.APPROVED, Event.before.in_(_DECIDED_FROM))
    )
    return session.execute(query).scalar_one()


def start_if_due(
    session: Session, persona: str, rules: Rules, now: datetime, base_model: str, seed: int, channel: str | None = None
) -> Run | Verdict:
    """Start a run if it is due; else why not. Of several processes that ask at once, one starts it.
    ``channel`` is where its progress message is wanted; another attempt is shown where the first was."""
    pauses.hold_runs(session, persona)
    verdict = decide(rules, read(session, persona), now)
    if not verdict.start:
        return verdict
    if again := verdict.again:
        return runs.start(
            session, persona, base_model, seed, by=ANOTHER_ATTEMPT, why=verdict.why, channel=again.channel or channel,
            again=again.run_id,
        )  # fmt: skip
    return runs.start(session, persona, base_model, seed, by=AUTOMATIC, why=verdict.why, channel=channel)
