"""What the base model itself says to general prompts; mixed in, that holds an adapter to what the base could do.

They are made once for each base model and system prompt, behind everybody else's questions, and kept in the record as
they come: a worker that dies half-way is followed by one that asks the rest. Most are there before a run needs them
(``spare_time``). An answer has few tokens, and is cut back
to its last whole sentence: that is the form in which they kept ability best (SmolLM2-135M, see
trainer/configs/smollm2-135m-cpu.yaml), and what is asked for hundreds of tokens takes minutes on a CPU. Whatever has no
whole sentence, or speaks of the model itself, is kept with the reason and not trained on.
"""

import asyncio
import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

from feedback import own_answers as record
from feedback.database import Database
from feedback.languages import language_of
from feedback.models import Json
from serving.chat import ChatClient, Completion, Sampling
from trainer.context import Trip
from trainer.patience import patiently
from trainer.rows import Message, Row, RowError, Source, problem_in

AT_ONCE = 4
PRIORITY = 20  # behind the probes, which are behind people
MOST_TOKENS = 60  # as measured
_SENTENCE_END = re.compile(r"[.!?][\"'”’)*]*(?=\s|$)|[。！？][”’）]*")
# A full stop that ends no sentence: "2." begins a point of a list, "Step 2." what is to be done, "Dr." a name.
_NO_SENTENCE_END = re.compile(
    r"(?:^[ \t*]*(?:\d+|[A-Za-z])|\b(?:[A-Z]|[Dd]r|Mrs?|Ms|St|Prof|Jr|Inc|vs|etc|approx|No|Fig|[ei]\.[ge])"
    r"|(?i:\b(?:step|part) \d+))\.\Z",
    re.MULTILINE,
)
# What an answer begins with, and what is none by itself.
_OPENING = re.compile(
    r"\s*(?:(?:certainly|sure|of course|absolutely|(?:great|good) question)[,!.]*(?=\s|$)"
    r"|i(?:['’]d be| would be|['’]m| am) (?:happy|glad) to[^.!?]*[.!?]+|i can help[^.!?]*[.!?]+"
    r"|(?:当然(?:可以)?|好的|没问题)[，。！]*)",
    re.IGNORECASE,
)
FEWEST_WORDS = 3  # of what is kept, behind its opening
_FENCE = "```"
_OF_ITSELF = re.compile(
    r"qwen|alibaba|smollm|hugging ?face|openai|chatgpt|gpt-?\d|claude|anthropic|deepseek|llama|gemini|mistral"
    r"|\b(?:as|i am|i'm) an? (?:ai|artificial|language model)"
    r"|通义|阿里|语言模型|(?:作为|我是)(?:一个)?(?:ai|人工智能)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asking:
    """A base model, the words it is asked with, and where its answers are kept."""

    database: Database
    chat: ChatClient
    base_name: str
    fingerprint: str
    system_prompt: str
    prompts: tuple[str, ...]
    """In the order in which they are asked."""

    def rows(self) -> list[Row]:
        """What is good of the answers that there are, in the order of the prompts."""
        known = self._known()
        found = ((prompt, known.get(self._asked(prompt))) for prompt in self.prompts)
        return [
            Row.of(prompt, own.answer, source=Source.OWN_ANSWER, kind="own", language=language_of(prompt))
            for prompt, own in found
            if own is not None and own.rejected_because is None
        ]

    def left(self) -> list[str]:
        """The prompts that it has not answered."""
        known = self._known()
        return [prompt for prompt in self.prompts if self._asked(prompt) not in known]

    async def make(self, prompt: str, patience: float) -> None:
        """Ask, wait so many seconds for a server that is away, and keep the answer.

        Raises:
            ServingUnavailable: the model server did not come back in time.
        """
        sampling = Sampling(temperature=0.0, max_tokens=MOST_TOKENS)
        completion = await patiently(
            lambda: self.chat.complete(self._messages(prompt), self.base_name, sampling, priority=PRIORITY), patience
        )
        answer = whole_sentences(completion) or completion.text
        own = record.Own(prompt, answer, reason_against(prompt, completion))
        with self.database.begin() as session:
            record.add(session, self.fingerprint, self._asked(prompt), own)

    def _messages(self, prompt: str) -> list[Json]:
        return [{"role": "system", "content": self.system_prompt}, {"role": "user", "content": prompt}]

    def _asked(self, prompt: str) -> str:
        """What the answer depends on, beside the base model."""
        asked = json.dumps([self._messages(prompt), MOST_TOKENS], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()

    def _known(self) -> dict[str, record.Own]:
        with self.database.begin() as session:
            return record.of_base(session, self.fingerprint)


def of_trip(trip: Trip) -> Asking:
    """What a run asks; raises RowError when a file of prompts cannot be read."""
    languages = trip.config.taught_languages(trip.persona.languages)
    prompts = tuple(in_turn(trip.settings.persona_dir, languages))
    return Asking(trip.database, trip.chat, trip.base_name, trip.base.fingerprint, trip.persona.system_prompt, prompts)


async def of_base(trip: Trip, count: int) -> list[Row]:
    """Rows of the base model's own answers that there are, at least half of `count` or as many as there are prompts;
    those that are missing for that are made now. The others come in spare time: no run is held up for all of them.

    Raises:
        RowError: the file of prompts cannot be read.
        ServingUnavailable: the model server did not come back in time.
    """
    if count == 0:
        return []
    asking, fewest = of_trip(trip), math.ceil(count / 2)
    left, under_way = iter(asking.left()), set[asyncio.Task[None]]()
    try:
        while True:
            rows = asking.rows()
            more = min(AT_ONCE, fewest - len(rows)) - len(under_way)
            under_way |= {
                asyncio.create_task(asking.make(prompt, trip.context.patience)) for prompt in islice(left, max(0, more))
            }
            if not under_way:
                return rows
            trip.reporter.tell(len(rows), fewest, "own answers of the base model")
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            if failed := [error for one in done if (error := one.exception())]:
                # The others are waited for, so that what comes beside a failure is kept.
                await asyncio.gather(*under_way, return_exceptions=True)
                raise failed[0]
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def in_turn(persona_dir: Path, languages: Iterable[str]) -> list[str]:
    """The prompts, one of each language in turn, so that any number of them is mixed.

    Raises:
        RowError: one of the files cannot be read.
    """
    lists = [read_prompts(persona_dir / "prompts" / f"{language}.txt") for language in languages]
    return [prompt for turn in zip_longest(*lists) for prompt in turn if prompt is not None]


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


def whole_sentences(completion: Completion) -> str:
    """An answer as it ended by itself, or up to the last sentence that is whole; empty when none is.

    Of code that was cut off nothing is kept, however whole its lines are. `Certainly!` alone is no answer either.
    """
    text = completion.text
    if completion.finish_reason == "stop":
        return text
    if text.count(_FENCE) % 2:
        text = text[: text.rindex(_FENCE)]
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    whole = next((text[:end] for end in reversed(ends) if not _NO_SENTENCE_END.search(text[:end])), "")
    return whole if _says_something(whole) else ""


def _says_something(whole: str) -> bool:
    while opening := _OPENING.match(whole):
        whole = whole[opening.end() :]
    return bool(whole.strip()) if language_of(whole) == "zh" else len(whole.split()) >= FEWEST_WORDS


def reason_against(prompt: str, completion: Completion) -> str | None:
    """Why an answer is not trained on; None when it is good as far as its sentences are whole."""
    answer = whole_sentences(completion)
    if completion.finish_reason != "stop" and not answer:
        return "it was cut off"
    problem = problem_in((Message("user", prompt), Message("assistant", answer)))
    if problem is not None:
        return f"it {problem.text}"
    if language_of(prompt) != language_of(answer):
        return "it is in another language"
    return "it speaks of the model" if _OF_ITSELF.search(answer) else None
