"""The windows that Mend opens. Pure; callback ids and block ids are what listeners/views.py reads back."""

import json
from collections.abc import Sequence
from typing import Any

from bot.blocks import SECTION, Block, actions, button, context, divider, plain, section
from bot.case_blocks import before_after, fingerprint, reason, state, talk_before, who
from bot.text import escape, how_many, quote, quote_all
from feedback.cases import MOST_WORDINGS, REASONS
from feedback.models import Answer, Case
from feedback.reviews import Queue
from feedback.states import CASE_MOVES, CaseStatus

View = dict[str, Any]

CORRECTION, REVIEW, EDIT, REJECT = "mend_correction", "mend_review", "mend_edit", "mend_reject"
TEXT, REASON, WORDINGS = "text", "reason", "wordings"  # block ids, and action ids within them
APPROVE, REVISE, TURN_DOWN, SKIP = "mend_approve", "mend_revise", "mend_turn_down", "mend_skip"
TAKE_BACK, SEE_APPROVED, SEE_WAITING = "mend_take_back", "mend_see_approved", "mend_see_waiting"
REVIEW_ACTIONS = (APPROVE, REVISE, TURN_DOWN, SKIP, TAKE_BACK, SEE_APPROVED, SEE_WAITING)

LONGEST_REASON = 1500  # characters; with what is escaped in them they still fit the grey line that tells them
_MEANWHILE = "meanwhile"  # block ids of what somebody else has written
_FIELD = 3000  # the longest text a field takes; longer corrections than we teach get an error that says so


def modal(title: str, callback_id: str, blocks: Sequence[Block], metadata: object, submit: str = "") -> View:
    """A window; without ``submit`` it can only be closed."""
    view: View = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, 24),
        "close": plain("Cancel" if submit else "Close", 24),
        "blocks": list(blocks),
        "private_metadata": json.dumps(metadata),
    }
    return {**view, "submit": plain(submit, 24)} if submit else view


def correction(
    question: str | None,
    bad_answer: str | None,
    metadata: Block,
    *,
    written: str = "",
    chosen: str = "",
    wordings: Sequence[str] = (),
) -> View:
    """What should I have said? ``written``, ``chosen`` and ``wordings`` are what an earlier correction has.

    A window with ``thumb`` in its metadata came with a thumbs-down, and is heard of when it is closed unsent.
    """
    shown: list[Block] = []
    if question:
        shown.append(section(f"*Question*\n{quote(question)}"))
    if bad_answer:
        shown.append(section(f"*What I said*\n{quote(bad_answer)}"))
    fields = [_text_field("What should I have said?", written), _reason_field(chosen), _wordings_field(wordings)]
    hint = context("An admin reads it before I learn it. When it is learned I tell you in the thread.")
    view = modal("Teach me", CORRECTION, [*shown, *fields, hint], metadata, "Send")
    return {**view, "notify_on_close": True} if metadata.get("thumb") else view


def overtaken(view: View, theirs: str, by: str | None, seen: str, text: str) -> View:
    """A correction's window that was sent, with what somebody else has written meanwhile on top.

    ``seen`` is kept in it, so that sending it once more replaces those words and no others.
    """
    words = quote_all(theirs, SECTION)
    said = f"⚠️ {who(by)} has written this meanwhile. *Send* once more puts your words in its place:"
    top = [{**section(part), "block_id": f"{_MEANWHILE}{number}"} for number, part in enumerate([said, *words])]
    below = [block for block in view["blocks"] if not str(block.get("block_id")).startswith(_MEANWHILE)]
    fields = [
        {**block, "element": {**block["element"], "initial_value": text}} if block.get("block_id") == TEXT else block
        for block in below
    ]
    names = ("type", "callback_id", "title", "submit", "close", "notify_on_close")
    kept = {name: view[name] for name in names if name in view}
    return {**kept, "private_metadata": json.dumps({**read(view), "seen": seen}), "blocks": [*top, *fields]}


def _text_field(label: str, value: str = "", hint: str = "", longest: int = _FIELD) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": TEXT, "multiline": True, "max_length": longest}
    if value:
        element["initial_value"] = value[:_FIELD]
    block: Block = {"type": "input", "block_id": TEXT, "label": plain(label, 2000), "element": element}
    return {**block, "hint": plain(hint, 2000)} if hint else block


def _reason_field(chosen: str) -> Block:
    options = [{"text": plain(words, 75), "value": key} for key, words in REASONS.items()]
    element: Block = {"type": "static_select", "action_id": REASON, "options": options}
    if chosen in REASONS:
        element["initial_option"] = next(option for option in options if option["value"] == chosen)
    label = plain("What is wrong with it?", 2000)
    return {"type": "input", "block_id": REASON, "optional": True, "label": label, "element": element}


def _wordings_field(wordings: Sequence[str]) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": WORDINGS, "multiline": True, "max_length": _FIELD}
    if wordings:
        element["initial_value"] = "\n".join(wordings)[:_FIELD]
    return {
        "type": "input",
        "block_id": WORDINGS,
        "optional": True,
        "label": plain("Other ways to ask this", 2000),
        "hint": plain(
            f"One a line, at most {MOST_WORDINGS}. I practise with them, so that I know it in other words.", 2000
        ),
        "element": element,
    }


