"""What `/mend status`, `adapters`, `cases` and `help` say. Reading is in ``read``; the rest is pure, escaped mrkdwn."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from bot import canary_blocks
from bot.blocks import section
from bot.canary_blocks import Standing
from bot.case_blocks import state, take_case_back, who
from bot.replies import Reply
from bot.run_blocks import summary, table
from bot.run_news import RunNews, collect, scores
from bot.text import escape, how_many, shorten
from feedback import adapters, automatic, cases, lineage, pauses, reports, reviews, runs
from feedback.automatic import Rules, Verdict
from feedback.models import Adapter, Case, Pause
from feedback.reports import Result
from feedback.reviews import Queue
from feedback.states import AdapterStatus

COMMANDS = {
    "status": "which version answers, what waits, and how far a training is",
    "review": "decide on corrections, one at a time; `review approved` shows what is approved already (admins)",
    "retrain": "see what would be trained on, and confirm it (admins)",
    "cancel": "stop the training that is under way (admins)",
    "pause": "train nothing until `resume`, neither by hand nor by itself; a reason may follow (admins)",
    "resume": "end the pause (admins)",
    "canary": "how the version that some people try is doing; `canary promote` and `canary stop` end that (admins)",
    "rollback": "bring the version before the live one back (admins)",
    "adapters": "every version there has been",
    "probes": "what the live version said to its probes",
    "undo": "`@somebody`: take everything back that they taught me (admins)",
    "cases": "the newest flagged answers, where each stands, and to take one back; a number shows one (admins)",
    "follow": "`on` or `off`: go on in this channel's threads without being named (admins)",
    "help": "this list",
}
OF_CASES = {"new", "mended"}  # groups of probes
MARKS = {AdapterStatus.LIVE: "🟢", AdapterStatus.CANARY: "🟡", AdapterStatus.REJECTED: "⛔"}


@dataclass(frozen=True)
class Overview:
    """How things stand."""

    live: Adapter | None
    queue: Queue
    run: RunNews | None  # the one under way, or the last one
    adapters: tuple[Adapter, ...]
    cases: tuple[Case, ...]  # newest first
    pause: Pause | None = None
    automatic: Verdict | None = None  # None: automatic training is off
    taken_back: tuple[int, ...] = ()  # cases that the live version still knows
    canary: Standing | None = None


def read(session: Session, persona: str, rules: Rules | None = None) -> Overview:
    """Read the overview."""
    latest = runs.latest(session, persona, limit=1)
    newest = cases.listed(session, persona, limit=10, newest=True)
    for case in newest:
        _ = case.adapter
    return Overview(
        live=adapters.live(session, persona),
        queue=reviews.queue(session, persona),
        run=collect(session, latest[0]) if latest else None,
        adapters=tuple(adapters.listed(session, persona, limit=15)),
        cases=tuple(newest),
        pause=pauses.current(session, persona),
        automatic=_verdict(session, persona, rules) if rules else None,
        taken_back=lineage.origin(session, persona).without,
        canary=canary_blocks.read(session, persona),
    )


def _verdict(session: Session, persona: str, rules: Rules) -> Verdict | None:
    verdict = automatic.decide(rules, automatic.read(session, persona), datetime.now(UTC))
    return verdict if rules.on or verdict.start else None


def read_probes(session: Session, persona: str) -> tuple[str, Sequence[Result] | None]:
    """The live version's name and its newest probe results."""
    live = adapters.live(session, persona)
    name = f"`{escape(live.name)}`" if live else "the base model"
    return name, reports.latest(session, live.id if live else None)


def nearest(word: str) -> str | None:
    """The command that somebody may have meant."""
    close = difflib.get_close_matches(word.casefold(), COMMANDS, n=1, cutoff=0.5)
    return close[0] if close else None


def usage(command: str, unknown: str = "") -> str:
    """Every command with what it does; after an unknown word, the nearest one first."""
    lines = [f"`{command} {name}` {what}" for name, what in COMMANDS.items()]
    if not unknown:
        return "\n".join(lines)
    guess = nearest(unknown)
    meant = f" Did you mean `{command} {guess}`?" if guess else ""
    return "\n".join([f"I don't know `{escape(shorten(unknown, 40))}`.{meant}", *lines])


