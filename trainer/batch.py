"""How many rows of an update are on the GPU at a time.

Measured on one H100 80GB, 2026-11-24: Qwen2.5-7B's shape in bfloat16 (15.23 GB of weights), LoRA of rank 8, 16 rows of
up to 65 tokens an update, 40 updates, ms-swift 4.6.0, 0 or 4 data workers; the peak is the driver's.

    at a time      checkpointing  peak     a step
    16             no             27.7 GB  0.3 s
    4, 4 times     no             19.7 GB  1.0 s
    1, 16 times    yes            16.6 GB  6.5 s

Fewer passes are faster steps, nearly in proportion, since the host launches more slowly than the card works; with
checkpointing a pass costs about a third more (not measured here). The two rows without it make 10.3 MB a token on top
of 17.0 GB. With it, 3 MB a token are counted: kept inputs, the layer that is computed again, and the logits of a large
vocabulary (an estimate, not measured). For other bases the fixed part goes with the weights, and what a token takes is
never counted lower than for this one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feedback.datasets import REJECTED, Example
from feedback.models import Json

MEASURED_WEIGHTS = 15.23e9
MEASURED_TOKENS = 65  # of the longest row
FIXED = 17.0e9 / MEASURED_WEIGHTS  # of the weights: with gradients and optimizer of a LoRA, and CUDA itself
PER_TOKEN, PER_TOKEN_CHECKPOINTED = 10.3e6, 3.0e6
MARGIN = 1.08  # pieces that cannot be used, and rows that pad to more than the longest
LESS = 0.8  # of what was reckoned with, when that was too little
FRAME = 10  # tokens that a chat template puts around a message, at most
RECOMPUTED = 4 / 3  # the price of a pass with checkpointing


@dataclass(frozen=True)
class Batch:
    """Rows at a time, how often for an update, and whether activations are computed twice."""

    per_device: int
    accumulated: int
    checkpointing: bool

    @property
    def rows(self) -> int:
        """Of an update."""
        return self.per_device * self.accumulated


def careful(effective_batch: int) -> Batch:
    """What takes least memory."""
    return Batch(1, effective_batch, True)


def fit(
    free_bytes: int | None, effective_batch: int, longest: int = MEASURED_TOKENS, weights: float = MEASURED_WEIGHTS
) -> Batch:
    """The fastest way to make an update of so many rows that fits; the careful one when nothing is known.

    `free_bytes` is what training may take, its base model (`weights` bytes) included; `longest` are the tokens of the
    longest row.
    """
    if free_bytes is None:
        return careful(effective_batch)
    ways = [
        Batch(rows, effective_batch // rows, checkpointing)
        for rows in range(1, effective_batch + 1)
        if effective_batch % rows == 0
        for checkpointing in (False, True)
    ]
    fitting = [way for way in ways if needed(way, weights, longest) <= free_bytes]
    return min(fitting, key=_cost, default=careful(effective_batch))


def below(batch: Batch, weights: float, longest: int) -> Batch | None:
    """The fastest way that takes a fifth less than one that did not fit after all; None: that was the careful one."""
    if batch == careful(batch.rows):
        return None
    return fit(int(LESS * needed(batch, weights, longest)), batch.rows, longest, weights)


def peak(batch: Batch, longest: int, weights: float) -> float:
    """The most bytes that a training takes, as far as is known."""
    per_token = PER_TOKEN_CHECKPOINTED if batch.checkpointing else PER_TOKEN
    return FIXED * weights + per_token * max(1.0, weights / MEASURED_WEIGHTS) * batch.per_device * longest


def needed(batch: Batch, weights: float, longest: int = MEASURED_TOKENS) -> float:
    """The bytes that have to be free for it."""
    return peak(batch, longest, weights) * MARGIN


def _cost(batch: Batch) -> float:
    return batch.accumulated * (RECOMPUTED if batch.checkpointing else 1.0)


def longest(rows: Sequence[Example], most: int, *, pairs: bool = False) -> int:
    """The tokens of the longest row, which are never more than `most`; without rows, they may be as long as that.

    `pairs` are two answers a row, which are in one pass together.
    """
    found = min(most, max(map(tokens, rows), default=most))
    return 2 * found if pairs else found


def tokens(row: Example) -> int:
    """About how long a row is, rather too long than too short: a token of a large vocabulary is three bytes and more,
    of English four, of Chinese five."""
    return sum(len(max(_texts(one), key=len)) // 3 + FRAME for one in row.messages)


def _texts(message: Json) -> list[bytes]:
    """What is said and what is rejected in its place, which stand in a row each or beside each other."""
    return [str(message[part]).encode() for part in ("content", REJECTED) if message.get(part)] or [b""]


def fitting(free_bytes: int | None, longest: int, weights: float) -> Callable[[int], Batch]:
    """`fit` for one run, of which only the rows of an update are still open."""
    return lambda effective_batch: fit(free_bytes, effective_batch, longest, weights)
