"""The few names under which serving fails, and the table from vLLM's words to them.

``ServingError`` is the base of all; ``ServingUnavailable`` is the only one where trying again later helps.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ServingError(Exception):
    """Something said to the model server did not work."""


class ServingUnavailable(ServingError):
    """A server is unreachable, draining, dead, poisoned or silent; the message says which, and what to do."""


class ServerAsleep(ServingUnavailable):
    """A server sleeps while a training has the GPU; what would touch its memory now would kill its engine."""


class AdapterNotServed(ServingError):
    """The server knows no model of this name, and it could not be loaded either."""


class AdapterLoadError(ServingError):
    """An adapter must not, or cannot, be served; ``reason`` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PromptTooLong(ServingError):
    """The messages and the longest answer do not fit the context window together."""


class RequestRefused(ServingError):
    """The server turned a request down for a reason that this program does not know: a bug here, or a wrong key."""


class Meaning(StrEnum):
    """What an answer of vLLM's means, as far as the caller has to act on it."""

    NOT_SERVED = "not served"
    BROKEN_ADAPTER = "broken adapter"
    ALREADY_LOADED = "already loaded"
    NOT_LOADED = "not loaded"
    RANK_TOO_LARGE = "rank too large"
    UNSUPPORTED_OPTION = "unsupported option"
    OTHER_BASE = "other base model"
    HALF_WRITTEN = "half-written"
    NOT_ON_REPLICA = "not on this replica"
    POISONED = "poisoned"
    ENGINE_DEAD = "engine dead"
    DRAINING = "draining"
    TOO_LONG = "too long"
    WRONG_KEY = "wrong key"
    OVERLOADED = "overloaded"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One line of the table: this status with words like these means that."""

    status: int
    words: str
    meaning: Meaning


TABLE = (
    Row(404, r"No adapter found for", Meaning.NOT_ON_REPLICA),
    Row(404, r"cannot be found", Meaning.NOT_LOADED),
    Row(404, r"does not exist", Meaning.NOT_SERVED),
    Row(400, r"was found but could not be loaded", Meaning.BROKEN_ADAPTER),
    Row(400, r"already been loaded", Meaning.ALREADY_LOADED),
    Row(400, r"Out of range float values", Meaning.POISONED),
    Row(400, r"maximum context length is|cannot be greater than max_", Meaning.TOO_LONG),
    Row(400, r"max_(completion_)?tokens\b.* cannot be greater", Meaning.TOO_LONG),
    Row(500, r"greater than max_lora_rank", Meaning.RANK_TOO_LARGE),
    Row(
        500,
        r"DoRA|modules_to_save|[Aa]dapter bias|LoRA bias|init_lora_weights|does not support",
        Meaning.UNSUPPORTED_OPTION,
    ),
    Row(500, r"size of tensor a|expected target modules in", Meaning.OTHER_BASE),
    Row(
        500,
        r"incomplete metadata|not fully covered|doesn't contain tensors|Missing required configuration fields",
        Meaning.HALF_WRITTEN,
    ),
    Row(500, r"cannot schedule new futures after shutdown", Meaning.DRAINING),
    Row(500, r"EngineCore|EngineDead", Meaning.ENGINE_DEAD),
    Row(401, r"", Meaning.WRONG_KEY),
    Row(429, r"", Meaning.OVERLOADED),
    Row(502, r"", Meaning.ENGINE_DEAD),
    Row(503, r"", Meaning.ENGINE_DEAD),
    Row(504, r"", Meaning.ENGINE_DEAD),
)


def message_of(body: Any) -> str:
    """The words in an error body, whichever of vLLM's forms it has."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            return str(inner.get("message", inner))
        return str(inner)
    return str(body)


def meaning(status: int, words: str) -> Meaning:
    """What a status and its words mean; rows are read from the top."""
    for row in TABLE:
        if row.status == status and re.search(row.words, words):
            return row.meaning
    return Meaning.UNKNOWN


def as_error(url: str, name: str, status: int, body: Any) -> ServingError:
    """The error to raise for a reply of the server at ``url`` to something about the model ``name``."""
    words = message_of(body)
    match meaning(status, words):
        case Meaning.NOT_SERVED | Meaning.NOT_LOADED:
            return AdapterNotServed(f"{url} does not serve {name!r}: {words}")
        case Meaning.BROKEN_ADAPTER | Meaning.ALREADY_LOADED:
            return AdapterLoadError(f"{url} cannot load {name!r}: {words}")
        case Meaning.RANK_TOO_LARGE:
            return AdapterLoadError(f"{name!r} has a rank above the limit of the server at {url}: {words}")
        case Meaning.UNSUPPORTED_OPTION:
            return AdapterLoadError(f"{name!r} was trained with an option that vLLM does not serve: {words}")
        case Meaning.OTHER_BASE:
            return AdapterLoadError(f"{name!r} was trained on another base model: {words}")
        case Meaning.HALF_WRITTEN:
            return AdapterLoadError(f"The files of {name!r} are incomplete: {words}")
        case Meaning.NOT_ON_REPLICA:
            return AdapterLoadError(f"{url} does not see the folder of {name!r}; share the adapters' folder: {words}")
        case Meaning.POISONED:
            return poisoned(url)
        case Meaning.ENGINE_DEAD:
            return ServingUnavailable(f"The engine of {url} is dead; it has to be started again: {words}")
        case Meaning.DRAINING:
            return ServingUnavailable(f"{url} is shutting down; ask another replica or wait until it is back.")
        case Meaning.OVERLOADED:
            return ServingUnavailable(f"{url} has too much to do; try again later.")
        case Meaning.TOO_LONG:
            return PromptTooLong(words)
        case Meaning.WRONG_KEY:
            return RequestRefused(f"{url} refused the API key; set MEND_SERVING__API_KEY to the server's VLLM_API_KEY.")
        case Meaning.UNKNOWN:
            kind = ServingUnavailable if status >= 500 else RequestRefused
            return kind(f"{url} replied {status}: {words[:500]}")


def poisoned(url: str) -> ServingUnavailable:
    """The error for a server in which NaN values were computed: nothing it says is to be trusted any more."""
    return ServingUnavailable(
        f"{url} has computed NaN values, which spoil the base model and every adapter on it; restart that server."
    )


def asleep(url: str) -> ServerAsleep:
    """The error for a server that was asked, while it sleeps, for what only an awake one can do."""
    return ServerAsleep(f"{url} sleeps while a training has the GPU; try again when it is awake.")


def sleepless(url: str) -> RequestRefused:
    """The error for a server that was not started as one that can sleep."""
    return RequestRefused(
        f"{url} cannot sleep: restart it with `mend serve` and the worker's MEND_SERVING__SHARING, or set `beside`."
    )


def unreachable(url: str, cause: Exception) -> ServingUnavailable:
    """The error for a server that does not answer at all."""
    return ServingUnavailable(f"No model server answers at {url} ({type(cause).__name__}); start it with `mend serve`.")
