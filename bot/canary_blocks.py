"""How an experiment looks to people: where it stands, how long it may take, and what the channel of record is told.

Reading is in ``read``; the rest is pure, escaped mrkdwn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bot.blocks import Block, actions, button, section
from bot.case_blocks import who
from bot.text import escape, how_many
from feedback import arms, experiments, forecasts
from feedback.arms import PACE_DAYS, Tally
from feedback.experiments import ENDED, OVERDUE, STARTED, TIMES, Evidence
from feedback.forecasts import Forecast
from feedback.models import Experiment
from feedback.states import AdapterStatus, Arm

PROMOTE, STOP = "mend_promote_canary", "mend_stop_canary"


@dataclass(frozen=True)
class Standing:
    """An experiment, what people made of each arm, and how long it may take."""

    experiment: Experiment
    tallies: Mapping[Arm, Tally]
    forecast: Forecast


def read(session: Session, persona: str) -> Standing | None:
    """The experiment that is on."""
    experiment = experiments.running(session, persona)
    return collect(session, experiment) if experiment else None


def collect(session: Session, experiment: Experiment) -> Standing:
    """Everything about an experiment."""
    pace = arms.people_a_day(session, experiment.persona)
    forecast = forecasts.forecast(experiments.rules(experiment), pace)
    return Standing(experiment, experiments.tallies(session, experiment), forecast)


def lines(seen: Standing, now: datetime | None = None) -> list[str]:
    """Who answers whom, what the votes say so far, and what may still be needed."""
    experiment = seen.experiment
    said = [f"🟡 {_beside(experiment)}.", _votes(experiment)]
    if experiments.overdue(experiment, now or datetime.now(UTC)):
        days = experiments.rules(experiment).days
        said.append(f"The votes have not decided in {how_many(days, 'day')}: an admin may.")
    return [*said, time_needed(seen.forecast)]


def standing(seen: Standing) -> list[Block]:
    """The same with the arms side by side, and the buttons that end it."""
    experiment = seen.experiment
    number = str(experiment.id)
    back = "The live version answers everybody; what it has learned stays approved."
    buttons = [
        _sure(button("Promote now", PROMOTE, number, "primary"), "It goes live for everybody, whatever the votes say."),
        _sure(button("Take it back", STOP, number), back),
    ]
    return [section("\n".join(lines(seen))), section(table(seen.tallies)), actions(buttons)]


def _sure(element: Block, text: str) -> Block:
    element["confirm"] = {
        "title": {"type": "plain_text", "text": "End the experiment?"},
        "text": {"type": "plain_text", "text": text},
        "confirm": {"type": "plain_text", "text": "Yes"},
        "deny": {"type": "plain_text", "text": "Go on"},
    }
    return element


def _beside(experiment: Experiment) -> str:
    share = experiments.rules(experiment).share
    canary, live = escape(experiment.adapter.name), escape(experiment.live.name)
    return f"The canary `{canary}` answers {share:.0%} of people, `{live}` the others"


def _votes(experiment: Experiment) -> str:
    """What may be said so far. While the experiment runs, that is never enough to decide."""
    found = experiments.evidence(experiment)
    if found is None or found.canary + found.live == 0:
        return "Not enough votes yet: nobody has given either a thumbs-down."
    return f"Not enough votes yet: {found.counted}. {_in_truth(found, experiments.rules(experiment).alpha)}"


def _in_truth(found: Evidence, alpha: float) -> str:
    """Between which bounds the ratio is, as far as there are any, and how sure that is."""
    one, both = f"({1 - alpha:.0%} sure)", f"({1 - 2 * alpha:.0%} sure)"
    match found.low, found.high:
        case 0.0, None:
            return "In truth any number of times as many people may dislike the canary as the live version."
        case low, None:
            return f"In truth at least {low:.1f} {TIMES} {one}."
        case 0.0, high:
            return f"In truth at most {high:.1f} {TIMES} {one}."
        case low, high:
            return f"In truth {low:.1f} to {high:.1f} {TIMES} {both}."


def time_needed(found: Forecast) -> str:
    """How many people with a thumbs-down a decision takes, and how many days, at the pace of the last weeks."""
    kinds = ((found.as_good, "as good as the live version"), (found.better, "better"), (found.worse, "harmful"))
    parts = [f"{_people(people)} if it is {kind}{_days(found.days(people))}" for people, kind in kinds]
    voted = round(found.people_a_day * PACE_DAYS)
    pace = f"{experiments.people(voted)} with a thumbs-down in the last {PACE_DAYS} days"
    verb = "was" if voted == 1 else "were"
    slow = [days for people, _ in kinds if (days := found.days(people)) is None or days > found.limit]
    hint = (
        f" More than the {how_many(found.limit, 'day')} of an experiment: an admin may have to decide." if slow else ""
    )
    return f"A decision takes about {', '.join(parts)}; there {verb} {pace}.{hint}"


def _people(people: int | None) -> str:
    return "very many people with a thumbs-down" if people is None else experiments.people(people)


def _days(days: float | None) -> str:
    return f" ({how_many(max(1, round(days)), 'day')})" if days is not None else ""


def table(tallies: Mapping[Arm, Tally]) -> str:
    """Both arms in numbers, in a fixed-width block."""
    live, canary = tallies[Arm.LIVE], tallies[Arm.CANARY]
    rows: list[tuple[str, object, object]] = [
        ("", "live", "canary"),
        ("people", live.people, canary.people),
        ("answers", live.answers, canary.answers),
        ("with 👍", live.up, canary.up),
        ("with 👎", live.down, canary.down),
        ("corrected", live.corrections, canary.corrections),
        ("asked again soon", live.follow_ups, canary.follow_ups),
        ("seconds to next", _seconds(live), _seconds(canary)),
    ]
    return "```" + "\n".join(f"{name:<17}{first!s:>8}{second!s:>8}" for name, first, second in rows) + "```"


def _seconds(tally: Tally) -> str:
    return "-" if tally.seconds_to_next is None else f"{tally.seconds_to_next:.0f}"


def due(experiment: Experiment, now: datetime) -> str | None:
    """What the channel of record is to be told now; None: it knows everything."""
    if experiment.ended_at:
        return ENDED
    if experiments.overdue(experiment, now):
        return None if experiment.told == OVERDUE else OVERDUE
    return None if experiment.told == STARTED else STARTED


def announcement(what: str, seen: Standing, command: str) -> str:
    """The words for the channel of record."""
    experiment = seen.experiment
    if what == STARTED:
        needed = time_needed(seen.forecast)
        return f"🟡 {_beside(experiment)}. Their votes decide which one stays. {needed}"
    if what == OVERDUE:
        end = f"`{command} canary promote` or `{command} canary stop` ends it; otherwise the votes go on counting."
        return f"⏳ {_beside(experiment)}, and the votes have not decided in time. {_votes(experiment)} {end}"
    name, why = escape(experiment.adapter.name), escape(experiment.outcome or "")
    match experiment.adapter.status:
        case AdapterStatus.REJECTED:
            live = escape(experiment.live.name)
            return f"⛔ The canary `{name}` is taken back, and `{live}` answers everybody: {why}"
        case AdapterStatus.RETIRED if experiment.run.cancel_requested_by:
            return f"⏹️ {who(experiment.run.cancel_requested_by)} took the canary `{name}` back: {why}"
        case _:
            return f"✅ The canary `{name}` is live for everybody: {why}"
