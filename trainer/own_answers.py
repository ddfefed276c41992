"""What the base model itself says to general prompts; mixed in, that holds an adapter to what the base could do.

They are made once for each base model and system prompt, behind everybody else's questions, and kept in the record as
they come: a worker that dies half-way is followed by one that asks the rest. Whatever was cut off, or speaks of the
model itself, is kept with the reason and not trained on.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from feedback import own_answers as record
from feedback.languages import language_of
from feedback.models import Json
from serving.chat import Completion, Sampling
from trainer.context import Trip
from trainer.patience import patiently
from trainer.rows import Message, Row, RowError, Source, problem_in

AT_ONCE = 4
PRIORITY = 20  # behind the probes, which are behind people
MOST_TOKENS = 400
_OF_ITSELF = re.compile(
    r"qwen|alibaba|smollm|hugging ?face|openai|chatgpt|gpt-?\d|claude|anthropic|deepseek|llama|gemini|mistral"
    r"|\b(?:as|i am|i'm) an? (?:ai|artificial|language model)"
    r"|通义|阿里|语言模型|(?:作为|我是)(?:一个)?(?:ai|人工智能)",
    re.IGNORECASE,
)


async def of_base(trip: Trip, languages: Sequence[str], count: int) -> list[Row]:
    """Rows of `count` of the base model's own answers, or of as many as there are prompts; missing ones are made now.

    Raises:
        RowError: the file of prompts cannot be read.
        ServingUnavailable: the model server did not come back in time.
    """
    if count == 0:
        return []
    prompts = _in_turn([read_prompts(trip.settings.persona_dir / "prompts" / f"{one}.txt") for one in languages])
    known = _known(trip)
    left = (prompt for prompt in prompts if _asked(trip, prompt) not in known)
    rows = _rows(known, prompts, trip, count)
    while batch := list(islice(left, min(AT_ONCE, count - len(rows)))):
        trip.reporter.tell(len(rows), count, "own answers of the base model")
        # All of them are waited for, so that what comes beside a failure is kept.
        made = await asyncio.gather(*(_make(trip, prompt) for prompt in batch), return_exceptions=True)
        if failed := [error for error in made if error is not None]:
            raise failed[0]
        rows = _rows(known := _known(trip), prompts, trip, count)
    return rows


def read_prompts(path: Path) -> list[str]:
    """General prompts, one a line; lines that begin with # are none.

    Raises:
        RowError: the file cannot be read, or has none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"{path}: cannot be read: {error}; write a prompt a line, or set own_answers to 0") from error
    prompts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not prompts:
        raise RowError(f"{path}: has no prompts; write one a line, or set own_answers to 0")
    return list(dict.fromkeys(prompts))


def reason_against(prompt: str, completion: Completion) -> str | None:
    """Why an answer is not trained on; None when it is good."""
    if completion.finish_reason != "stop":
        return "it was cut off"
    problem = problem_in((Message("user", prompt), Message("assistant", completion.text)))
    if problem is not None:
        return f"it {problem.text}"
    if language_of(prompt) != language_of(completion.text):
        return "it is in another language"
    return "it speaks of the model" if _OF_ITSELF.search(completion.text) else None


def _in_turn(lists: Iterable[Sequence[str]]) -> list[str]:
    """One of each language in turn, so that any number of them is mixed."""
    return [prompt for turn in zip_longest(*lists) for prompt in turn if prompt is not None]


def _messages(trip: Trip, prompt: str) -> list[Json]:
    return [{"role": "system", "content": trip.persona.system_prompt}, {"role": "user", "content": prompt}]


def _asked(trip: Trip, prompt: str) -> str:
    """What the answer depends on, beside the base model."""
    asked = json.dumps([_messages(trip, prompt), MOST_TOKENS], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _known(trip: Trip) -> dict[str, record.Own]:
    with trip.database.begin() as session:
        return record.of_base(session, trip.base.fingerprint)


def _rows(known: dict[str, record.Own], prompts: Sequence[str], trip: Trip, count: int) -> list[Row]:
    def good() -> Iterator[Row]:
        for prompt in prompts:
            own = known.get(_asked(trip, prompt))
            if own is not None and own.rejected_because is None:
                yield Row.of(prompt, own.answer, source=Source.OWN_ANSWER, kind="own", language=language_of(prompt))

    return list(islice(good(), count))


async def _make(trip: Trip, prompt: str) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=MOST_TOKENS)
    completion = await patiently(
        lambda: trip.chat.complete(_messages(trip, prompt), trip.base_name, sampling, priority=PRIORITY),
        trip.context.patience,
    )
    own = record.Own(prompt, completion.text, reason_against(prompt, completion))
    with trip.database.begin() as session:
        record.add(session, trip.base.fingerprint, _asked(trip, prompt), own)
