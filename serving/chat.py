"""Asking the model: answers that stream, spread over the replicas, and that fail in words and in bounded time.

A request is repeated only while nothing of its answer was shown: at most ``ATTEMPTS`` times, all of them within
``first_token_timeout``. A name that a replica does not know is loaded from the adapters' folder once.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import openai

from serving.adapter_files import check_name
from serving.errors import AdapterLoadError, AdapterNotServed, ServingUnavailable, poisoned
from serving.generation import Completion, Generation, Request, Sampling, with_deadline
from serving.replica import Replica
from serving.rotation import Rotation
from serving.seals import Seals, no_record
from settings import ServingSettings

__all__ = ["AnswerStream", "ChatClient", "Completion", "Sampling"]

log = logging.getLogger(__name__)
ATTEMPTS = 2  # with more replicas: as many as there are
PAUSE = 0.3  # seconds before the same replica is asked again
T = TypeVar("T")
Message = Mapping[str, Any]


class ChatClient:
    """The model, whichever replica answers. Belongs to one event loop; close it there."""

    def __init__(self, settings: ServingSettings, seals: Seals = no_record) -> None:
        self.settings = settings
        self.replicas = {url: Replica(url, settings, seals) for url in (url.rstrip("/") for url in settings.urls)}
        self.rotation = Rotation(list(self.replicas))
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=5),  # every wait for tokens has its own limit, in AnswerStream
            limits=httpx2.Limits(max_connections=None),
            trust_env=False,
        )
        key = settings.api_key.get_secret_value() or "none"
        self._clients = {
            url: openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=self._http)
            for url in self.replicas
        }

    def stream(
        self,
        messages: Sequence[Message],
        served_name: str,
        sampling: Sampling,
        priority: int = 0,
        *,
        json_schema: dict[str, Any] | None = None,
        on: str | None = None,
    ) -> "AnswerStream":
        """An answer to iterate over, inside ``async with``; leaving early stops the generation.

        ``on`` is the URL of the only replica to ask.

        Raises (on entering and on iterating):
            ServingUnavailable: no server answers, or one has stopped sending; what came so far is in ``text``.
            AdapterNotServed: ``served_name`` is unknown and cannot be loaded.
            AdapterLoadError: its files are broken.
            PromptTooLong: the messages do not fit.
        """
        check_name(served_name)  # an empty name is answered by the base model
        request = Request(messages, served_name, sampling, priority, json_schema)
        return AnswerStream(self, request, on)

    async def complete(
        self,
        messages: Sequence[Message],
        served_name: str,
        sampling: Sampling,
        *,
        priority: int = 10,
        json_schema: dict[str, Any] | None = None,
        on: str | None = None,
    ) -> Completion:
        """A whole answer at once; raises what ``stream`` raises. With a schema the text is JSON that follows it,
        unless it was cut off (``finish_reason == "length"``)."""
        async with self.stream(messages, served_name, sampling, priority, json_schema=json_schema, on=on) as stream:
            async for _ in stream:
                pass
        return stream.completion

    async def requests(self) -> int:
        """How many requests the replicas work on or have waiting, whoever has asked.

        Raises:
            ServingUnavailable: one cannot be reached, or does not say.
        """
        return sum(await asyncio.gather(*(replica.requests() for replica in self.replicas.values())))

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """The length in tokens of the prompt that these messages make, as the server counts it."""
        return await self._of_any(lambda replica: replica.count_tokens(messages))

    async def likelihood(
        self, messages: Sequence[Message], served_name: str, answer: str, *, priority: int = 10
    ) -> float:
        """The mean log-likelihood of an answer's tokens, if the model were to say just that to these messages.

        0 is certain, and each nat less divides the probability of a token by e. Nothing is generated: the answer is
        read as if it were a part of the prompt, past the prefix cache, which holds no likelihoods.

        Raises:
            ServingUnavailable: no server answers.
            AdapterNotServed: ``served_name`` is unknown and cannot be loaded.
            AdapterLoadError: its files are broken.
            PromptTooLong: messages and answer do not fit.
        """
        check_name(served_name)
        if not answer:
            raise ValueError("an empty answer has no likelihood")

        async def ask(replica: Replica) -> float:
            return await self.with_adapter(
                replica.url, served_name, lambda: replica.likelihood(served_name, messages, answer, priority)
            )

        return await self._of_any(ask)

    async def with_adapter(self, url: str, name: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What a replica says under a name, which is loaded first if the server has forgotten it.

        After a restart a server knows no adapters. Loading is safe: the files are checked, the name unique.
        """
        try:
            return await ask()
        except AdapterNotServed as missing:
            try:
                await self.replicas[url].load(name)
            except AdapterLoadError:
                if (self.settings.adapters_dir / name).is_dir():
                    raise
                raise missing from None  # nothing of this name was ever published here
            log.info("adapter loaded on demand", extra={"action": "adapter_reloaded", "adapter": name, "url": url})
            return await ask()

    async def _of_any(self, ask: Callable[[Replica], Awaitable[T]]) -> T:
        """What the first replica says that can be reached."""
        tried: set[str] = set()
        while True:
            url = self.rotation.pick(tried)
            try:
                with self.rotation.busy(url):
                    return await ask(self.replicas[url])
            except ServingUnavailable:
                self.rotation.set_aside(url)
                tried.add(url)
                if len(tried) == len(self.replicas):
                    raise

    def generation(self, url: str, request: Request, asked_at: float) -> Generation:
        """A request ready to be sent to one replica."""
        return Generation(self._clients[url], url, request, asked_at)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()
        for replica in self.replicas.values():
            await replica.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AnswerStream:
    """One answer. Iterate over it for the pieces; ``text`` and ``completion`` hold what has come so far."""

    def __init__(self, client: ChatClient, request: Request, on: str | None) -> None:
        self._client, self._request, self._on = client, request, on.rstrip("/") if on else None
        self._asked_at = time.monotonic()
        self._generation: Generation | None = None
        self._first: str | None = None
        self._ended = False
        self._release = ExitStack()

    @property
    def text(self) -> str:
        """All pieces so far."""
        return self._generation.text if self._generation else ""

    @property
    def completion(self) -> Completion:
        """The answer with its figures. ``finish_reason`` is ``abort`` when it was left early."""
        if self._generation is None:
            raise RuntimeError("the stream was not entered")
        return self._generation.completion()

    async def __aenter__(self) -> Self:
        try:
            self._generation, self._first = await self._begin()
            self._ended = self._first is None
        except BaseException:
            self._release.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release.close()
        if self._generation is not None:
            await self._generation.close()

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        if self._generation is None:
            raise RuntimeError("the stream was not entered")
        piece, self._first = self._first, None
        if piece is None and not self._ended:
            try:
                piece = await with_deadline(self._generation, self._client.settings.idle_timeout)
            except ServingUnavailable:
                self._client.rotation.set_aside(self._generation.url)
                raise
        if piece is None:
            self._ended = True
            raise StopAsyncIteration
        return piece

    async def _begin(self) -> tuple[Generation, str | None]:
        """Ask one replica after the other until one sends a first piece."""
        rotation = self._client.rotation
        tried: set[str] = set()
        attempts = 1 if self._on else max(ATTEMPTS, len(self._client.replicas))
        for attempt in range(1, attempts + 1):
            url = self._on or rotation.pick(tried)
            try:
                name = self._request.served_name
                return await self._client.with_adapter(url, name, partial(self._first_piece, url))
            except ServingUnavailable as error:
                rotation.set_aside(url)
                log.warning("replica failed", extra={"action": "replica_failed", "url": url, "reason": str(error)})
                if attempt == attempts or self._seconds_left() <= PAUSE:
                    raise
            if url in tried or len(self._client.replicas) == 1:
                await asyncio.sleep(PAUSE)
            tried.add(url)
        raise AssertionError("the loop returns or raises")

    async def _first_piece(self, url: str) -> tuple[Generation, str | None]:
        generation = self._client.generation(url, self._request, self._asked_at)
        with ExitStack() as busy:
            busy.enter_context(self._client.rotation.busy(url))
            try:
                async with asyncio.timeout(max(0.0, self._seconds_left())):
                    await generation.open()
                    piece = await generation.next_piece()
                if piece is None:
                    await self._check_poison(url)
            except TimeoutError as error:
                await generation.close()
                waited = self._client.settings.first_token_timeout
                raise ServingUnavailable(f"{url} sent no word in {waited:.0f} s; it is stuck or overloaded.") from error
            except BaseException:
                await generation.close()
                raise
            self._release = busy.pop_all()
        return generation, piece

    async def _check_poison(self, url: str) -> None:
        """An empty answer may be one; on a server that has computed NaN it is the sign of it."""
        if await self._client.replicas[url].poisoned():
            raise poisoned(url)

    def _seconds_left(self) -> float:
        return self._asked_at + self._client.settings.first_token_timeout - time.monotonic()
