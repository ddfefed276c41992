"""What is asked of the record and by whom: the functions behind every listener, round, worker and command.

They are called as the bot, the worker and the command line call them, on what `record` has made.
"""

# ruff: noqa: E501  (a call is one line of the list)

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from bench.growth.world import TEAM, World
from bot import (
    announcing,
    answering,
    asking_again,
    canary_blocks,
    correcting,
    experimenting,
    following,
    home,
    intake,
    listings,
    progress_messages,
    retraining,
    reviewing,
    rolling_back,
    thumbs_plot,
    voting,
)  # fmt: skip
from bot import taking_back as taking_back_by_hand
from bot.case_blocks import fingerprint
from bot.contradictions import Known
from bot.correcting import Author, Sent
from bot.figures import thumbs_down
from bot.intake import Edit
from bot.people import Standing
from bot.questions import Asked, Kind
from bot.reviewing import Click, Looking
from bot.spot import Spot
from bot.taking_back import Asked as Going
from bot.voting import Ballot
from feedback import (
    adapters,
    answer_counts,
    answers,
    arms,
    automatic,
    cases,
    contributions,
    experiments,
    flags,
    follow_ups,
    lineage,
    naps,
    pauses,
    pictures,
    previews,
    reports,
    reviews,
    rewording,
    runs,
    taking_back,
    tracing,
    votes,
)  # fmt: skip
from feedback.answers import Outcome, Question
from feedback.automatic import Rules as AutomaticRules
from feedback.experiments import Evidence
from feedback.models import Adapter, Answer, Case, Run
from feedback.pictures import Drawn
from feedback.states import AnswerStatus, CaseStatus, VoteValue
from feedback.votes import Person
from serving import routing
from trainer import checking

PERSONA, BASE = "pip", "/models/base"
ADMIN = Person(TEAM, "U00000001")
LISTENER, ROUND, WORKER, COMMAND = "listener", "round", "worker", "command"
Act = Callable[[Session, "World"], object]
LEASE = timedelta(seconds=60)
WAITING = Looking()


@dataclass(frozen=True)
class Call:
    """One thing that is asked. ``before`` prepares the record for it, unseen."""

    kind: str
    name: str
    act: Act
    before: Act = lambda session, world: None


def _allow(answer: Answer) -> None:
    """Anybody may vote on any answer."""


def _spot(session: Session, answer_id: int) -> Spot:
    answer = session.get_one(Answer, answer_id)
    return Spot(answer.channel_id, f"{answer.question_ts}1", answer.thread_ts)


def _question(session: Session, world: World) -> Question:
    one = session.get_one(Answer, world.answered)
    ts = f"{float(one.question_ts) + 5:.6f}"
    return Question(PERSONA, TEAM, one.channel_id, one.thread_ts, ts, world.busiest.user_id, TEAM, "And on Sunday?")


def _take(session: Session, world: World, kind: Kind, follows: bool = False) -> intake.Taken | None:
    return intake.take_to_answer(session, Asked(kind, _question(session, world)), "Ev1", LEASE, follows, world.settings)


def _edit(session: Session, world: World) -> int | None:
    answer = session.get_one(Answer, world.answered)
    answer.created_at = datetime.now(UTC)
    question = replace(_question(session, world), question_ts=answer.question_ts, text="And on Monday?")
    return intake.retake(session, Edit(Asked(Kind.MENTION, question), "Ev2", datetime.now(UTC)), LEASE, False)


def _ask_in_long_thread(session: Session, world: World) -> None:
    answer = session.get_one(Answer, world.long_thread)
    answer.status = AnswerStatus.PENDING


def _record(session: Session, world: World) -> bool:
    work = answering.prepare(session, world.pending, world.settings)
    assert work is not None
    rewording.outdated(session, work.answer)
    said = Outcome(AnswerStatus.ANSWERED, "Here.", [{"role": "user", "content": "?"}], world.live, "pip")
    return answering.record(session, work, said, ["1800000000.000001"])


def _vote(
    session: Session, world: World, value: VoteValue, answer_id: int, person: Person, withdrawn: bool = False
) -> None:
    ballot = Ballot(
        _spot(session, answer_id), person.user_id, value, "click", withdrawn, at=datetime.now(UTC).timestamp()
    )
    assert voting.count(session, ballot, person, TEAM, _allow) is not None


def _flagger(session: Session, world: World) -> Person:
    case = reviews.open_case(session, world.flagged)
    person = Person.parse(case.flagged_by) if case else None
    assert person is not None
    return person


