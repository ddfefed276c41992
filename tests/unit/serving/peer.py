"""A server on loopback that speaks as much of vLLM's HTTP as serving/ uses, and misbehaves on demand."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

NOT_FOUND = {"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}}


@dataclass(frozen=True)
class Reply:
    """What the peer does with one chat request."""

    pieces: Sequence[str] = ("Hel", "lo", ".")
    finish: str | None = "stop"
    status: int = 200
    body: Any = None
    hang_before: int | None = None  # the piece before which it goes silent; len(pieces): after the last
    cut_before: int | None = None  # the piece before which it drops the connection
    error_before: int | None = None  # the piece before which it sends an error inside the stream
    model: str | None = None  # the name it answers under, when not the one asked for


@dataclass
class Peer:
    """One such server. ``replies`` are used up one by one; after that every answer is the default one."""

    replies: list[Reply] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=lambda: {"base": "/models/base"})
    strict: bool = False  # answer 404 for names that are not loaded
    silent: set[str] = field(default_factory=set)  # names under which it never says anything
    load_status: int = 200
    load_body: Any = None
    corrupted: int = 0
    waiting: int = 0
    well: bool = True
    can_sleep: bool = True
    asleep: bool = False
    stays: bool = False  # as it is, whatever it is told about sleeping
    running: int = 0
    ending: int = 0  # of those that run, between two looks
    turns: list[str] = field(default_factory=list)  # of falling asleep and waking up
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    aborted: int = 0
    loads: int = 0
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
                web.get("/v1/models", self._models),
                web.post("/v1/load_lora_adapter", self._load),
                web.post("/v1/unload_lora_adapter", self._unload),
                web.post("/tokenize", self._tokenize),
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/completions", self._completion),
                web.get("/is_sleeping", self._is_sleeping),
                web.post("/sleep", self._sleep),
                web.post("/wake_up", self._wake_up),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.well else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        running, self.running = self.running, max(0, self.running - self.ending)
        of = '{engine="0",model_name="base"}'
        lines = (
            f"vllm:corrupted_requests_total{of} {self.corrupted}.0",
            f"vllm:num_requests_running{of} {running}.0",
            f"vllm:num_requests_waiting{of} {self.waiting}.0",
            f'vllm:num_requests_waiting_by_reason{{engine="0",reason="capacity"}} {self.waiting}.0',
        )
        return web.Response(text="\n".join(lines) + "\n")

    async def _is_sleeping(self, _: web.Request) -> web.Response:
        if not self.can_sleep:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response({"is_sleeping": self.asleep})

    async def _sleep(self, request: web.Request) -> web.Response:
        assert request.query["level"] == "1"
        return self._turned("sleep", asleep=True)

    async def _wake_up(self, _: web.Request) -> web.Response:
        return self._turned("wake_up", asleep=False)

    def _turned(self, turn: str, *, asleep: bool) -> web.Response:
        self.turns.append(turn)
        if not self.stays:
            self.asleep = asleep
        return web.json_response({"status": turn})

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name, "root": root} for name, root in self.models.items()]})

    async def _load(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = body["lora_name"]
        self.loads += 1
        self.well = self.well and not self.asleep  # the engine writes into memory that is not there
        if self.load_status != 200:
            return web.json_response(self.load_body, status=self.load_status)
        if name in self.models:
            words = f"The lora adapter '{name}' has already been loaded."
            return web.json_response({"error": {"message": words, "code": 400}}, status=400)
        self.models[name] = body["lora_path"]
        return web.Response(text="Success")

    async def _unload(self, request: web.Request) -> web.Response:
        name = (await request.json())["lora_name"]
        if self.models.pop(name, None) is None:
            words = f"The lora adapter '{name}' cannot be found."
            return web.json_response({"error": {"message": words, "code": 404}}, status=404)
        return web.Response(text="Success")

    async def _tokenize(self, request: web.Request) -> web.Response:
        """Each word is a token, numbered from 0 in a conversation and from 100 in a text of its own."""
        body = await request.json()
        if "prompt" in body:
            assert body["add_special_tokens"] is False
            return web.json_response({"tokens": [100 + place for place, _ in enumerate(body["prompt"].split())]})
        assert body["add_generation_prompt"] is True
        words = sum(len(message["content"].split()) for message in body["messages"])
        return web.json_response({"count": words, "tokens": list(range(words))})

    async def _completion(self, request: web.Request) -> web.Response:
        """A token's log-likelihood is minus its place in its text; the first of a prompt has none."""
        body = await request.json()
        self.asked.append(body)
        if self.strict and body["model"] not in self.models:
            return web.json_response(NOT_FOUND, status=404)
        reply = self.replies.pop(0) if self.replies else Reply()
        if reply.status != 200:
            return web.json_response(reply.body, status=reply.status)
        likely = [None, *({str(token): {"logprob": -(token % 100), "rank": 1}} for token in body["prompt"][1:])]
        choice = {"index": 0, "text": "x", "prompt_logprobs": likely}
        return web.json_response({"model": reply.model or body["model"], "choices": [choice]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        if self.strict and body["model"] not in self.models:
            return web.json_response(NOT_FOUND, status=404)
        reply = self.replies.pop(0) if self.replies else Reply()
        if body["model"] in self.silent:
            reply = Reply(pieces=[])
        if reply.status != 200:
            return web.json_response(reply.body, status=reply.status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await self._send(response, request, body, reply)
        except (asyncio.CancelledError, ConnectionResetError):
            self.aborted += 1
            raise
        return response

    async def _send(self, response: web.StreamResponse, request: web.Request, body: Any, reply: Reply) -> None:
        async def send(delta: dict[str, str], finish: str | None, count: int) -> None:
            choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
            if body.get("return_token_ids"):  # each piece is a token, numbered from 0
                choice["token_ids"] = [count] if finish is None else []
            chunk = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": reply.model or body["model"],
                "choices": [choice],
                "usage": {"prompt_tokens": 7, "completion_tokens": count, "total_tokens": 7 + count},
            }
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())

        for number in range(len(reply.pieces) + 1):
            if number == reply.hang_before:
                await asyncio.sleep(60)
            if number == reply.cut_before:
                assert request.transport is not None
                request.transport.abort()
                return
            if number == reply.error_before:
                error = {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}
                await response.write(f"data: {json.dumps({'error': error})}\n\n".encode())
                return
            if number < len(reply.pieces):
                await send({"role": "assistant", "content": reply.pieces[number]}, None, number + 1)
        if reply.finish:
            await send({"content": ""}, reply.finish, len(reply.pieces))
        await response.write(b"data: [DONE]\n\n")
