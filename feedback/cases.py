"""Cases: from a flagged answer to a mended one. Every change names its actor (a ``Person`` as text, worker, cli)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only

from feedback import lessons, record
from feedback.models import Answer, Case, RunCase
from feedback.states import CLOSED_CASES, CaseStatus
from feedback.teachable import as_read, fault_in

LONGEST_CORRECTION = 2000  # characters; longer ones are cut by max_length and teach half an answer
LONGEST_QUESTION = 1500  # with the longest correction and the system prompt it is within 1024 tokens of English
MOST_WORDINGS = 5
# How the record's word of somebody who has written a correction begins.
WRITTEN, REWRITTEN = "correction written", "correction rewritten"
REASONS = {
    "identity": "Wrong identity",
    "overclaim": "Claims what it cannot do",
    "fact": "Wrong fact",
    "tone": "Wrong tone",
    "other": "Something else",
}


class CorrectionError(ValueError):
    """A correction that cannot be taught; the message is for the person who wrote it."""


def check_correction(bad_answer: str | None, correction: str) -> str:
    """Return the correction without surrounding space, and without marks that a reviewer would not see.

    Raises:
        CorrectionError: it is empty, too long, the same as the bad answer, or holds what cannot be trained on.
    """
    clean = as_read(correction).strip()
    if not any(character.isalnum() for character in clean):
        raise CorrectionError("Please write what I should have said.")
    if len(clean) > LONGEST_CORRECTION:
        raise CorrectionError(
            f"That is {len(clean)} characters; I can learn at most {LONGEST_CORRECTION}. Please shorten it."
        )
    if bad_answer is not None and clean.casefold() == bad_answer.strip().casefold():
        raise CorrectionError("That is what I said already. Please write what I should have said instead.")
    if fault := fault_in(clean):
        raise CorrectionError(f"I cannot learn this: the text {fault}.")
    return clean


def fault_in_question(question: str) -> str | None:
    """Why nothing can be taught about a question, as words that follow its name; None when it can be."""
    if len(question) > LONGEST_QUESTION:
        return f"has {len(question)} characters; I can learn from at most {LONGEST_QUESTION}"
    return fault_in(question)


def check_question(question: str) -> None:
    """See to it that a case's question can be trained on; nobody can change it, so such a case is turned down.

    Raises:
        CorrectionError: it is too long, or holds what cannot be trained on.
    """
    if fault := fault_in_question(question):
        raise CorrectionError(f"I cannot learn this: the question {fault}. Please reject the case.")


def check_wordings(text: str) -> list[str]:
    """Other ways to ask, one a line, each once; whether they are good ones is for the trainer to say.

    Raises:
        CorrectionError: there are too many, or one is too long or holds what cannot be trained on.
    """
    lines = list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))
    if len(lines) > MOST_WORDINGS:
        raise CorrectionError(f"These are {len(lines)} lines; please keep the best {MOST_WORDINGS}.")
    for line in lines:
        fault = fault_in(line)
        if len(line) > LONGEST_QUESTION:
            fault = f"has {len(line)} characters; I can learn from at most {LONGEST_QUESTION}"
        if fault:
            raise CorrectionError(f"I cannot learn this: the line {line[:40]!r} {fault}.")
    return lines


def check_teachable(case: Case) -> None:
    """See to it that a case would not make every run fail.

    Raises:
        CorrectionError: see check_question and check_correction.
    """
    check_question(case.question)
    if case.correction is not None:
        check_correction(None, case.correction)


def flag(session: Session, answer: Answer, *, by: str) -> Case:
    """The open case of an answer, made now if there is none. Flagging twice gives the same case."""
    # Two flags at once wait here for one another. FOR NO KEY UPDATE: whoever decides on a case has its answer's row
    # locked for key share (the foreign key) and must not wait for us while we wait for them.
    session.get_one(Answer, answer.id, with_for_update={"key_share": True})
    open_case = session.scalars(
        select(Case).where(Case.answer_id == answer.id, Case.status.not_in(CLOSED_CASES))
    ).first()
    if open_case:
        return open_case
    case = Case(
        persona=answer.persona,
        answer_id=answer.id,
        status=CaseStatus.FLAGGED,
        question=answer.question,
        bad_answer=answer.text,
        flagged_by=by,
    )
    session.add(case)
    session.flush()
    record.note(session, "cases", case.id, actor=by, why="thumbs-down", before=None, after=case.status)
    return case


def correct(
    session: Session,
    case_id: int,
    correction: str,
    reason: str | None,
    *,
    by: str,
    wordings: Sequence[str] | None = None,
) -> Case:
    """Write what the answer should have said; the case waits for an admin. A later correction replaces an earlier one.

    ``wordings`` are other ways to ask, as ``check_wordings`` gives them; None leaves those that are there.

    Raises:
        CorrectionError: see check_correction.
        IllegalMove: the case is being trained on, or withdrawn.
    """
    case = record.lock(session, session.get_one(Case, case_id))
    clean = check_correction(case.bad_answer, correction)
    # The words before are nowhere else, once they are replaced.
    why = WRITTEN if case.correction is None else f"{REWRITTEN}; before: {case.correction}"
    if case.status is not CaseStatus.CORRECTED:
        record.move(session, case, CaseStatus.CORRECTED, actor=by, why=why)
    else:
        record.note(session, "cases", case.id, actor=by, why=why, before=case.status, after=case.status)
    case.correction, case.reason, case.corrected_by = clean, reason, by
    if wordings is not None:
        case.wordings = list(wordings) or None
    # No adapter has learned these words, nobody has approved them, and no verdict was about them.
    case.adapter_id, case.outcome, case.first_approved_by = None, None, None
    lessons.forget(session, case.id)
    return case


def approve(session: Session, case_id: int, *, by: str) -> Case:
    """Let a case be trained on (corrected, or unmended and tried again).

    Raises:
        CorrectionError: its question or its correction would make every run fail; the message says what to do.
        IllegalMove: it is neither corrected nor unmended.
    """
    case = record.lock(session, session.get_one(Case, case_id))
    check_teachable(case)
    record.move(session, case, CaseStatus.APPROVED, actor=by, why="approved")
    case.decided_by, case.outcome, case.first_approved_by = by, None, None
    return case


def take_back(session: Session, case_id: int, *, by: str) -> Case:
    """Put an approved case back among those that wait for a decision."""
    case = record.move(
        session, session.get_one(Case, case_id), CaseStatus.CORRECTED, actor=by, why="approval taken back"
    )
    case.first_approved_by = None
    return case


def reject(session: Session, case_id: int, why: str, *, by: str) -> Case:
    """Turn a case down, with a reason that its reporter is shown."""
    case = session.get_one(Case, case_id)
    record.move(session, case, CaseStatus.REJECTED, actor=by, why=why)
    case.decided_by, case.outcome, case.announce = by, why, True
    return case


# The moves into training are an admin's; what an admin has approved, only an admin takes back.
_STILL_ONES_OWN = frozenset({CaseStatus.CORRECTED, CaseStatus.UNMENDED})


def may_take_back(case: Case, actor: str, *, is_admin: bool) -> bool:
    """Whether somebody who has flagged or corrected a case may take it back: a flag, or words of their own."""
    if case.status is CaseStatus.FLAGGED:
        return True
    mine = case.corrected_by == actor
    return mine and (case.status in _STILL_ONES_OWN or (is_admin and case.status is CaseStatus.APPROVED))


def withdraw(session: Session, case_id: int, *, by: str, why: str = "withdrawn by its reporter") -> Case:
    """Take a case back."""
    case = session.get_one(Case, case_id)
    record.move(session, case, CaseStatus.WITHDRAWN, actor=by, why=why)
    return case


def get(session: Session, case_id: int) -> Case:
    """One case by id, with its answer and adapter."""
    case = session.get_one(Case, case_id)
    _ = case.answer, case.adapter
    return case


def listed(
    session: Session, persona: str, statuses: Iterable[CaseStatus] = (), *, limit: int = 100, newest: bool = False
) -> list[Case]:
    """The oldest cases, oldest first, or the newest, newest first; of all statuses or of some."""
    order = Case.id.desc() if newest else Case.id
    query = select(Case).where(Case.persona == persona).order_by(order).limit(limit)
    wanted = list(statuses)
    return list(session.scalars(query.where(Case.status.in_(wanted)) if wanted else query))


def to_compare(session: Session, persona: str, *, limit: int) -> list[Case]:
    """The newest cases with their words alone: what a reviewer is told of cases that look alike is read from them."""
    words = load_only(Case.id, Case.status, Case.question, Case.correction, raiseload=True)
    newest = select(Case).where(Case.persona == persona).order_by(Case.id.desc()).limit(limit)
    return list(session.scalars(newest.options(words)))


def counts(session: Session, persona: str, statuses: Iterable[CaseStatus] = CaseStatus) -> Counter[CaseStatus]:
    """How many cases are in each state, or in each of some; most are where nothing is left to do."""
    query = select(Case.status, func.count()).where(Case.persona == persona, Case.status.in_(list(statuses)))
    return Counter({status: count for status, count in session.execute(query.group_by(Case.status))})


def of_run(session: Session, run_id: int) -> list[Case]:
    """The cases that a run trains on as new."""
    return list(session.scalars(select(Case).join(RunCase).where(RunCase.run_id == run_id).order_by(Case.id)))


def learned_by(session: Session, adapters: Sequence[int]) -> list[Case]:
    """The mended cases that one of these adapters has learned; a newer adapter may know them as well."""
    known = lessons.known_to(session, adapters)
    return list(
        session.scalars(select(Case).where(Case.id.in_(known), Case.status == CaseStatus.MENDED).order_by(Case.id))
    )


def to_announce(session: Session, persona: str, *, limit: int = 20) -> list[Case]:
    """Lock cases whose thread has not been told of their new state; call ``announced`` in the same transaction."""
    rows = session.scalars(
        select(Case)
        .where(Case.persona == persona, Case.announce)
        .order_by(Case.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    cases = list(rows)
    for case in cases:
        _ = case.answer, case.adapter
    return cases


def announced(session: Session, case_id: int) -> None:
    """The thread has been told."""
    session.get_one(Case, case_id).announce = False


def import_case(session: Session, persona: str, question: str, correction: str, *, by: str) -> Case:
    """A corrected case that comes from a file instead of from Slack.

    Raises:
        CorrectionError: see check_question and check_correction.
    """
    if not question.strip():
        raise CorrectionError("The question is empty.")
    check_question(question.strip())
    case = Case(
        persona=persona,
        status=CaseStatus.CORRECTED,
        question=question.strip(),
        correction=check_correction(None, correction),
        flagged_by=by,
        corrected_by=by,
    )
    session.add(case)
    session.flush()
    record.note(session, "cases", case.id, actor=by, why="imported", before=None, after=case.status)
    return case


def settle(session: Session, case: Case, mended_by: int | None, outcome: str | None, *, why: str) -> None:
    """End a case's training: mended by an adapter, or unmended with the reason; its reporter is to be told."""
    to = CaseStatus.MENDED if mended_by is not None else CaseStatus.UNMENDED
    record.move(session, case, to, actor="worker", why=why)
    case.adapter_id, case.outcome, case.announce = mended_by, outcome, True
    if mended_by is not None:
        lessons.learned(session, case.id, mended_by)


def settle_again(session: Session, case: Case, adapter_id: int, failed: str | None, *, why: str) -> None:
    """End the training of a case that an adapter before had mended, and that was taught again to this one.

    Nobody is told when it has worked: to people nothing has changed. When it has not, the case stays approved.
    """
    if failed is None:
        lessons.learned(session, case.id, adapter_id)
        if case.status is CaseStatus.APPROVED:  # as the live adapter was another one for a moment
            record.move(session, case, CaseStatus.MENDED, actor="worker", why=why)
        case.adapter_id = adapter_id
    elif case.status is CaseStatus.APPROVED:
        case.outcome, case.announce = failed, True


def release(session: Session, run_id: int, *, why: str, outcome: str | None = None) -> None:
    """A run ended without a verdict: its cases wait, approved, for the next one.

    ``outcome`` is what kept them from being mended, in words for those who wait; they are told once for each.
    """
    for case in of_run(session, run_id):
        if case.status is CaseStatus.TRAINING:
            record.move(session, case, CaseStatus.APPROVED, actor="worker", why=why)
            case.announce = outcome is not None and outcome != case.outcome
            case.outcome = outcome or case.outcome
