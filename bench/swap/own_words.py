"""Whether an answer is its adapter's own: each of its tokens is (nearly) the likeliest under that adapter.

Comparing texts is not enough: the sums in a batch are rounded in another order than those of a request alone, so at a
near tie the greedy choice may differ. A token of another adapter is off by far more than a near tie.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

NEAR_TIE = 0.5  # nats, chosen; bench/swap/ prints how far the farthest own token was (0.00 under 8 streams)


class Judge:
    """Asks one server for likelihoods; each (name, text) once."""

    def __init__(self, http: httpx.AsyncClient, url: str, messages: Sequence[Mapping[str, str]]) -> None:
        self._http, self._url, self._messages = http, url, messages
        self._known: dict[tuple[str, str], float] = {}
        self._prompt_length = 0

    async def is_own(self, name: str, text: str) -> bool:
        """Whether ``text`` is what the model of this name says, greedily."""
        return await self.distance(name, text) <= NEAR_TIE

    async def distance(self, name: str, text: str) -> float:
        """How far the text's most surprising token is from the likeliest one, in nats."""
        if (name, text) not in self._known:
            self._prompt_length = self._prompt_length or len(await self._likelihoods(name, None))
            answer = (await self._likelihoods(name, text))[self._prompt_length :]
            self._known[name, text] = max((max(token) - min(token) for token in answer), default=0.0)
        return self._known[name, text]

    async def _likelihoods(self, name: str, text: str | None) -> list[list[float]]:
        """For each token of prompt and answer: its log-likelihood, and the likeliest token's."""
        messages = [*self._messages, *([{"role": "assistant", "content": text}] if text is not None else [])]
        body: dict[str, Any] = {
            "model": name,
            "messages": messages,
            "add_generation_prompt": text is None,
            "continue_final_message": text is not None,
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 1,
        }
        reply = await self._http.post(f"{self._url}/v1/chat/completions", json=body, timeout=60)
        reply.raise_for_status()
        tokens = reply.json()["prompt_logprobs"]
        return [[entry["logprob"] for entry in token.values()] if token else [0.0] for token in tokens]