def _correct(session: Session, world: World) -> None:
    sent = Sent(_spot(session, world.flagged), world.flagged, "It is in room 12.", "fact", [], "view")
    correcting.write(session, TEAM, sent, Author(world.busiest, False, 10_000), _allow)


def _end_experiment(session: Session, world: World) -> None:
    """Nothing is under way any more, so that a run can start."""
    experiments.take_back(session, PERSONA, world.experiment, by="bench", why="bench", harmful=False)


def _home(session: Session, world: World, person: Person, *, admin: bool) -> None:
    rules = AutomaticRules(after=1_000_000)
    home.collect_home(session, PERSONA, "Pip", Standing(person, may_teach=True, is_admin=admin), rules)


def _preview(session: Session, world: World) -> None:
    previews.read(session, PERSONA, BASE, None, experiments.Rules(0.1, 1.5, 0.05, 14))


def _start_shown(session: Session, world: World) -> None:
    shown = previews.read(session, PERSONA, BASE).shown
    retraining.start(session, PERSONA, BASE, 7, retraining.Confirmed("U1", "C1", shown, "start"), by=str(ADMIN))


def _roll_back(session: Session, world: World) -> None:
    rolling_back.roll_back(session, PERSONA, rolling_back.planned(session, PERSONA), str(ADMIN), "roll")


def _decide(
    session: Session, world: World, case_id: int, decide: Callable[..., Case], *words: str, approved: bool = False
) -> None:
    click = Click("U1", case_id, "decide", Looking(approved=approved))
    reviewing.once(session, click, decide, words, by=str(ADMIN))


def _approve(session: Session, world: World, *, two: bool = False) -> None:
    shown = fingerprint(cases.get(session, world.corrected))
    _decide(session, world, world.corrected, partial(reviewing.approve, two=two), shown)


def _next(session: Session, world: World, second: str = "", looking: Looking = WAITING) -> None:
    reviewing.next_case(session, PERSONA, looking, Known(), second)


def _follow(session: Session, world: World) -> None:
    following.switch(session, _question(session, world), True)


def _tell(session: Session, world: World) -> None:
    for case in cases.to_announce(session, PERSONA):
        announcing.says_now(session, case)
        flags.flaggers(session, case)
        reviews.told(session, case.id, case.status)


def _message(session: Session, world: World, run_id: int) -> None:
    progress_messages.read(session, run_id)
    runs.set_message(session, run_id, "C1", "1.0", {})
    runs.shown(session, run_id, {"status": "live"})
    runs.give_message_up(session, run_id)


def _drawn(session: Session, world: World) -> None:
    figure = thumbs_down(votes.by_version(session, PERSONA))
    assert figure is not None
    pictures.find(session, figure.digest)
    pictures.keep(session, Drawn("F0NEW", figure.digest, "thumbs pip", {}))
    for file_id in pictures.replaced(session):
        pictures.forget(session, file_id)


def _routes(session: Session, world: World) -> None:
    answer = session.get_one(Answer, world.pending)
    route = routing.route_answer(session, answer, world.settings.serving)
    routing.fallbacks(session, route.adapter_id, world.settings.serving)


def _reconcile(session: Session, world: World) -> None:
    adapters.wanted(session, PERSONA)
    for adapter_id in (world.live, world.canary):
        adapter = session.get_one(Adapter, adapter_id)
        adapters.kept(session, adapters.by_name(session, adapter.name) or adapter)
        answers.using_adapter(session, adapter_id)
        adapters.seal(session, adapter.name)


def _tried(session: Session, world: World) -> None:
    for attempt in answers.take_unfinished(session, PERSONA, lease=LEASE):
        answers.get(session, attempt)
        answers.renew_lease(session, attempt, lease=LEASE)
        answers.postpone(session, attempt, error="away", retry_in=LEASE)


def _pictures(session: Session, world: World) -> None:
    pictures.runs_without(session, PERSONA)
    pictures.set_of_run(session, world.run, {"loss": "F1"})


def _canary_news(session: Session, world: World) -> None:
    experimenting.news(session, PERSONA)
    experiments.told(session, world.experiment, "overdue")


def _start_if_due(session: Session, world: World) -> None:
    automatic.start_if_due(session, PERSONA, AutomaticRules(after=1), datetime.now(UTC), BASE, 7)


def _pause(session: Session, world: World) -> None:
    pauses.pause(session, PERSONA, by="bench", why="")
    pauses.resume(session, PERSONA, by="bench")


def _cancel(session: Session, world: World) -> None:
    run = answers.once(session, "cancel", runs.active, PERSONA)
    assert run is not None
    runs.request_cancel(session, run.id, by="bench")


