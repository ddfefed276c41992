"""The progress message of a training run. Pure."""

from collections.abc import Sequence

from bot.blocks import Block, actions, button, context, section
from bot.case_blocks import who
from bot.figures import LOSS, block
from bot.run_news import RunNews, Score
from bot.text import escape, shorten
from feedback.automatic import ANOTHER_ATTEMPT, AUTOMATIC
from feedback.states import RunStatus
from feedback.votes import Person

CANCEL_RUN = "mend_cancel_run"
STAGES = (
    RunStatus.QUEUED,
    RunStatus.PARAPHRASING,
    RunStatus.BUILDING,
    RunStatus.TRAINING,
    RunStatus.PROBING,
    RunStatus.DEPLOYING,
    RunStatus.CANARY,
)
_WORDS = {
    RunStatus.QUEUED: "waits for the trainer",
    RunStatus.PARAPHRASING: "finds other wordings",
    RunStatus.BUILDING: "puts the training rows together",
    RunStatus.TRAINING: "trains",
    RunStatus.PROBING: "is being probed",
    RunStatus.DEPLOYING: "goes live",
    RunStatus.CANARY: "is tried by some people first",
    RunStatus.LIVE: "is live",
    RunStatus.REJECTED: "was not good enough",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "was cancelled",
}
WROTE = {"person": "people's", "model": "the base model's", "rewording": "by rule"}
_MARKS = {
    RunStatus.CANARY: "🟡",
    RunStatus.LIVE: "✅",
    RunStatus.REJECTED: "⛔",
    RunStatus.FAILED: "⚠️",
    RunStatus.CANCELLED: "⏹️",
}
_SPARKS = "▁▂▃▄▅▆▇█"


def summary(news: RunNews) -> str:
    """One plain line."""
    mark = _MARKS.get(news.status, "🧵")
    return f"{mark} Run {news.id} {_WORDS[news.status]}"


def ended(news: RunNews) -> str:
    """Word to whoever started a run, or the one that it is another attempt of, that it is over, in escaped mrkdwn;
    empty when nobody did, or it goes on."""
    person = None if news.active else Person.parse(news.wanted_by)
    return f"<@{person.user_id}>: {escape(summary(news))}{_name(news)}" if person else ""


def progress(news: RunNews) -> list[Block]:
    """The message as it stands."""
    why = f": {escape(news.why)}" if news.requested_by in (AUTOMATIC, ANOTHER_ATTEMPT) else ""
    about = f"Started by {who(news.requested_by)}{why} · {_new_cases(news.cases - news.again)}"
    about += f" · {news.again} taught again" if news.again else ""
    about += f" · {_origin(news)}"
    shown = [section(f"*{escape(summary(news))}*{_name(news)}"), context(about)]
    if news.active:
        shown.append(section(_stages(news)))
        if news.cancelled_by:
            shown.append(context(f"{who(news.cancelled_by)} asked to cancel; it stops at its next step."))
        elif news.status is not RunStatus.DEPLOYING:
            shown.append(actions([_cancel(news.id)]))
    drawn = news.pictures or {}
    curve = sparkline([loss for _, loss in news.progress.losses])
    if curve and LOSS not in drawn:
        shown.append(context(f"Loss {curve} {news.progress.losses[-1][1]:.2f}"))
    return [*shown, *_verdict(news), *_wordings(news), *_figures(news)]


def _origin(news: RunNews) -> str:
    if news.parent is None:
        return "from the base model"
    parent = f"`{escape(news.parent)}`"
    return f"from the base model, with all that {parent} knows" if news.anew else f"from {parent}"


def _wordings(news: RunNews) -> list[Block]:
    """At the end: how many wordings of each generator were good enough to be used."""
    if news.active or not news.wordings:
        return []
    told = [
        f"{WROTE.get(generator, generator)} {found['accepted']} of {found['accepted'] + found['turned_down']}"
        for generator, found in news.wordings.items()
    ]
    return [context(f"Other wordings that were good enough: {escape(', '.join(told))}")]


