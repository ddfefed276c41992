"""App Home: what I flagged and where it stands; for admins, what waits and what was trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot import canary_blocks, thumbs_plot
from bot.blocks import Block, actions, button, context, divider, header, section
from bot.case_blocks import WITHDRAW_CASE, reason, state, take_case_back, who
from bot.listings import Overview, adapter_list, live_line, queue_line, read, training_lines
from bot.people import UNKNOWN_TO_US, Standing
from bot.run_blocks import summary
from bot.run_news import RunNews, collect
from bot.text import escape, how_many, shorten
from bot.thumbs_plot import Plot
from feedback import cases, reviews, runs
from feedback.automatic import Rules
from feedback.models import Case

OPEN_REVIEW, START_RUN = "mend_open_review", "mend_start_run"
MY_CASES, RUNS_SHOWN = 15, 5
NOT_YET = "You have not flagged an answer yet. When one is wrong, give it a 👎 and tell me what is right."
FOR_GUESTS = "Ask me anything, in a message or by my name in a channel. Only members of this workspace can teach me."


@dataclass(frozen=True)
class Seen:
    """All that one person's Home shows."""

    name: str
    mine: tuple[Case, ...]
    overview: Overview | None  # for admins
    learned: tuple[Case, ...] = ()  # this week
    runs: tuple[RunNews, ...] = ()
    plot: Plot | None = None  # thumbs-down by version
    actor: str = ""
    may_not_teach: str = ""  # word of it, for whoever may not


def collect_home(session: Session, persona: str, name: str, standing: Standing, rules: Rules | None = None) -> Seen:
    """Read one person's Home. What members have asked is not shown to others."""
    seen = _of_anybody(session, persona, name, standing)
    if not standing.is_admin:
        return seen
    latest = runs.latest(session, persona, limit=RUNS_SHOWN)
    told = tuple(collect(session, run) for run in latest)
    overview = read(session, persona, rules)
    return replace(seen, overview=overview, runs=told, plot=thumbs_plot.read(session, persona))


def _of_anybody(session: Session, persona: str, name: str, standing: Standing) -> Seen:
    actor, week = str(standing.person), datetime.now(UTC) - timedelta(days=7)
    mine = tuple(reviews.reported_by(session, persona, actor, limit=MY_CASES))
    if standing.may_teach:
        return Seen(name, mine, None, tuple(reviews.learned_since(session, persona, week)), actor=actor)
    unknown = standing.why_not == UNKNOWN_TO_US
    return Seen(name, mine, None, actor=actor, may_not_teach=UNKNOWN_TO_US if unknown else FOR_GUESTS)


def home(seen: Seen) -> dict[str, Any]:
    """The view."""
    blocks = [
        header(f"{seen.name}, and what you taught it"),
        *_mine(seen),
        *_learned(seen.learned, seen.overview is not None),
    ]
    if seen.overview:
        blocks += [divider(), *_admin(seen.overview, seen.runs, seen.plot.blocks if seen.plot else [])]
    return {"type": "home", "blocks": blocks[:100]}


def _mine(seen: Seen) -> list[Block]:
    if not seen.mine:
        return [section(seen.may_not_teach or NOT_YET)]
    shown: list[Block] = []
    for case in seen.mine:
        said = f"\n_{escape(shorten(case.correction, 200))}_" if case.correction else ""
        why = f" · {escape(reason(case))}" if reason(case) else ""
        words = f"*{escape(shorten(case.question, 200))}*{said}\n{state(case)}{why}"
        can_go = cases.may_take_back(case, seen.actor, is_admin=seen.overview is not None)
        shown.append(section(words, button("Take back", WITHDRAW_CASE, str(case.id)) if can_go else None))
    return shown


def _learned(learned: Sequence[Case], is_admin: bool) -> list[Block]:
    if not learned:
        return []
    if is_admin:
        return [
            divider(),
            section("*Learned this week*"),
            *(section(_source(case), take_case_back(case)) for case in learned),
        ]
    lines = [f"• {_source(case)}" for case in learned]
    return [divider(), section("*Learned this week*\n" + "\n".join(lines))]


def _source(case: Case) -> str:
    return f"{escape(shorten(case.question, 120))} · from {who(case.corrected_by)}"


def _admin(overview: Overview, latest: Sequence[RunNews], thumbs: Sequence[Block]) -> list[Block]:
    waiting = overview.queue.waiting
    review = button(f"Review {waiting}" if waiting else "Review", OPEN_REVIEW, "", "primary" if waiting else "")
    lines = [f"• {escape(summary(one))} · {how_many(one.cases, 'case')}" for one in latest] or [
        "No training has run yet."
    ]
    return [
        header("For admins"),
        section(live_line(overview.live)),
        *(canary_blocks.standing(overview.canary) if overview.canary else ()),
        section(queue_line(overview.queue)),
        *map(section, training_lines(overview)),
        actions([review, button("Retrain", START_RUN, "")]),
        *thumbs,
        section("*Trainings*\n" + "\n".join(lines)),
        section("*Versions*\n" + adapter_list(overview.adapters[:8])),
        context("Every approval, training and rollback is written down with who did it."),
    ]