def _again(session: Session, world: World) -> None:
    again = asking_again.read(session, world.mended, "U1", "again")
    assert again is not None
    answers.forget_deliveries(session, again.taken)


def _look(session: Session, world: World) -> None:
    """What a look of the worker at the canary reads and writes."""
    experiment = experiments.running(session, PERSONA)
    assert experiment is not None
    arms.read_draws(session, experiment.id)
    experiments.overtaken(session, experiment)
    experiments.look(session, experiment.id, Evidence(1, 2, 0.5, 2.0, "none"), arms.tallies(session, experiment.id))


def _take_back_mended(session: Session, world: World) -> None:
    asked = Going([world.mended], str(ADMIN), "back", "C1")
    taking_back_by_hand.carry_out(session, PERSONA, BASE, 7, asked)


def _withdraw_own(session: Session, world: World) -> None:
    case = reviews.open_case(session, world.flagged)
    assert case is not None
    correcting.withdraw_own(session, case.id, _flagger(session, world), False)


def _trace(session: Session, world: World) -> None:
    tracing.trace(session, session.get_one(Adapter, world.live))


def _examined(session: Session, world: World) -> None:
    """What a run looks up of all that was learned before it."""
    checking.checked(session, session.get_one(Run, world.run))


def _refused(session: Session, world: World) -> None:
    with contextlib.suppress(runs.RunActive):
        runs.startable(session, PERSONA)
    reviews.queue(session, PERSONA)


def _asleep(session: Session, world: World) -> None:
    """A question that comes while the model server sleeps, whose asker then does not want to wait."""
    naps.current(session, PERSONA)
    naps.woken_at(session, PERSONA)
    answers.wait_for_waking(session, world.pending, error="asleep")
    answers.stop_waiting(session, world.pending, answers.get(session, world.pending).asker_id)


def _nap(session: Session, world: World) -> None:
    naps.begin(session, world.run, "bench")
    naps.had(session, world.run)
    naps.end(session, world.run, "bench")


