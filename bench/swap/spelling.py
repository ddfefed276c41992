"""Answers with their tokens, as vLLM numbers them: what a model has said, read back as text, may be other tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from serving.chat import ChatClient, Completion
from serving.generation import Generation, Request


@dataclass(frozen=True)
class Spelled(Completion):
    """An answer and its tokens."""

    tokens: Sequence[int]


class SpellingRequest(Request):
    """Asks for the tokens as well."""

    def body(self) -> dict[str, Any]:
        """What is sent."""
        return super().body() | {"return_token_ids": True}


class SpellingGeneration(Generation):
    """Keeps the tokens of an answer."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._tokens: list[int] = []

    def completion(self) -> Spelled:
        """What is known so far."""
        return Spelled(**vars(super().completion()), tokens=tuple(self._tokens))

    def _taken(self, chunk: Any) -> str:
        piece = super()._taken(chunk)
        for choice in chunk["choices"]:
            self._tokens += choice.get("token_ids") or []
        return piece


class SpellingClient(ChatClient):
    """The bot's client; its completions are ``Spelled``."""

    def generation(self, url: str, request: Request, asked_at: float) -> Generation:
        """A request ready to be sent to one replica."""
        return SpellingGeneration(self._clients[url], url, SpellingRequest(**vars(request)), asked_at)
