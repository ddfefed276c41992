"""The pieces that Mend's messages and views are built from. Pure; every value put in is escaped or plain text."""

from collections.abc import Sequence
from typing import Any

from bot.slack_messages import Footer
from bot.text import escape, shorten, shorten_mrkdwn

Block = dict[str, Any]

SECTION, CONTEXT, HEADER, BUTTON, PLAIN_OPTION = 3000, 2000, 150, 75, 75  # the most characters that Slack takes

FEEDBACK = "mend_feedback"
UP, DOWN = "up", "down"


def section(mrkdwn: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn that the caller has escaped."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": shorten_mrkdwn(mrkdwn, SECTION) or " "}}
    return {**block, "accessory": accessory} if accessory else block


def context(mrkdwn: str) -> Block:
    """A small grey line."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": shorten_mrkdwn(mrkdwn, CONTEXT)}]}


def in_words(blocks: Sequence[Block]) -> str:
    """The mrkdwn of what ``section`` and ``context`` have made, for where Slack does not draw blocks."""
    texts = (block.get("text") or next(iter(block.get("elements") or [{}])) for block in blocks)
    return "\n".join(str(text["text"]) for text in texts if text.get("type") == "mrkdwn")


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(text, HEADER)}


def divider() -> Block:
    """A line."""
    return {"type": "divider"}


def plain(text: str, limit: int) -> Block:
    """Text in which nothing is special."""
    return {"type": "plain_text", "text": shorten(text, limit), "emoji": False}


def button(text: str, action_id: str, value: str, style: str = "") -> Block:
    """A button; ``style`` is primary or danger."""
    element: Block = {"type": "button", "text": plain(text, BUTTON), "action_id": action_id, "value": value}
    return {**element, "style": style} if style else element


def actions(elements: Sequence[Block], block_id: str = "") -> Block:
    """Buttons in a row."""
    block: Block = {"type": "actions", "elements": list(elements)}
    return {**block, "block_id": block_id} if block_id else block


def answer_footer(note: str = "") -> Footer:
    """The thumbs under an answer, in Slack's own form and as plain buttons, and a note about the answer."""
    notes = [context(escape(note))] if note else []
    return Footer(native=[*notes, _native_thumbs()], plain=[*notes, _plain_thumbs()])


def _native_thumbs() -> Block:
    def thumb(text: str, label: str, value: str) -> Block:
        return {"text": plain(text, BUTTON), "accessibility_label": label, "value": value}

    element: Block = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": thumb("Good answer", "This answer is good", UP),
        "negative_button": thumb("Bad answer", "This answer is wrong, and I can say what it should have been", DOWN),
    }
    return {"type": "context_actions", "elements": [element]}


def _plain_thumbs() -> Block:
    # Two buttons of one row need ids of their own; the listener takes whatever begins with FEEDBACK.
    return actions([button("👍", f"{FEEDBACK}_{UP}", UP), button("👎", f"{FEEDBACK}_{DOWN}", DOWN)])