CALLS: tuple[Call, ...] = (
    Call(LISTENER, "a mention", lambda s, w: _take(s, w, Kind.MENTION)),
    Call(LISTENER, "a follow-up in a thread", lambda s, w: _take(s, w, Kind.FOLLOW_UP, True)),
    Call(LISTENER, "an edited question", _edit),
    Call(LISTENER, "preparing an answer", lambda s, w: answering.prepare(s, w.pending, w.settings)),
    Call(LISTENER, "preparing one in a long thread", lambda s, w: answering.prepare(s, w.long_thread, w.settings), _ask_in_long_thread),
    Call(LISTENER, "routing, and what answers instead", _routes),
    Call(LISTENER, "recording an answer", _record),
    Call(LISTENER, "asking again", _again),
    Call(LISTENER, "a thumbs-up", lambda s, w: _vote(s, w, VoteValue.UP, w.answered, w.busiest)),
    Call(LISTENER, "a thumbs-down", lambda s, w: _vote(s, w, VoteValue.DOWN, w.answered, w.busiest)),
    Call(LISTENER, "a thumbs-down taken back", lambda s, w: _vote(s, w, VoteValue.DOWN, w.flagged, _flagger(s, w), True)),
    Call(LISTENER, "opening a correction", lambda s, w: correcting.look_up_once(s, TEAM, _spot(s, w.flagged), None, "closed")),
    Call(LISTENER, "sending a correction", _correct),
    Call(LISTENER, "taking one's flag back", _withdraw_own),
    Call(LISTENER, "following a thread", _follow),
    Call(LISTENER, "following a channel", lambda s, w: follow_ups.switch(s, TEAM, "C000000001", "", True, by="b")),
    Call(LISTENER, "App Home of whoever flags most", lambda s, w: _home(s, w, w.busiest, admin=False)),
    Call(LISTENER, "App Home of somebody quiet", lambda s, w: _home(s, w, w.quiet, admin=False)),
    Call(LISTENER, "App Home of an admin", lambda s, w: _home(s, w, ADMIN, admin=True)),
    Call(LISTENER, "its picture", _drawn),
    Call(LISTENER, "adding the counts of answers up", lambda s, w: answer_counts.add_up(s, PERSONA)),
    Call(LISTENER, "the next case to review", _next),
    Call(LISTENER, "the next case, for the second of two", lambda s, w: _next(s, w, str(ADMIN))),
    Call(LISTENER, "an approved case to review", lambda s, w: _next(s, w, looking=Looking(approved=True))),
    Call(LISTENER, "approving", _approve),
    Call(LISTENER, "approving as the first of two", lambda s, w: _approve(s, w, two=True)),
    Call(LISTENER, "approving in own words", lambda s, w: _decide(s, w, w.corrected, partial(reviewing.revise, two=False), "In room 9.")),
    Call(LISTENER, "turning down", lambda s, w: _decide(s, w, w.corrected, cases.reject, "no")),
    Call(LISTENER, "taking an approval back", lambda s, w: _decide(s, w, w.approved, cases.take_back, approved=True)),
    Call(LISTENER, "/mend status", lambda s, w: listings.read(s, PERSONA, AutomaticRules(after=1_000_000))),
    Call(LISTENER, "/mend cases 5", lambda s, w: listings.read_case(s, PERSONA, w.mended)),
    Call(LISTENER, "/mend probes", lambda s, w: listings.read_probes(s, PERSONA)),
    Call(LISTENER, "/mend canary", lambda s, w: canary_blocks.read(s, PERSONA)),
    Call(LISTENER, "/mend canary promote", lambda s, w: experiments.promote(s, PERSONA, w.experiment, by="b", why="b")),
    Call(LISTENER, "/mend canary stop", _end_experiment),
    Call(LISTENER, "/mend retrain", _preview, _end_experiment),
    Call(LISTENER, "/mend retrain, confirmed", _start_shown, _end_experiment),
    Call(LISTENER, "/mend retrain, refused", _refused),
    Call(LISTENER, "/mend cancel", _cancel),
    Call(LISTENER, "/mend pause, /mend resume", _pause),
    Call(LISTENER, "/mend rollback", _roll_back),
    Call(LISTENER, "what taking a case back means", lambda s, w: taking_back.consequences(s, PERSONA, [w.mended])),
    Call(LISTENER, "taking a learned case back", _take_back_mended, _end_experiment),
    Call(LISTENER, "/mend undo", lambda s, w: contributions.undo(s, PERSONA, w.some, by="b")),
    Call(LISTENER, "a question while the server sleeps", _asleep, lambda s, w: naps.begin(s, w.run, "bench")),
    Call(ROUND, "questions left over", _tried),
    Call(ROUND, "a nap that nobody attends to", lambda s, w: (naps.attended(s, PERSONA), adapters.to_serve(s, PERSONA))),
    Call(ROUND, "agreeing with the servers", _reconcile),
    Call(ROUND, "progress messages that are due", lambda s, w: (runs.unposted(s, PERSONA), progress_messages.outdated(s, PERSONA))),
    Call(ROUND, "a progress message", lambda s, w: _message(s, w, w.run)),
    Call(ROUND, "the message at a run's end", lambda s, w: _message(s, w, w.last_run)),
    Call(ROUND, "pictures of runs", _pictures),
    Call(ROUND, "news for threads", _tell),
    Call(ROUND, "news of canaries", _canary_news),
    Call(ROUND, "whether a run is due", _start_if_due, _end_experiment),
    Call(ROUND, "the plot of Home", lambda s, w: thumbs_plot.read(s, PERSONA)),
    Call(WORKER, "a nap", _nap),
    Call(WORKER, "the sweep", lambda s, w: runs.active(s, PERSONA)),
    Call(WORKER, "a look at the canary", _look),
    Call(WORKER, "what a run knows of before", _examined),
    Call(WORKER, "whether something was taken back", lambda s, w: lineage.taken_back(s, s.get_one(Adapter, w.live))),
    Call(WORKER, "reports of the base model", lambda s, w: reports.known(s, None)),
    Call(WORKER, "reports of the live version", lambda s, w: reports.known(s, w.live)),
    Call(COMMAND, "mend cases list", lambda s, w: cases.listed(s, PERSONA)),
    Call(COMMAND, "mend cases list --status corrected", lambda s, w: cases.listed(s, PERSONA, [CaseStatus.CORRECTED])),
    Call(COMMAND, "mend cases withdraw --person", lambda s, w: taking_back.consequences(s, PERSONA, taking_back.of_person(s, PERSONA, str(w.quiet)))),
    Call(COMMAND, "mend adapters list", lambda s, w: adapters.listed(s, PERSONA)),
    Call(COMMAND, "mend runs", lambda s, w: runs.latest(s, PERSONA, limit=100)),
    Call(COMMAND, "mend adapters promote", lambda s, w: experiments.promote_later(s, s.get_one(Adapter, s.get_one(Adapter, w.live).parent_id), by="b", why="b")),
    Call(COMMAND, "mend why", _trace),
)  # fmt: skip
