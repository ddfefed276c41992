"""Rows that are longer than what the training takes in. ms-swift stops at one, so they are left out before.

A limit in characters says nothing of tokens: a thousand characters are 250 tokens of English, or 1,500 of Chinese to a
small model. Most rows are too short to be asked about: a token is at least one byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from serving.errors import PromptTooLong
from trainer.context import Trip
from trainer.patience import patiently
from trainer.variants import CaseText

FRAME = 10  # tokens that a chat template puts around a message, at most
Turn = dict[str, str]


def may_be_longer(messages: Sequence[Turn], max_length: int) -> bool:
    """False when the row fits, whatever the tokenizer."""
    return sum(len(one["content"].encode()) + FRAME for one in messages) > max_length


@dataclass(frozen=True)
class Fitting:
    """A case with the wordings in which it fits; None when its own question is too long."""

    case: CaseText | None
    tokens: int
    """Of the row with its own question, if that was counted."""


async def fit(trip: Trip, case: CaseText) -> Fitting:
    """Leave the wordings of a case out whose row is too long.

    Raises:
        ServingUnavailable: the model server, which counts, did not come back in time.
    """
    tokens = await _tokens(trip, case, case.question)
    if tokens > trip.config.max_length:
        return Fitting(None, tokens)
    short = [text for text in case.wordings if await _tokens(trip, case, text) <= trip.config.max_length]
    fitted = replace(case, wordings=tuple(short))
    return Fitting(fitted if await _rejection_fits(trip, fitted) else replace(fitted, bad_answer=None), tokens)


async def _rejection_fits(trip: Trip, case: CaseText) -> bool:
    """Whether the bad answer, where one is trained on, fits in every wording that it is rejected in."""
    if trip.config.method == "sft" or case.bad_answer is None:
        return True
    longest = max(case.asked, key=lambda text: len(text.encode()))
    return await _tokens(trip, replace(case, correction=case.bad_answer), longest) <= trip.config.max_length - FRAME


async def _tokens(trip: Trip, case: CaseText, wording: str) -> int:
    """How long a row is; 0 when it is certainly short enough."""
    turns = (("system", trip.persona.system_prompt), ("user", wording), ("assistant", case.correction))
    messages = [{"role": role, "content": text} for role, text in turns]
    if not may_be_longer(messages, trip.config.max_length):
        return 0
    try:
        return await patiently(lambda: trip.chat.count_tokens(messages), trip.context.patience)
    except PromptTooLong:
        return trip.config.max_length + 1


def too_long(tokens: int, max_length: int) -> str:
    """Why a case cannot be taught, in words for people."""
    return (
        f"question and correction are {tokens} tokens together, and at most {max_length} can be learned at once; "
        "please shorten the correction"
    )
