"""How a case looks to people: its state in words, and the news its thread gets. Pure."""

import hashlib
from collections.abc import Sequence

from bot.blocks import SECTION, Block, actions, button, context, section
from bot.text import escape, quote, quote_all, shorten
from feedback.cases import REASONS
from feedback.models import Answer, Case
from feedback.states import CaseStatus
from feedback.votes import Person

CORRECT, WITHDRAW_VOTE = "mend_correct", "mend_withdraw_vote"
LONGEST_QUESTION = 8000  # characters of a question in a window; a window takes 100 blocks
LONGEST_TURN = 250  # characters of what was said before it
MOST_NAMED = 5
ASK_AGAIN, STILL_WRONG, WITHDRAW_CASE = "mend_ask_again", "mend_still_wrong", "mend_withdraw_case"
TAKE_CASE_BACK, TAKE_CASE_BACK_WINDOW = "mend_take_case_back", "mend_take_case_back_window"


def who(actor: str | None) -> str:
    """An actor of the record in mrkdwn: a person as a mention, the worker and the command line as they are."""
    person = Person.parse(actor or "")
    return f"<@{person.user_id}>" if person else escape(actor or "nobody")


def state(case: Case, longest: int = 600) -> str:
    """Where a case stands, in escaped words; a reason is given in ``longest`` characters at most."""
    why = f": {escape(shorten(case.outcome, longest))}" if case.outcome else ""
    match case.status:
        case CaseStatus.FLAGGED:
            return "flagged; nobody has written yet what it should have been"
        case CaseStatus.CORRECTED:
            return "waits for an admin"
        case CaseStatus.APPROVED:
            again = f" (not mended so far{why})" if why else ""
            return f"approved; the next training learns it{again}"
        case CaseStatus.TRAINING:
            return "is being learned"
        case CaseStatus.MENDED:
            return f"mended in `{escape(case.adapter.name)}`" if case.adapter else "mended"
        case CaseStatus.UNMENDED:
            return f"not mended yet{why}"
        case CaseStatus.REJECTED:
            return f"turned down{why}"
        case CaseStatus.WITHDRAWN:
            return "taken back"


def take_case_back(case: Case) -> Block | None:
    """The admin's button that takes back what may have been learned; None where a review can decide on it."""
    # One in training may be a canary's, which is taken back with it; of any other the window says that it stays.
    if case.status not in {CaseStatus.TRAINING, CaseStatus.MENDED, CaseStatus.UNMENDED}:
        return None
    return button("Take back", TAKE_CASE_BACK, str(case.id))


def reason(case: Case) -> str:
    """What its reporter said is wrong, in words; empty when they did not say."""
    return REASONS.get(case.reason or "", "")


def before_after(case: Case) -> list[Block]:
    """The question, what was said, and what should have been; of what is learned, nothing is left out."""
    shown = _whole("Question", shorten(case.question, LONGEST_QUESTION))
    if case.bad_answer:
        shown.append(section(f"*What I said*\n{quote(case.bad_answer)}"))
    if case.correction:
        shown += _whole("What I should have said", case.correction)
    if case.wordings:
        shown += _whole("Other ways to ask this", "\n".join(case.wordings))
    return shown


def talk_before(turns: Sequence[Answer]) -> list[Block]:
    """What was said in the thread before a question that may mean little without it."""
    return [
        section(
            f"*Before it*\n{quote(turn.question, LONGEST_TURN)}\n*Answered*\n{quote(turn.text or '', LONGEST_TURN)}"
        )
        for turn in turns
    ]


def _whole(title: str, words: str) -> list[Block]:
    """Somebody's words under a title, in as many sections as they need."""
    heading = f"*{title}*\n"
    first, *more = quote_all(words, SECTION - len(heading))
    return [section(heading + first), *map(section, more)]


def fingerprint(case: Case) -> str:
    """Short and other for other words: tells whether a case still is what somebody was shown."""
    return hashlib.sha256(f"{case.question}\0{case.correction}\0{case.wordings}".encode()).hexdigest()[:16]


def invitation(answer_id: int) -> list[Block]:
    """The buttons of the private note after a thumbs-down."""
    write = button("Write what I should have said", CORRECT, str(answer_id), "primary")
    return [actions([write, button("Take my vote back", WITHDRAW_VOTE, f"{answer_id}:down")])]


def take_back(answer_id: int) -> list[Block]:
    """The button of the private note after a thumbs-up."""
    return [actions([button("Take my vote back", WITHDRAW_VOTE, f"{answer_id}:up")])]


def news(case: Case, now: str | None = None, flaggers: Sequence[str] = ()) -> tuple[str, list[Block]] | None:
    """What the thread of a case is told about its new state: a short text, and blocks. None: nothing.

    ``now`` is what the adapter that learned it says to the question, ``flaggers`` are those to name.
    """
    told = _named(flaggers or [case.flagged_by])
    if case.status is CaseStatus.MENDED:
        return _mended(case, now, told)
    if case.status is CaseStatus.APPROVED and case.outcome:
        text = "This is not mended yet."
        so = f"{escape(shorten(case.outcome, 600))}\nThe correction stays approved; the next training tries it again."
        return text, [section(f"{told}: {text}"), context(so)]
    if case.status is CaseStatus.UNMENDED:
        text = "I tried to learn the correction, and still get it wrong."
        blame = escape(shorten(case.outcome or "its probes fail", 600))
        why = context(f"Why: {blame}. It goes back to the admins; nothing is lost.")
        return text, [section(f"{told}: {text}"), why]
    if case.status is CaseStatus.REJECTED:
        text = "An admin has turned the correction down."
        return text, [section(f"{told}: {text}"), context(f"Reason: {escape(case.outcome or 'none given')}")]
    return None


def _named(actors: Sequence[str]) -> str:
    """Everybody by name, as far as that is readable."""
    names = [who(actor) for actor in actors]
    shown, more = names[:MOST_NAMED], len(names) - MOST_NAMED
    if more > 0:
        shown.append("another" if more == 1 else f"{more} others")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _mended(case: Case, now: str | None, told: str) -> tuple[str, list[Block]]:
    name = case.adapter.name if case.adapter else "my newest version"
    after = f"*Now*\n{quote(now)}" if now else f"*What I have learned*\n{quote(case.correction or '')}"
    buttons = [
        button("Ask again", ASK_AGAIN, str(case.id), "primary"),
        button("Still wrong", STILL_WRONG, str(case.id)),
    ]
    return f"Mended in {name}: {case.question}", [
        section(f"🧵 *Mended in* `{escape(name)}`. Thank you, {told}!"),
        section(f"*Before*\n{quote(case.bad_answer or '')}"),
        section(after),
        actions(buttons),
    ]
