"""Who finds other wordings of a case's question: whoever corrected it, the base model, and rules.

People's come first. The rules fill up what is lacking, and have frames of their own for wordings that are held out.
"""

import asyncio
import json
import logging
import re
from dataclasses import dataclass
from typing import Protocol

from feedback.languages import language_of
from serving.chat import ChatClient, Sampling
from trainer.rewording import held_out_rewordings, rewordings
from trainer.variants import PLAIN_CAP, CaseText
from trainer.wording import has_words

log = logging.getLogger(__name__)

PERSON, MODEL, RULE = "person", "model", "rewording"


@dataclass(frozen=True)
class Offer:
    """Wordings of one case by one generator, the best first; nobody has judged them yet."""

    generator: str
    texts: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    """Wordings that are good for holding out alone."""
    as_needed: bool = False
    """Whether those beyond what a case needs are left unjudged."""


class Generator(Protocol):
    """One source of wordings."""

    async def offer(self, case: CaseText) -> Offer:
        """Wordings of the case's question, not judged.

        Raises:
            ServingUnavailable: it needs the model server, which cannot be reached.
        """


class ByPeople:
    """What was written in the correction's window."""

    async def offer(self, case: CaseText) -> Offer:
        """All that was written."""
        return Offer(PERSON, case.written)


class ByRule:
    """The same words in other frames."""

    async def offer(self, case: CaseText) -> Offer:
        """Every frame; none for a question without words, which would teach the frame itself."""
        if not has_words(case.question):
            return Offer(RULE, ())
        held_out = held_out_rewordings(case.question)
        return Offer(RULE, tuple(rewordings(case.question)), tuple(held_out), as_needed=True)


@dataclass(frozen=True)
class ByModel:
    """The base model, asked once for `count` wordings; what it cannot say in `seconds` is left to the others."""

    chat: ChatClient
    base_name: str
    count: int
    seed: int
    seconds: float

    async def offer(self, case: CaseText) -> Offer:
        """What it wrote, each once; none for a question without words, whose meaning nobody could compare."""
        if not has_words(case.question) or self.count == 0:
            return Offer(MODEL, ())
        longest = 2 * len(case.question) + PLAIN_CAP
        request = self.chat.complete(
            [{"role": "user", "content": instruction(case, self.count)}],
            self.base_name,
            Sampling(temperature=0.7, max_tokens=min(max(120, self.count * longest // 4), 400), seed=self.seed),
            priority=10,
            json_schema=schema(self.count, longest),
        )
        try:
            completion = await asyncio.wait_for(request, self.seconds)
        except TimeoutError:
            log.warning(
                "The base model took too long to paraphrase case %s; rewordings are used.",
                case.case_id,
                extra={"action": "paraphrasing_timed_out", "case_id": case.case_id, "seconds": self.seconds},
            )
            return Offer(MODEL, ())
        return Offer(MODEL, tuple(dict.fromkeys(parsed(completion.text))))


def instruction(case: CaseText, count: int) -> str:
    """What the base model is asked."""
    if language_of(case.question) == "zh":
        return f"用{count}种不同的说法改写下面的问题，意思不变，只写问题，不要回答：\n{case.question}"
    return (
        f"Rewrite this question in {count} different ways that mean the same. Do not answer it.\n"
        f"Question: {case.question}"
    )


def schema(count: int, longest: int) -> dict[str, object]:
    """The JSON that the base model has to write."""
    text = {"type": "string", "minLength": 5, "maxLength": longest}
    return {
        "type": "object",
        "properties": {"questions": {"type": "array", "items": text, "minItems": count, "maxItems": count}},
        "required": ["questions"],
        "additionalProperties": False,
    }


def parsed(text: str) -> list[str]:
    """The paraphrases in the model's JSON; of JSON that was cut short, those that are whole."""
    try:
        value = json.loads(text)
    except ValueError:
        _, _, listed = text.partition("[")
        strings = re.findall(r'"(?:[^"\\]|\\.)*"(?=\s*[,\]])', listed)
        try:
            return [str(json.loads(one)).strip() for one in strings]
        except ValueError:
            return []
    questions = value.get("questions", []) if isinstance(value, dict) else []
    return [one.strip() for one in questions if isinstance(one, str)] if isinstance(questions, list) else []
