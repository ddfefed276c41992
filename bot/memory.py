"""What the model is sent: the persona's prompt, as much of the thread as fits, and the question."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from feedback.models import Json

CountTokens = Callable[[list[Json]], Awaitable[int]]
_TEMPLATE_TOKENS = 16  # more than a chat template puts around one message


@dataclass(frozen=True)
class Turn:
    """One question of the thread and what was answered."""

    question: str
    answer: str


class QuestionTooLong(Exception):
    """The question alone does not fit the model's window."""


def compose(system_prompt: str, turns: Sequence[Turn], question: str) -> list[Json]:
    """The messages of one request, the persona's prompt always first."""
    messages: list[Json] = [{"role": "system", "content": system_prompt}]
    for turn in turns:
        messages.append({"role": "user", "content": turn.question})
        messages.append({"role": "assistant", "content": turn.answer})
    return [*messages, {"role": "user", "content": question}]


async def fit(
    system_prompt: str, turns: Sequence[Turn], question: str, *, budget: int, count_tokens: CountTokens
) -> list[Json]:
    """The messages with the most turns that the budget holds; the oldest are left out first.

    Raises:
        QuestionTooLong: not even the question fits.
    """

    async def fits(left_out: int) -> bool:
        messages = compose(system_prompt, turns[left_out:], question)
        if _at_most(messages) <= budget:
            return True
        return await count_tokens(messages) <= budget

    low, high = 0, len(turns)
    if await fits(0):
        return compose(system_prompt, turns, question)
    if not await fits(high):
        raise QuestionTooLong
    while high - low > 1:  # fits(low) is false and fits(high) true
        middle = (low + high) // 2
        low, high = (low, middle) if await fits(middle) else (middle, high)
    return compose(system_prompt, turns[high:], question)


def _at_most(messages: list[Json]) -> int:
    """A count that tokens cannot exceed: a token of a byte-level vocabulary stands for one byte or more."""
    return sum(len(str(message["content"]).encode()) + _TEMPLATE_TOKENS for message in messages)