def _figures(news: RunNews) -> list[Block]:
    """The pictures; in text where Slack has not taken them, and nothing while they are drawn."""
    if news.pictures is None:
        return []
    shown: list[Block] = []
    for figure in news.figures:
        if file_id := news.pictures.get(figure.kind):
            shown.append(block(figure, file_id))
        else:
            shown.append(section(f"*{escape(figure.title)}*\n```{escape(figure.table)}```"))
    return shown


def _new_cases(count: int) -> str:
    return "no new case" if count == 0 else f"{count} new case" + ("s" if count > 1 else "")


def _name(news: RunNews) -> str:
    return f": `{escape(news.adapter)}`" if news.adapter else ""


def _cancel(run_id: int) -> Block:
    element = button("Cancel", CANCEL_RUN, str(run_id))
    element["confirm"] = {
        "title": {"type": "plain_text", "text": "Cancel this run?"},
        "text": {"type": "plain_text", "text": "Its cases stay approved for the next one."},
        "confirm": {"type": "plain_text", "text": "Cancel the run"},
        "deny": {"type": "plain_text", "text": "Let it run"},
    }
    return element


def _stages(news: RunNews) -> str:
    done = [f"✓ {stage} {_time(news.progress.seconds[stage])}" for stage in STAGES if stage in news.progress.seconds]
    now = f"▸ *{escape(news.status)}* {bar(news.progress.step, news.progress.steps)}".rstrip()
    facts = [f"step {news.progress.step} of {news.progress.steps}"] if news.progress.steps else []
    if news.progress.loss is not None:
        facts.append(f"loss {news.progress.loss:.2f}")
    if news.progress.eta_seconds is not None:
        facts.append(f"about {_time(news.progress.eta_seconds)} left")
    if news.progress.detail:
        facts.append(escape(shorten(news.progress.detail, 200)))
    return "\n".join([" · ".join(done), now, " · ".join(facts)]).strip()


def bar(step: int, steps: int, width: int = 12) -> str:
    """Per cent and a bar that fits one line on a phone; nothing while the number of steps is unknown."""
    if steps <= 0:
        return ""
    part = min(max(step / steps, 0.0), 1.0)
    full = round(part * width)
    return f"{part:.0%}\u00a0{'▰' * full}{'▱' * (width - full)}"


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """A curve in one line of text, evenly thinned to ``width`` points."""
    if len(values) < 2:
        return ""
    step = max(1.0, len(values) / width)
    points = [values[min(len(values) - 1, int(index * step))] for index in range(min(width, len(values)))]
    low, high = min(points), max(points)
    scale = (len(_SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_SPARKS[round((point - low) * scale)] for point in points)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _verdict(news: RunNews) -> list[Block]:
    shown: list[Block] = []
    if news.scores:
        shown.append(section(table(news.scores)))
    if news.changed:
        lines = [f"• {escape(shorten(prompt, 120))}" for prompt in news.changed[:5]]
        more = f"\n… and {len(news.changed) - 5} more" if len(news.changed) > 5 else ""
        shown.append(section("*Passed before and fails now*\n" + "\n".join(lines) + more))
    if news.decision:
        reasons = news.decision.reasons or [check.reason for check in news.decision.checks]
        title = "Accepted" if news.decision.accepted else "Not accepted"
        lines = [f"• {escape(shorten(reason, 300))}" for reason in reasons[:8]]
        shown.append(section(f"*{title}*\n" + "\n".join(lines)))
    if news.status is RunStatus.FAILED:
        shown.append(
            section(f"*What went wrong*\n```{escape(shorten(news.error or 'no reason was written', 1500))}```")
        )
    if news.status is RunStatus.CANCELLED:
        shown.append(context(f"Cancelled by {who(news.cancelled_by)}. Its cases stay approved for the next run."))
    return shown


def table(scores: Sequence[Score]) -> str:
    """The probe table, was and is, in a fixed-width block."""

    def cell(counted: tuple[int, int] | None) -> str:
        return f"{counted[0]}/{counted[1]}" if counted else "-"

    rows = [("probes", "was", "is"), *((score.group, cell(score.was), cell(score.now)) for score in scores)]
    lines = [f"{group:<10}{was:>8}{now:>8}" for group, was, now in rows]
    return "```" + escape("\n".join(lines)) + "```"
