"""One vLLM server and what is asked of it besides answers: models, loading, unloading, counting, health."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from feedback.adapters import Seal
from serving import routing, sharing
from serving.adapter_files import whole_folder
from serving.base import SERVED_BASE, BaseModel
from serving.errors import (
    AdapterLoadError,
    AdapterNotServed,
    Meaning,
    ServingUnavailable,
    as_error,
    asleep,
    meaning,
    message_of,
    sleepless,
    unreachable,
)
from serving.seals import Seals, no_record
from serving.zero_adapter import zero_adapter
from settings import ServingSettings

CORRUPTED = re.compile(r"^vllm:corrupted_requests_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
UNDER_WAY = re.compile(r"^vllm:num_requests_(?:running|waiting)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
TURNING = httpx.Timeout(180, connect=5)  # the first time takes 20 s on an H100, later ones a third of a second
TIMEOUT = httpx.Timeout(60, connect=5)  # loading waits for a step of the engine, which a long prompt can fill


class Replica:
    """The admin side of one server. Every call raises ServingUnavailable while it cannot be reached."""

    def __init__(self, url: str, settings: ServingSettings, seals: Seals = no_record) -> None:
        self.url = url.rstrip("/")
        self._settings, self._seals = settings, seals
        key = settings.api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=False)

    async def models(self) -> dict[str, str]:
        """Every name it serves, with the path behind it."""
        reply = await self._call("GET", "/v1/models")
        if reply.status_code != 200:
            raise as_error(self.url, "", reply.status_code, _body(reply))
        with self._garbled(reply):
            return {str(card["id"]): str(card.get("root") or "") for card in reply.json()["data"]}

    async def load(self, name: str) -> bool:
        """Check the adapter's files against their hashes and load it; False when it was loaded before.

        Raises:
            AdapterLoadError: the folder is not whole or not what was recorded, the server refuses it, or the name
                stands for another path.
            ServerAsleep: it sleeps; nothing was loaded.
        """
        path = str(await asyncio.to_thread(self._checked_folder, name, await self._seals(name)))
        if sharing.may_sleep(self._settings) and await self._sleeps_now():
            raise asleep(self.url)  # an engine that is to write into memory that it has given back dies of it
        known = (await self.models()).get(name)
        if known is None:
            loaded = await self.register(name, path)
            known = (await self.models()).get(name)
        else:
            loaded = False
        if known != path:
            raise AdapterLoadError(f"{self.url} serves {name} from {known}, not from {path}; restart it")
        return loaded

    async def register(self, name: str, path: str) -> bool:
        """Tell the server to load a folder, unchecked; False when it says that it had the name already."""
        # Never with load_inplace: it exchanges weights inside running answers and keeps a stale cache.
        reply = await self._call("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": path})
        if reply.status_code == 200:
            return True
        words = message_of(_body(reply))
        if meaning(reply.status_code, words) is Meaning.ALREADY_LOADED:
            return False
        raise as_error(self.url, name, reply.status_code, words)

    async def unload(self, name: str) -> bool:
        """Make the server forget a name; False when it did not know it. Running answers keep their adapter."""
        reply = await self._call("POST", "/v1/unload_lora_adapter", {"lora_name": name})
        if reply.status_code == 200:
            return True
        words = message_of(_body(reply))
        if meaning(reply.status_code, words) is Meaning.NOT_LOADED:
            return False
        raise as_error(self.url, name, reply.status_code, words)

    async def count_tokens(self, messages: Sequence[Any]) -> int:
        """The length of the prompt that these messages make, in tokens."""
        return len(await self._tokens(messages=list(messages), add_generation_prompt=True))

    async def likelihood(self, name: str, messages: Sequence[Any], answer: str, priority: int) -> float:
        """The mean log-likelihood of an answer's tokens; see ``ChatClient.likelihood``."""
        asked = await self._tokens(messages=list(messages), add_generation_prompt=True)
        # Apart from the question, as training does it: no token of the answer reaches back over its beginning.
        told = await self._tokens(prompt=answer, add_special_tokens=False)
        body = {"model": name, "prompt": asked + told, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
        reply = await self._call("POST", "/v1/completions", body | {"priority": priority})
        if reply.status_code != 200:
            raise as_error(self.url, name, reply.status_code, _body(reply))
        with self._garbled(reply):
            if reply.json()["model"] != name:
                raise AdapterNotServed(f"{self.url} answered as {reply.json()['model']!r} instead of {name!r}")
            found = reply.json()["choices"][0]["prompt_logprobs"][len(asked) :]
            return sum(float(one[str(token)]["logprob"]) for one, token in zip(found, told, strict=True)) / len(told)

    async def _tokens(self, **text: Any) -> list[int]:
        reply = await self._call("POST", "/tokenize", {"model": SERVED_BASE} | text)
        if reply.status_code != 200:
            raise as_error(self.url, SERVED_BASE, reply.status_code, _body(reply))
        with self._garbled(reply):
            return [int(token) for token in reply.json()["tokens"]]

    async def metrics(self) -> str:
        """Its figures in Prometheus' text form."""
        return (await self._call("GET", "/metrics")).text

    async def poisoned(self) -> bool:
        """Whether NaN values were computed since it was started."""
        return any(float(count) > 0 for count in CORRUPTED.findall(await self.metrics()))

    async def requests(self) -> int:
        """How many it works on or has waiting, whoever has asked.

        Raises:
            ServingUnavailable: it cannot be reached, or does not say.
        """
        found = UNDER_WAY.findall(await self.metrics())
        if not found:
            raise ServingUnavailable(f"{self.url} does not say how many requests it has; look at it.")
        return sum(int(float(count)) for count in found)

    async def healthy(self) -> bool:
        """Whether its engine runs. A server that is shutting down still says yes."""
        return (await self._call("GET", "/health")).status_code == 200

    async def is_sleeping(self) -> bool:
        """Whether it sleeps.

        Raises:
            RequestRefused: it was not started as one that can.
        """
        reply = await self._call("GET", "/is_sleeping")
        if reply.status_code == 404:
            raise sleepless(self.url)
        if reply.status_code != 200:
            raise as_error(self.url, "", reply.status_code, _body(reply))
        with self._garbled(reply):
            return bool(reply.json()["is_sleeping"])

    async def sleep(self) -> bool:
        """Put it to sleep: weights and adapters go to the machine's memory, and requests that come wait. What it is at
        work on breaks off. False when it slept already."""
        if await self.is_sleeping():
            return False
        # Level 2 would throw the weights away, and they cannot be read again with adapters. No mode=wait: if that is
        # given up, the engine falls asleep some time later, when nobody counts on it any more.
        await self._turn("/sleep?level=1")
        if not await self.is_sleeping():
            raise ServingUnavailable(f"{self.url} says that it has gone to sleep and is awake; look at its log.")
        return True

    async def wake(self) -> bool:
        """Wake it; False when it was awake, as one is that cannot sleep."""
        if not await self._sleeps_now():
            return False
        await self._turn("/wake_up")
        if await self.is_sleeping():
            raise ServingUnavailable(
                f"{self.url} does not wake up: most likely something else has its memory now. Restart it."
            )
        return True

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    @contextmanager
    def _garbled(self, reply: httpx.Response) -> Iterator[None]:
        """A reply whose status says that all is well may still come from something else than vLLM, or half."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = reply.text[:200]
            raise ServingUnavailable(f"{self.url} replied what no vLLM server says ({text!r}); look at it.") from error

    def _checked_folder(self, name: str, seal: Seal | None) -> Path:
        if name == SERVED_BASE:
            raise AdapterNotServed(f"{self.url} does not serve the base model as {SERVED_BASE!r}; use `mend serve`")
        if name == routing.base_name(self._settings):
            zero_adapter(BaseModel.read(self._settings.base_model), self._settings.adapters_dir)
        return whole_folder(self._settings.adapters_dir, name, seal)

    async def _sleeps_now(self) -> bool:
        reply = await self._call("GET", "/is_sleeping")
        if reply.status_code != 200:
            return False  # it cannot sleep
        with self._garbled(reply):
            return bool(reply.json()["is_sleeping"])

    async def _turn(self, path: str) -> None:
        reply = await self._call("POST", path, limit=TURNING)
        if reply.status_code == 404:
            raise sleepless(self.url)
        if reply.status_code != 200:
            raise as_error(self.url, "", reply.status_code, _body(reply))

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, limit: httpx.Timeout = TIMEOUT
    ) -> httpx.Response:
        try:
            return await self._http.request(method, path, json=body, timeout=limit)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise unreachable(self.url, error) from error


def _body(reply: httpx.Response) -> Any:
    try:
        return reply.json()
    except ValueError:
        return reply.text
