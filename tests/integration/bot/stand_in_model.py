"""A model server for the bot's tests: the part of vLLM's HTTP interface that the bot uses, with scripted words.

It paces what it says, can be away, can break off, can sleep, and remembers what it was asked.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.server import bind, url_of

Message = dict[str, Any]


def echo(messages: list[Message]) -> str:
    return f"You asked: {messages[-1]['content']}"


@dataclass
class StandInModel:
    """Change a field while it runs, and the next request sees it."""

    say: Callable[[list[Message]], str] = echo
    pace: float = 0.005  # seconds between two words
    away: bool = False
    break_after: int | None = None  # words after which the connection breaks
    models: dict[str, str] = field(default_factory=lambda: {"base": "/models/base"})
    asked: list[dict[str, Any]] = field(default_factory=list)
    asleep: bool = False
    stuck: bool = False  # does not wake up
    sleepless: bool = False  # was not started as one that can sleep
    turns: list[str] = field(default_factory=list)  # of falling asleep and waking up
    asked_asleep: int = 0
    url: str = ""
    running: int = 0
    most_running: int = 0
    finished: int = 0

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        if self.away:
            return JSONResponse({"error": {"message": "EngineCore is dead", "code": 503}}, status_code=503)
        if body["model"] not in self.models:
            return JSONResponse({"error": {"message": f"The model `{body['model']}` does not exist."}}, status_code=404)
        self.asked_asleep += self.asleep
        while self.asleep:  # noqa: ASYNC110  (as vLLM, which says nothing meanwhile; a test sets it from its thread)
            await asyncio.sleep(0.01)
        self.asked.append(body)
        return StreamingResponse(self._stream(body), media_type="text/event-stream")

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        words = self.say(body["messages"]).split(" ")
        limit = body["max_tokens"]
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for index, word in enumerate(words[:limit]):
                await asyncio.sleep(self.pace)
                if self.break_after is not None and index >= self.break_after:
                    return
                yield _chunk(body, word if index == 0 else f" {word}", None, index + 1)
            reason = "length" if len(words) > limit else "stop"
            yield _chunk(body, "", reason, min(len(words), limit))
            yield "data: [DONE]\n\n"
            self.finished += 1
        finally:
            self.running -= 1

    async def tokenize(self, request: Request) -> Response:
        body = await request.json()
        count = sum(len(message["content"].split()) + 4 for message in body["messages"])
        return JSONResponse({"count": count, "max_model_len": 2048, "tokens": list(range(count))})

    async def list_models(self, request: Request) -> Response:
        cards = [{"id": name, "object": "model", "root": root} for name, root in self.models.items()]
        return JSONResponse({"object": "list", "data": cards})

    async def load(self, request: Request) -> Response:
        body = await request.json()
        self.away = self.away or self.asleep  # an engine that writes into memory which it has given back dies
        self.models[body["lora_name"]] = body["lora_path"]
        return PlainTextResponse("Success")

    async def unload(self, request: Request) -> Response:
        self.models.pop((await request.json())["lora_name"], None)
        return PlainTextResponse("Success")

    async def health(self, request: Request) -> Response:
        return Response(status_code=503 if self.away else 200)

    async def metrics(self, request: Request) -> Response:
        return PlainTextResponse(f"vllm:corrupted_requests_total 0.0\nvllm:num_requests_running {self.running}.0\n")

    async def is_sleeping(self, request: Request) -> Response:
        return JSONResponse({"is_sleeping": self.asleep}, status_code=404 if self.sleepless else 200)

    async def sleep(self, request: Request) -> Response:
        return self._turned("sleep", asleep=True)

    async def wake_up(self, request: Request) -> Response:
        return self._turned("wake_up", asleep=False)

    def _turned(self, turn: str, *, asleep: bool) -> Response:
        if self.away or (self.stuck and not asleep):
            return JSONResponse({"error": {"message": "CUDA out of memory", "code": 500}}, status_code=500)
        self.turns.append(turn)
        self.asleep = asleep
        return JSONResponse({"status": turn})

    @contextmanager
    def serve(self) -> Iterator["StandInModel"]:
        listener = bind(0)
        self.url = url_of(listener)
        config = uvicorn.Config(self._web(), log_level="warning", access_log=False, lifespan="off")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            listener.close()

    def _web(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/tokenize", self.tokenize, methods=["POST"]),
                Route("/v1/models", self.list_models),
                Route("/v1/load_lora_adapter", self.load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self.unload, methods=["POST"]),
                Route("/health", self.health),
                Route("/metrics", self.metrics),
                Route("/is_sleeping", self.is_sleeping),
                Route("/sleep", self.sleep, methods=["POST"]),
                Route("/wake_up", self.wake_up, methods=["POST"]),
            ]
        )


def _chunk(body: dict[str, Any], text: str, reason: str | None, tokens: int) -> str:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 12, "completion_tokens": tokens, "total_tokens": 12 + tokens},
    }
    return f"data: {json.dumps(chunk)}\n\n"
