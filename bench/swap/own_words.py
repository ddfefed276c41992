"""Whether an answer is its adapter's own: each of its tokens is (nearly) the likeliest under that adapter.

Comparing texts is not enough: the sums in a batch are rounded in another order than those of a request alone, so at a
near tie the greedy choice may differ. A token of another adapter is off by far more than a near tie. Nor may an answer
be judged by its text: of 1000 texts of 64 tokens that random weights might say 56 came back from Qwen2.5's tokenizer as
the same tokens.
"""

from collections.abc import Mapping, Sequence

import httpx

NEAR_TIE = 0.5  # nats, chosen; bench/swap/ prints how far the farthest own token was (0.00 under 8 streams)


class Judge:
    """Asks one server for likelihoods; each (name, tokens) once."""

    def __init__(self, http: httpx.AsyncClient, url: str, messages: Sequence[Mapping[str, str]]) -> None:
        self._http, self._url, self._messages = http, url, messages
        self._known: dict[tuple[str, tuple[int, ...]], float] = {}
        self._prompt: list[int] = []

    async def is_own(self, name: str, tokens: Sequence[int]) -> bool:
        """Whether these tokens are what the model of this name says, greedily."""
        return await self.distance(name, tokens) <= NEAR_TIE

    async def distance(self, name: str, tokens: Sequence[int]) -> float:
        """How far the most surprising of these tokens is from the likeliest one, in nats."""
        if not tokens:
            raise ValueError(f"no tokens of {name} to look at: does the server know return_token_ids?")
        asked = name, tuple(tokens)
        if asked not in self._known:
            self._known[asked] = max(max(token) - min(token) for token in await self._likelihoods(*asked))
        return self._known[asked]

    async def _likelihoods(self, name: str, tokens: Sequence[int]) -> list[list[float]]:
        """For each token of the answer: its log-likelihood, and the likeliest token's."""
        prompt = self._prompt = self._prompt or await self._prompt_tokens(name)
        body = {
            "model": name,
            "prompt": [*prompt, *tokens],
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 1,
        }
        reply = await self._http.post(f"{self._url}/v1/completions", json=body, timeout=60)
        reply.raise_for_status()
        found = reply.json()["choices"][0]["prompt_logprobs"][len(prompt) :]
        return [[entry["logprob"] for entry in token.values()] for token in found]

    async def _prompt_tokens(self, name: str) -> list[int]:
        body = {"model": name, "messages": list(self._messages), "add_generation_prompt": True}
        reply = await self._http.post(f"{self._url}/tokenize", json=body, timeout=60)
        reply.raise_for_status()
        return list(reply.json()["tokens"])