def status(seen: Overview, now: datetime | None = None) -> str:
    """Live version, queue, run, and whether more is to come."""
    lines = [live_line(seen.live, now), queue_line(seen.queue)]
    if seen.canary:
        lines[1:1] = canary_blocks.lines(seen.canary, now)
    lines.append(f"{escape(summary(seen.run))}." if seen.run else "No training has run yet.")
    return "\n".join(lines + training_lines(seen, now))


def training_lines(seen: Overview, now: datetime | None = None) -> list[str]:
    """Whether training is paused, what the next one leaves out, and what automatic training waits for."""
    lines = [paused_line(seen.pause, now)] if seen.pause else []
    if seen.taken_back:
        named, were = lineage.named(seen.taken_back)
        it = "it" if len(seen.taken_back) == 1 else "them"
        lines.append(
            f"{named} {were} taken back, and the live version still knows {it}; the next training leaves {it} out."
        )
    if seen.automatic is None:
        return lines
    return [*lines, f"Automatic training {'starts now' if seen.automatic.start else 'waits'}: {seen.automatic.why}."]


def paused_line(pause: Pause, now: datetime | None = None) -> str:
    """Who has paused training, how long ago and why."""
    why = f": {escape(shorten(pause.why, 300))}" if pause.why else ""
    span = age((now or datetime.now(UTC)) - pause.created_at)
    return f"⏸️ Training was paused by {who(pause.paused_by)} {span} ago{why}"


def live_line(live: Adapter | None, now: datetime | None = None) -> str:
    """Who answers."""
    if live is None:
        return "The base model answers; nothing is trained yet."
    since = f", live for {age((now or datetime.now(UTC)) - live.live_at)}" if live.live_at else ""
    return f"`{escape(live.name)}` answers{since}."


def queue_line(queue: Queue) -> str:
    """What waits."""
    unmended = f" · {queue.unmended} not mended by the last training" if queue.unmended else ""
    unmended += f" · {queue.halfway} for a second approval" if queue.halfway else ""
    return (
        f"{how_many(queue.corrected, 'correction')} to decide on · {how_many(queue.flagged, 'flag')} without a "
        f"correction · {queue.approved} approved and not trained on yet{unmended}"
    )


def age(span: timedelta) -> str:
    """A time span in its largest unit."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def adapter_list(found: Sequence[Adapter]) -> str:
    """Every version, newest first."""
    if not found:
        return "There is no version yet; the base model answers."
    return "\n".join(f"{MARKS.get(one.status, '⚪')} `{escape(one.name)}` {one.status}" for one in found)


def probe_list(name: str, results: Sequence[Result] | None, *, everything: bool) -> str:
    """What a version said to its probes: the table, and those that fail.

    Without ``everything``, probes of cases are only counted: their prompts are what somebody asked, maybe in private.
    """
    if not results:
        return f"There is no probe report of {name} yet."
    failed = [one for one in results if not one.passed]
    shown = [one for one in failed if everything or (one.case_id is None and one.group not in OF_CASES)]
    lines = [f"✗ {escape(shorten(one.prompt, 80))}: {escape(shorten(one.reason, 120))}" for one in shown]
    more = [f"… and {len(lines) - 10} more"] if len(lines) > 10 else []
    if hidden := len(failed) - len(shown):
        more.append(f"✗ {how_many(hidden, 'wording')} of corrected questions; what was asked is for admins to see.")
    return "\n".join([name, table(scores((), results)), *lines[:10], *more])


def read_case(session: Session, persona: str, case_id: int) -> list[Case]:
    """The case with a number, if there is one."""
    found = session.get(Case, case_id)
    if found is None or found.persona != persona:
        return []
    _ = found.adapter
    return [found]


def case_list(found: Sequence[Case], number: int | None = None) -> Reply:
    """Cases, or the one with a number, each with the button that takes it back if it may have been learned."""
    if not found:
        return Reply("Nobody has flagged an answer yet." if number is None else f"There is no case {number}.")
    heading = "Newest first; a number after `cases` shows an older one." if len(found) > 1 else "As it stands:"
    return Reply(heading, tuple(section(_case_line(case), take_case_back(case)) for case in found))


def _case_line(case: Case) -> str:
    return f"*{case.id}* {escape(shorten(case.question, 80))} · {state(case, 160)} · {who(case.flagged_by)}"
