"""Experiments: a canary beside the live adapter, until people's votes or an admin have decided between them.

While one is out its run is not over: it holds its cases, which nobody is told are mended before the canary is live, and
keeps further runs from starting. Whoever ends an experiment ends its run in the same transaction. Who is in which arm
is decided by ``serving.routing``; what the votes say, by the worker (``trainer.canary``).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback import adapters, arms, cases, lessons, lineage, record, runs
from feedback.arms import Tally
from feedback.models import Adapter, Answer, Assignment, Case, Experiment, Run
from feedback.states import AdapterStatus, Arm, CaseStatus, RunStatus
from feedback.votes import Person
from settings import ExperimentSettings

RUNNING = "running"
STARTED, OVERDUE, ENDED = "started", "overdue", "ended"
TIMES = "times as many people dislike the canary as the live version"


class NoExperiment(Exception):
    """No canary is out, or another one than was meant."""


@dataclass(frozen=True)
class Rules:
    """How an experiment is held. ``margin`` and ``alpha`` are of ``trainer.evidence``."""

    share: float
    margin: float
    alpha: float
    days: int

    @classmethod
    def of(cls, settings: ExperimentSettings) -> "Rules":
        """What the settings say."""
        return cls(settings.share, settings.margin, settings.alpha, settings.days)


@dataclass(frozen=True)
class Evidence:
    """What the votes say. ``canary`` and ``live`` are people with a thumbs-down in each arm, everyone counted once.

    ``low`` to ``high`` is where the ratio is: how many times as many people dislike the canary as the live adapter.
    Each bound errs with a chance of ``alpha`` at most, so one of the two does with twice that.
    """

    canary: int
    live: int
    low: float
    high: float | None  # None: there is no upper bound yet
    finding: str  # see trainer.evidence.Finding

    @property
    def counted(self) -> str:
        """Who has been counted, in words."""
        return f"{people(self.canary)} with a thumbs-down on the canary, {self.live} on the live version"


def people(count: int) -> str:
    """So many of them."""
    return "1 person" if count == 1 else f"{count} people"


def rules(experiment: Experiment) -> Rules:
    """The rules that it began with; settings that change later are for the next one."""
    return Rules(**experiment.rules)


def evidence(experiment: Experiment) -> Evidence | None:
    """What the last look has found."""
    return Evidence(**experiment.evidence) if experiment.evidence else None


def tallies(session: Session, experiment: Experiment) -> Mapping[Arm, Tally]:
    """Both arms in numbers, as the last look has found them; before the first, as they are."""
    if experiment.tallies is None:
        return arms.tallies(session, experiment.id)
    return {arm: Tally(**experiment.tallies[arm.value]) for arm in Arm}


def tried_first(rules: Rules, parent: Adapter | None, live: Adapter | None) -> bool:
    """Whether an adapter that was trained from ``parent``, and is to replace ``live``, goes to some people first. Pure.

    The first of all goes live at once: beside the base model, which knows nothing of the persona, there is nothing to
    find out. So does one that was trained without what was taken back: the live adapter has it, and has to go.
    """
    return rules.share > 0 and live is not None and parent is not None and parent.id == live.id


def overdue(experiment: Experiment, now: datetime) -> bool:
    """Whether the votes have had their time."""
    return now - experiment.created_at >= timedelta(days=rules(experiment).days)


def start(session: Session, run: Run, canary: Adapter, live: Adapter, held: Rules, *, why: str) -> Experiment:
    """Let a candidate that the gate has accepted answer its share of people. The caller holds the live mark."""
    record.move(session, canary, AdapterStatus.CANARY, actor="worker", why=why)
    made = Experiment(persona=run.persona, run_id=run.id, adapter_id=canary.id, live_id=live.id, rules=asdict(held))
    session.add(made)
    session.flush()
    session.refresh(made)
    beside = f"{canary.name} to {held.share:.0%} of people, {live.name} to the others"
    record.note(session, "experiments", made.id, actor="worker", why=beside, before=None, after=RUNNING)
    runs.advance(session, run.id, RunStatus.CANARY, why=beside)
    return made


def running(session: Session, persona: str) -> Experiment | None:
    """The experiment that is on, with its adapters."""
    query = select(Experiment).where(Experiment.persona == persona, Experiment.ended_at.is_(None))
    return _whole(session.scalars(query).first())


def to_tell(session: Session, persona: str) -> list[Experiment]:
    """Experiments of which the channel of record may not know everything."""
    query = select(Experiment).where(Experiment.persona == persona, Experiment.told.is_distinct_from(ENDED))
    return [one for one in map(_whole, session.scalars(query.order_by(Experiment.id))) if one]


def _whole(found: Experiment | None) -> Experiment | None:
    if found:
        _ = found.adapter, found.live, found.run
    return found


def told(session: Session, experiment_id: int, what: str) -> None:
    """The channel of record knows that it has started, is overdue, or has ended."""
    session.get_one(Experiment, experiment_id).told = what


def opener(session: Session, answer: Answer) -> tuple[Person, datetime]:
    """Who began the thread of an answer with their question, and when."""
    query = (
        select(Answer.asker_team_id, Answer.asker_id, Answer.created_at)
        .where(
            Answer.team_id == answer.team_id,
            Answer.channel_id == answer.channel_id,
            Answer.thread_ts == answer.thread_ts,
        )
        .order_by(Answer.question_ts)
        .limit(1)
    )
    team, user, when = session.execute(query).one()
    return Person(team, user), when


def assign(session: Session, experiment: Experiment, answer: Answer, arm: Arm, person: Person) -> None:
    """Write down in which arm an answer is given; again changes nothing."""
    row = {"answer_id": answer.id, "experiment_id": experiment.id, "arm": arm, "opener": str(person)}
    session.execute(insert(Assignment).values(**row).on_conflict_do_nothing())


def look(session: Session, experiment_id: int, seen: Evidence, tallies: Mapping[Arm, Tally]) -> None:
    """Keep what a look has found, for people to see; in the run's progress too."""
    experiment = session.get_one(Experiment, experiment_id)
    experiment.evidence = asdict(seen)
    experiment.tallies = {arm.value: asdict(tally) for arm, tally in tallies.items()}
    experiment.run.progress = {**experiment.run.progress, "detail": seen.counted}


