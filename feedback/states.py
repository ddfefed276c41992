"""The states of cases, training runs, adapters and answers, and the moves between them, written once.

The diagram in README.md is drawn from ``CASE_MOVES``, ``RUN_MOVES`` and ``ADAPTER_MOVES``.
"""

from collections.abc import Mapping
from enum import StrEnum


class AnswerStatus(StrEnum):
    """Where a question stands; every question ends in one of the last three."""

    PENDING = "pending"
    ANSWERED = "answered"
    STOPPED = "stopped"
    FAILED = "failed"


class VoteValue(StrEnum):
    """One person's thumb."""

    UP = "up"
    DOWN = "down"


class CaseStatus(StrEnum):
    """Where a case stands on its way from a thumbs-down to a mended answer."""

    FLAGGED = "flagged"
    CORRECTED = "corrected"
    APPROVED = "approved"
    TRAINING = "training"
    MENDED = "mended"
    UNMENDED = "unmended"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class RunStatus(StrEnum):
    """The stage of a training run."""

    QUEUED = "queued"
    PARAPHRASING = "paraphrasing"
    BUILDING = "building"
    TRAINING = "training"
    PROBING = "probing"
    DEPLOYING = "deploying"
    CANARY = "canary"
    LIVE = "live"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Arm(StrEnum):
    """Which adapter an experiment gives somebody."""

    LIVE = "live"
    CANARY = "canary"


class AdapterStatus(StrEnum):
    """What an adapter is to the bot."""

    CANDIDATE = "candidate"
    CANARY = "canary"
    LIVE = "live"
    RETIRED = "retired"
    REJECTED = "rejected"


C, R, A = CaseStatus, RunStatus, AdapterStatus

CASE_MOVES: Mapping[CaseStatus, frozenset[CaseStatus]] = {
    C.FLAGGED: frozenset({C.CORRECTED, C.REJECTED, C.WITHDRAWN}),
    C.CORRECTED: frozenset({C.APPROVED, C.REJECTED, C.WITHDRAWN}),
    # approved -> mended: an admin promotes an earlier adapter that has already learned the case.
    C.APPROVED: frozenset({C.TRAINING, C.MENDED, C.CORRECTED, C.REJECTED, C.WITHDRAWN}),
    # training -> approved: the run ended without a verdict on this case, so it waits for the next one.
    C.TRAINING: frozenset({C.MENDED, C.UNMENDED, C.APPROVED}),
    # unmended -> mended: as above; the run's verdict was about another adapter.
    C.UNMENDED: frozenset({C.CORRECTED, C.APPROVED, C.MENDED, C.REJECTED, C.WITHDRAWN}),
    # mended -> approved: the adapter that learned it was rolled back; mended -> corrected: "still wrong".
    C.MENDED: frozenset({C.APPROVED, C.CORRECTED, C.WITHDRAWN}),
    C.REJECTED: frozenset({C.CORRECTED}),
    C.WITHDRAWN: frozenset(),
}
CLOSED_CASES = frozenset({C.REJECTED, C.WITHDRAWN})


def may_second(who: str, *, first: str | None, corrected_by: str | None) -> bool:
    """Whether somebody may give the second of two approvals: neither the first approver, nor whose words they are."""
    return first is not None and who not in {first, corrected_by}


_STOP = frozenset({R.FAILED, R.CANCELLED})
RUN_MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    R.QUEUED: _STOP | {R.PARAPHRASING},
    R.PARAPHRASING: _STOP | {R.BUILDING},
    R.BUILDING: _STOP | {R.TRAINING},
    R.TRAINING: _STOP | {R.PROBING},
    R.PROBING: _STOP | {R.DEPLOYING, R.REJECTED},
    R.DEPLOYING: frozenset({R.CANARY, R.LIVE, R.FAILED}),
    # Its adapter answers a share of people; the run holds its cases until people's votes, or an admin, have decided.
    R.CANARY: frozenset({R.LIVE, R.REJECTED, R.CANCELLED}),
    R.LIVE: frozenset(),
    R.REJECTED: frozenset(),
    R.FAILED: frozenset(),
    R.CANCELLED: frozenset(),
}
ACTIVE_RUNS = frozenset(status for status, moves in RUN_MOVES.items() if moves)

ADAPTER_MOVES: Mapping[AdapterStatus, frozenset[AdapterStatus]] = {
    A.CANDIDATE: frozenset({A.CANARY, A.LIVE, A.REJECTED}),
    A.CANARY: frozenset({A.LIVE, A.RETIRED, A.REJECTED}),
    A.LIVE: frozenset({A.RETIRED}),
    A.RETIRED: frozenset({A.LIVE}),
    # rejected -> candidate: a blend, or passed over while its run was still training, and better than the others.
    A.REJECTED: frozenset({A.CANDIDATE}),
}

Status = CaseStatus | RunStatus | AdapterStatus


class IllegalMove(Exception):
    """A state was asked to change in a way that DESIGN.md does not allow."""

    def __init__(self, subject: str, current: Status, wanted: Status) -> None:
        super().__init__(f"{subject} is {current}; it cannot become {wanted}")
        self.subject, self.current, self.wanted = subject, current, wanted


def check_move(subject: str, current: Status, wanted: Status) -> None:
    """Raise IllegalMove unless ``current -> wanted`` is written above."""
    allowed: frozenset[Status]
    if isinstance(current, CaseStatus):
        allowed = frozenset(CASE_MOVES[current])
    elif isinstance(current, RunStatus):
        allowed = frozenset(RUN_MOVES[current])
    else:
        allowed = frozenset(ADAPTER_MOVES[current])
    # StrEnums of different kinds compare equal by their text.
    if type(wanted) is not type(current) or wanted not in allowed:
        raise IllegalMove(subject, current, wanted)
