"""A stand-in for the model server, for benches of the bot: no model at all, words at a steady pace.

    python -m bench.bot.paced_model --port 8000 [--pace 0.05] [--words 150]

It speaks the part of vLLM's HTTP interface that the bot uses, and answers every question with the question and a
count. What a real model would take (queueing, the first token, a card that is full) is not in here, so nothing measured
with it says anything about the model's speed. ``/stamps`` tells when each question was received, and when how many
characters of its answer had left.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

KEPT = 400  # characters of each answer whose leaving is stamped; more than any app waits for
Stamp = dict[str, Any]


def answer(question: str, words: int) -> str:
    """What is said to a question, so that an answer can be told from another's, and from half of itself."""
    return " ".join([f"[{question}]", *(f"word{number}" for number in range(1, words + 1)), "end."])


def build(pace: float, words: int) -> Starlette:
    """The server."""
    stamps: dict[str, Stamp] = {}

    async def chat(request: Request) -> Response:
        received = time.time()
        body = await request.json()
        question = body["messages"][-1]["content"]
        stamp = stamps.setdefault(question, {"received": received, "left": [], "ended": None, "times": 0})
        stamp["times"] += 1
        said = answer(question, words).split(" ")
        return StreamingResponse(_stream(body["model"], said, pace, stamp), media_type="text/event-stream")

    async def tokenize(request: Request) -> Response:
        messages = (await request.json())["messages"]
        count = sum(len(message["content"].split()) + 4 for message in messages)
        return JSONResponse({"count": count, "max_model_len": 2048, "tokens": []})

    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "base", "object": "model", "root": "paced"}]})

    async def health(request: Request) -> Response:
        return PlainTextResponse("")

    async def metrics(request: Request) -> Response:
        return PlainTextResponse("vllm:corrupted_requests_total 0.0\n")

    async def all_stamps(request: Request) -> Response:
        return JSONResponse(stamps)

    async def ended(request: Request) -> Response:
        return JSONResponse(sum(stamp["ended"] is not None for stamp in stamps.values()))

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/v1/models", models),
            Route("/health", health),
            Route("/metrics", metrics),
            Route("/stamps", all_stamps),
            Route("/ended", ended),
        ]
    )


async def _stream(model: str, words: list[str], pace: float, stamp: Stamp) -> AsyncIterator[str]:
    characters = 0
    for index, word in enumerate(words):
        await asyncio.sleep(pace)
        text = word if index == 0 else f" {word}"
        characters += len(text)
        if characters < KEPT:
            stamp["left"].append([characters, time.time()])
        yield _chunk(model, text, None, index + 1)
    yield _chunk(model, "", "stop", len(words))
    stamp["ended"] = time.time()
    yield "data: [DONE]\n\n"


def _chunk(model: str, text: str, reason: str | None, tokens: int) -> str:
    chunk: dict[str, Any] = {
        "id": "chatcmpl-paced",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 12, "completion_tokens": tokens, "total_tokens": 12 + tokens},
    }
    return f"data: {json.dumps(chunk)}\n\n"


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two words of one answer")
    parser.add_argument("--words", type=int, default=150, help="words of one answer")
    options = parser.parse_args()
    app = build(options.pace, options.words)
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
