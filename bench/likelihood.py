"""How likely a text is as a model's answer, from vLLM's ``prompt_logprobs``."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

Messages = Sequence[Mapping[str, Any]]


class Likelihood:
    """Asks one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(timeout=120, trust_env=False)

    async def mean(self, served_name: str, messages: Messages, answer: str) -> float:
        """The mean log-likelihood, in nats, of a token of ``answer`` after ``messages``.

        Raises:
            ValueError: the answer has no token of its own.
        """
        before = len(await self._tokens(served_name, messages, None))
        tokens = (await self._tokens(served_name, messages, answer))[before:]
        if not tokens:
            raise ValueError("an empty answer has no likelihood")
        return sum(tokens) / len(tokens)

    async def _tokens(self, served_name: str, messages: Messages, answer: str | None) -> list[float]:
        """The log-likelihood of each token of the prompt, with the answer if one is given; 0 for the first."""
        asked = [*messages, *([{"role": "assistant", "content": answer}] if answer is not None else [])]
        body: dict[str, Any] = {
            "model": served_name,
            "messages": asked,
            "add_generation_prompt": answer is None,
            "continue_final_message": answer is not None,
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 0,
        }
        reply = await self._http.post(f"{self._url}/v1/chat/completions", json=body)
        reply.raise_for_status()
        tokens = reply.json()["prompt_logprobs"]
        return [next(iter(token.values()))["logprob"] if token else 0.0 for token in tokens]

    async def close(self) -> None:
        await self._http.aclose()