def promote(session: Session, persona: str, experiment_id: int, *, by: str, why: str) -> Experiment:
    """The canary goes live for everybody, and its run's cases are settled.

    The caller has made sure that every replica serves it.

    Raises:
        NoExperiment: it has ended already, or cannot end so any more.
    """
    adapters.hold_live(session, persona)
    experiment = _held(session, persona, experiment_id)
    if against := overtaken(session, experiment):
        raise NoExperiment(against)
    run, canary = experiment.run, experiment.adapter
    decision = runs.decision(run)
    adapters.promote(session, canary, by=by, why=why)
    runs.settle_live(session, run.id, canary.id, decision.unmended if decision else {})
    _end(session, experiment, RunStatus.LIVE, by=by, why=why)
    return experiment


def promote_later(session: Session, adapter: Adapter, *, by: str, why: str) -> None:
    """Promote an adapter by hand. One that was a canary, and never live, has learned its run's cases none the less.

    Raises:
        IllegalMove: see ``adapters.promote``.
    """
    adapters.hold_live(session, adapter.persona)
    never_live = adapter.status is AdapterStatus.RETIRED and adapter.live_at is None
    learned = _learned(session, adapter.run_id) if never_live and adapter.run_id else []
    waiting = [case for case in learned if case.status is not CaseStatus.MENDED]  # the others' threads were told
    for case in learned:
        lessons.learned(session, case.id, adapter.id)
    adapters.promote(session, adapter, by=by, why=why)
    for case in waiting:
        case.announce = case.announce or case.status is CaseStatus.MENDED


_TEACHABLE = frozenset({CaseStatus.APPROVED, CaseStatus.TRAINING, CaseStatus.MENDED, CaseStatus.UNMENDED})


def _learned(session: Session, run_id: int) -> list[Case]:
    """The cases that a canary had mended, and that have the approved words still that it was taught."""
    run = runs.get(session, run_id)
    decision, frozen = runs.decision(run), runs.dataset(session, run.id)
    taught = {(row.case_id, row.messages[-1]["content"]) for row in (frozen.rows if frozen else ())}
    unmended = decision.unmended if decision else {}
    return [
        case
        for case in cases.of_run(session, run.id)
        if case.id not in unmended and case.status in _TEACHABLE and (case.id, case.correction) in taught
    ]


def overtaken(session: Session, experiment: Experiment) -> str | None:
    """Why a canary cannot go live any more, whatever the votes say; None: it can."""
    live = adapters.live(session, experiment.persona)
    if live is None or live.id != experiment.run.replaces_id:
        name = live.name if live else "the base model"
        return f"The canary was to replace {experiment.live.name}, and now {name} is live."
    if held := lineage.taken_back(session, experiment.adapter):
        return gone(held)
    return None


def gone(case_ids: Collection[int]) -> str:
    """That the canary has learned what was taken back, in words."""
    named, were = lineage.named(case_ids)
    return f"{named}, which the canary has learned, {were} taken back."


def take_back(session: Session, persona: str, experiment_id: int, *, by: str, why: str, harmful: bool) -> Experiment:
    """The live adapter answers everybody again; what the canary has learned is approved again.

    What it had not mended is unmended, with the gate's reason, and is reviewed before it is trained on again. One that
    is harmful is rejected, and its cases' threads are told so. One that an admin stops, or that was overtaken, is
    retired: it can be promoted later (``promote_later``), and those who wait for what it has learned are told nothing.

    Raises:
        NoExperiment: it has ended already.
    """
    adapters.hold_live(session, persona)
    experiment = _held(session, persona, experiment_id)
    to = AdapterStatus.REJECTED if harmful else AdapterStatus.RETIRED
    record.move(session, experiment.adapter, to, actor=by, why=why)
    decision = runs.decision(experiment.run)
    runs.settle_unmended(session, experiment.run_id, decision.unmended if decision else {})
    if not harmful:
        experiment.run.cancel_requested_by = experiment.run.cancel_requested_by or by
    _end(session, experiment, RunStatus.REJECTED if harmful else RunStatus.CANCELLED, by=by, why=why)
    return experiment


def _held(session: Session, persona: str, experiment_id: int) -> Experiment:
    """The running experiment, if it is the one that is meant. Under the lock of the live mark."""
    found = running(session, persona)
    if found is None or found.id != experiment_id:
        raise NoExperiment("This canary is not out any more; somebody has decided already.")
    session.refresh(found)
    _ = found.adapter, found.live, found.run  # people are told of them after the transaction
    return found


def _end(session: Session, experiment: Experiment, to: RunStatus, *, by: str, why: str) -> None:
    experiment.ended_at, experiment.outcome = datetime.now(UTC), why
    experiment.run.progress = {**experiment.run.progress, "stage": to}
    record.note(session, "experiments", experiment.id, actor=by, why=why, before=RUNNING, after=to)
    runs.close(session, experiment.run_id, to, why=why)
