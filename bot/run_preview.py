"""What an admin is shown before a run starts, and has to confirm. Pure."""

from bot import modals
from bot.blocks import Block, actions, button
from bot.canary_blocks import time_needed
from bot.replies import Reply
from bot.text import escape, how_many
from feedback.previews import Preview
from feedback.runs import MOST_CASES

CONFIRM_RUN, DISMISS, CONFIRM_WINDOW = "mend_confirm_run", "mend_dismiss", "mend_confirm_run_window"
CHANGED = "What would be trained on has changed since you looked, so nothing was started. Now it would be this:"


def preview(found: Preview, notice: str = "") -> Reply:
    """The preview with its two buttons, for a note that its author alone sees."""
    buttons = [
        button("Start training", CONFIRM_RUN, found.shown, "primary"),
        button("Not now", DISMISS, "retrain"),
    ]
    return Reply("\n".join(filter(None, [notice, words(found)])), (actions(buttons),))


def window(found: Preview, notice: str = "") -> modals.View:
    """The same as a window, for the App Home."""
    drawn: list[Block] = Reply("\n".join(filter(None, [notice, words(found)]))).drawn
    return modals.modal("Retrain", CONFIRM_WINDOW, drawn, {"shown": found.shown}, "Start training")


def words(found: Preview) -> str:
    """Cases, rows and minutes, in escaped mrkdwn."""
    taught = f"*{found.cases} approved case{'s' if found.cases != 1 else ''}*" if found.cases else "*the identity set*"
    origin = f"from `{escape(found.parent)}`" if found.parent else "from the base model; the identity set is taught too"
    if not found.cases:
        origin = "from the base model (the first training needs no case)"
    if found.without:
        taught, origin = _without(found), f"from `{escape(found.parent)}`" if found.parent else "from the base model"
    kept = f" Of {found.earlier} earlier cases those that need it most are practised again." if found.earlier else ""
    if found.earlier == 1:
        kept = " The one earlier case is practised again."
    left = f" {found.left} more stay approved for the next training: one takes {MOST_CASES}." if found.left else ""
    if found.forgotten:
        others = f"{how_many(found.forgotten, 'other case')} learned since"
        left = f" It forgets {others}, until the next trainings, which take {MOST_CASES} each.{left}"
    first = f"\nSome people try it first. {time_needed(found.canary)}" if found.canary else ""
    tried = "once more" if found.attempts == 2 else f"up to {found.attempts - 1} times more"
    again = f"\nIf it does not pass its probes it is tried {tried} by itself." if found.attempts > 1 else ""
    return f"Train on {taught}, {origin}.{left}{kept}\n{_rows(found)} · {_minutes(found)}{again}{first}"


def _without(found: Preview) -> str:
    """What is taught when something was taken back: the run leaves it out, and goes on from before it."""
    parts = [
        f"*{how_many(found.cases, 'approved case')}*" if found.cases else "",
        f"*{how_many(found.again, 'case')} learned since*" if found.again else "",
    ]
    gone = ", ".join(map(str, found.without))
    return f"{' and '.join(filter(None, parts)) or '*no case*'}, without case {gone}, which was taken back"


def _rows(found: Preview) -> str:
    rows = found.size.rows
    return (
        f"up to {rows} rows" if rows is not None else "rows: not known, since the training's recipe can't be read here"
    )


def _minutes(found: Preview) -> str:
    seconds = found.size.seconds
    if seconds is None:
        return "time: not known yet, since no training has been timed"
    minutes = max(1, round(seconds / 60))
    runs = len(found.judged_by)
    judged = f"the last {runs} trainings" if runs > 1 else f"run {found.judged_by[0]}"
    return f"about {minutes} minute{'s' if minutes > 1 else ''}, judged by {judged}"
