"""Trouble on demand, to see how an app bears it.

Each fault is spent after `times` uses (None: until cleared). Not imitated: partial network failure, slow sockets.
"""

from dataclasses import dataclass, replace
from typing import Any

from sandbox.payload import Payload

STREAM_METHODS = ("chat.startStream", "chat.appendStream", "chat.stopStream")


class FaultError(ValueError):
    """The request for a fault is not understood; the message says why."""


@dataclass(frozen=True)
class Fault:
    """`kind` is a key of KINDS. `method` is a Web API method or `*`."""

    kind: str
    method: str = "*"
    times: int | None = None
    error: str = "fatal_error"
    retry_after: int = 1
    ms: int = 0
    content_type: str = "text/plain"


KINDS = {
    "rate_limit": "The next calls of `method` get HTTP 429 and Retry-After",
    "method_error": "Calls of `method` get `error`",
    "unavailable": "Calls of `method` get HTTP 503 with a body of `content_type` that is no JSON, as from a proxy",
    "no_streaming": "The three stream methods get `error`, as in a workspace without them",
    "refuse_feedback": "Posts with feedback_buttons get invalid_blocks",
    "delay": "Calls of `method` wait for `ms` first",
    "duplicate": "The next events are delivered twice",
    "drop_acks": "The next acknowledgements are lost",
}


def parse_fault(request: Payload) -> Fault:
    kind = request.get("kind")
    if kind not in KINDS:
        raise FaultError(f"kind must be one of {', '.join(KINDS)}")
    unknown = set(request) - {"kind", "method", "times", "error", "retry_after", "ms", "content_type"}
    if unknown:
        raise FaultError(f"unknown field: {', '.join(sorted(unknown))}")
    defaults: dict[str, Any] = {"times": 1} if kind in ("rate_limit", "duplicate", "drop_acks") else {}
    if kind == "no_streaming":
        defaults["error"] = "unknown_method"
    fault = Fault(**{**defaults, **request})
    if fault.times is not None and fault.times < 1:
        raise FaultError("times must be 1 or more")
    return fault


class Faults:
    def __init__(self) -> None:
        self._active: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._active.append(fault)

    def clear(self) -> None:
        self._active.clear()

    def active(self) -> list[Fault]:
        return list(self._active)

    def take(self, kind: str, method: str = "*") -> Fault | None:
        """The first fault that applies, counted as used once."""
        for index, fault in enumerate(self._active):
            if fault.kind == kind and fault.method in ("*", method):
                self._spend(index, fault)
                return fault
        return None

    def _spend(self, index: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times == 1:
            del self._active[index]
        else:
            self._active[index] = replace(fault, times=fault.times - 1)