def review(
    case: Case | None,
    queue: Queue,
    metadata: dict[str, Any],
    *,
    notice: str = "",
    hints: Sequence[str] = (),
    before: Sequence[Answer] = (),
) -> View:
    """One case to decide on, or word that none waits. ``notice`` says what became of the one before it; ``before`` is
    what was said in its thread before its question.
    """
    top = [context(escape(notice))] if notice else []
    if case is None:
        more = [_others("See what is approved", SEE_APPROVED)] if queue.approved else []
        said = section(_nothing_waits(queue, metadata.get("skipped") or []))
        return modal("Review", REVIEW, [*top, said, *more], metadata)
    shown = [_about(case), *talk_before(before), *before_after(case), *(section(f"⚠️ {escape(hint)}") for hint in hints)]
    if case.status is CaseStatus.UNMENDED:
        shown.append(section(f"⚠️ Tried before, {state(case)}. Approve tries it once more."))
    if case.first_approved_by:
        shown.append(section(f"{who(case.first_approved_by)} has approved it; it needs one more."))
    if not case.correction:
        shown.append(section("_Nobody has written what it should have been. Edit lets you do it._"))
    left = context(f"{queue.waiting} to decide on · {queue.approved} approved and not trained on yet")
    return modal("Review", REVIEW, [*top, *shown, divider(), _decisions(case), left], metadata)


def approved(
    case: Case | None, queue: Queue, metadata: dict[str, Any], *, notice: str = "", hints: Sequence[str] = ()
) -> View:
    """One case that is approved and not trained on yet: it can be taken back, put in other words, or turned down."""
    top = [context(escape(notice))] if notice else []
    back = _others("Back to what waits", SEE_WAITING)
    if case is None:
        said = "No further approved case." if metadata.get("skipped") else "No case is approved and not trained on yet."
        return modal("Approved", REVIEW, [*top, section(said), back], metadata)
    value = str(case.id)
    buttons = [
        button("Take back", TAKE_BACK, value),
        button("Edit", REVISE, value),
        button("Reject", TURN_DOWN, value, "danger"),
        button("Next", SKIP, value),
    ]
    about = context(f"Approved by {who(case.decided_by)} · {queue.approved} approved and not trained on yet")
    warnings = [section(f"⚠️ {escape(hint)}") for hint in hints]
    drawn = [*top, _about(case), about, *before_after(case), *warnings, divider(), actions(buttons), back]
    return modal("Approved", REVIEW, drawn, metadata)


def _others(text: str, action_id: str) -> Block:
    return actions([button(text, action_id, "")])


def _about(case: Case) -> Block:
    about = f"Case {case.id}, flagged by {who(case.flagged_by)}"
    if case.corrected_by and case.corrected_by != case.flagged_by:
        about += f", corrected by {who(case.corrected_by)}"
    if reason(case):
        about += f" · {escape(reason(case))}"
    return context(about)


def _decisions(case: Case) -> Block:
    value = str(case.id)
    edit = button("Edit" if case.correction else "Write it", REVISE, value)
    rest = [edit, button("Reject", TURN_DOWN, value, "danger"), button("Skip", SKIP, value)]
    if not case.correction or CaseStatus.APPROVED not in CASE_MOVES[case.status]:
        return actions(rest)
    return actions([button("Approve", APPROVE, f"{value}:{fingerprint(case)}", "primary"), *rest])


def _nothing_waits(queue: Queue, skipped: Sequence[int]) -> str:
    again = f" You skipped {len(skipped)}; open the review again to see them." if skipped else ""
    train = f" Approved and not trained on yet: {how_many(queue.approved, 'case')}." if queue.approved else ""
    second = f" For a second admin's approval: {how_many(queue.halfway, 'case')}." if queue.halfway else ""
    return f"Nothing waits for a decision.{second}{again}{train}"


def edit(case: Case, metadata: object) -> View:
    """An admin's own wording of a correction."""
    shown = [section(f"*Question*\n{quote(case.question)}")]
    if case.bad_answer:
        shown.append(section(f"*What I said*\n{quote(case.bad_answer)}"))
    field = _text_field("What should I have said?", case.correction or "")
    return modal("Edit", EDIT, [*shown, field], metadata, "Save and approve")


def reject(case: Case, metadata: object) -> View:
    """Why a correction is turned down."""
    hint = "The person who flagged the answer is told, in the thread."
    field = _text_field("Why not?", hint=hint, longest=LONGEST_REASON)
    return modal("Reject", REJECT, [section(f"*Question*\n{quote(case.question)}"), field], metadata, "Reject")


def read(view: View) -> dict[str, Any]:
    """The private metadata of a window."""
    about: dict[str, Any] = json.loads(view.get("private_metadata") or "{}")
    return about


def notice(title: str, mrkdwn: str) -> View:
    """A window that only says something. The text is escaped by the caller."""
    return modal(title, "mend_notice", [section(mrkdwn)], {})


def with_notice(view: View, text: str) -> View:
    """A window as it stands, with a word on top: Slack's own additions to the view are left out."""
    kept = ("type", "callback_id", "title", "close", "private_metadata")
    blocks = [context(escape(text)), *view["blocks"]]
    return {**{key: view[key] for key in kept if key in view}, "blocks": blocks}
