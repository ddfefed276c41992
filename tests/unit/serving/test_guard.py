"""What the guard in front of a vLLM that can sleep lets in."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from serving import server
from serving.guard import Guard

PATHS = ("/health", "/metrics", "/version", "/v1/models", "/tokenize", "/sleep", "/wake_up", "/is_sleeping",
         "/collective_rpc", "/server_info", "/pause", "/update_weights", "/adapters/x", "/invocations")  # fmt: skip


def client(monkeypatch: pytest.MonkeyPatch, key: str) -> TestClient:
    """A server whose every path answers, made as vLLM makes it: the class alone is handed over."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse("inside")

    monkeypatch.setenv("VLLM_API_KEY", key)
    app = Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path in PATHS])
    app.add_middleware(Guard)
    return TestClient(app)


def statuses(at: TestClient, **options: Any) -> dict[str, int]:
    return {path: at.post(path, **options).status_code for path in PATHS}


def test_only_what_mend_uses_is_there_and_turning_it_off_needs_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    at = client(monkeypatch, "s3cret")
    open_to_all = dict.fromkeys(("/health", "/metrics", "/version", "/v1/models"), 200)
    guarded = ("/tokenize", "/sleep", "/wake_up", "/is_sleeping")
    unknown = dict.fromkeys(PATHS[8:], 404)
    assert statuses(at) == open_to_all | dict.fromkeys(guarded, 401) | unknown
    wrong = {"Authorization": "Bearer other"}
    assert statuses(at, headers=wrong) == open_to_all | dict.fromkeys(guarded, 401) | unknown
    right = {"Authorization": "Bearer s3cret"}
    assert statuses(at, headers=right) == open_to_all | dict.fromkeys(guarded, 200) | unknown


def test_without_a_key_a_server_is_on_loopback_and_still_shows_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    found = statuses(client(monkeypatch, ""))
    assert {path for path, status in found.items() if status == 404} == set(PATHS[8:])


def test_vllm_finds_it_under_the_name_in_its_command() -> None:
    module, _, name = server.GUARD.rpartition(".")
    assert (module, name) == (Guard.__module__, Guard.__name__)
