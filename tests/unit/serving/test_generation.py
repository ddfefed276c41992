"""What a server sends is read as plain JSON, so what is no answer must be told apart here."""

import json
import time

import httpx2
import openai
import pytest

from serving.errors import ServingUnavailable
from serving.generation import Generation, Request, Sampling

URL = "http://replica"
REQUEST = Request([{"role": "user", "content": "Hello?"}], "pip-v1", Sampling(0.7, 100, seed=3), priority=2)


def generation(*chunks: object) -> tuple[Generation, list[httpx2.Request]]:
    """A request to a server that sends these chunks; and what reaches it."""
    asked: list[httpx2.Request] = []

    def serve(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content="".join([*events, "data: [DONE]\n\n"]).encode())

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(serve))
    client = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="secret", max_retries=0, http_client=http)
    return Generation(client, URL, REQUEST, time.monotonic()), asked


@pytest.mark.parametrize(
    "chunk",
    [
        [1],
        "words",
        {},
        {"model": "pip-v1"},
        {"model": "pip-v1", "choices": [{}]},
        {"model": "pip-v1", "choices": ["x"]},
        {"model": "pip-v1", "choices": [{"delta": None}]},
        {"model": "pip-v1", "choices": [], "usage": {"prompt_tokens": 1}},
    ],
)
async def test_a_chunk_that_is_no_answer_is_a_server_that_cannot_be_used(chunk: object) -> None:
    asking, _ = generation(chunk)
    await asking.open()
    with pytest.raises(ServingUnavailable, match=URL):
        await asking.next_piece()


async def test_what_a_server_may_leave_out_is_not_missed() -> None:
    first = {"model": "pip-v1", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
    word = {"model": "pip-v1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
    last = {"model": "pip-v1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}
    usage = {"model": "pip-v1", "choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 1}}
    asking, _ = generation(first, word, last, usage)
    await asking.open()
    assert [await asking.next_piece(), await asking.next_piece()] == ["Hi", None]
    done = asking.completion()
    assert (done.text, done.finish_reason, done.prompt_tokens, done.completion_tokens) == ("Hi", "stop", 4, 1)


async def test_the_request_carries_the_key_the_priority_and_the_seed() -> None:
    asking, asked = generation()
    await asking.open()
    body = json.loads(asked[0].content)
    assert str(asked[0].url) == f"{URL}/v1/chat/completions"
    assert asked[0].headers["authorization"] == "Bearer secret"
    assert (body["model"], body["priority"], body["seed"], body["stream"]) == ("pip-v1", 2, 3, True)
