"""Mend's own processes as parts: the model server, the sandbox, the worker and the bot."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from redis.exceptions import RedisError
from rq import Worker

from feedback import queue
from local.processes import Part
from serving import device, server
from settings import Settings

ALIVE_SECONDS = 5.0
# glibc returns freed memory at once; the bot then holds 138 MB when idle instead of 150.
GIVE_BACK = {"MALLOC_TRIM_THRESHOLD_": "65536"}


def vllm_part(settings: Settings) -> Part:
    """The model server."""
    url = settings.serving.urls[0]
    return Part(
        name="vllm",
        title="vLLM (the answers)",
        command=server.command(settings.serving),
        environment=server.environment(settings.serving, _without_settings()),
        ready=lambda pid: _is_well(f"{url}/health"),
        usually="35 to 70 s" if device.resolve(settings.serving) == "cpu" else "1 to 3 minutes",
        ready_timeout=600,
        stop_timeout=40,  # it lets running answers finish for 30 s
    )


def sandbox_part(home: Path, manifest: Path, port: int) -> Part:
    """The local workspace and its page."""
    return Part(
        name="sandbox",
        title="the sandbox (the chat page)",
        command=[
            *(sys.executable, "-m", "sandbox"),
            *("--port", str(port)),
            *("--manifest", str(manifest)),
            *("--state", str(home / "sandbox")),
        ],
        environment=_without_settings(),
        ready=lambda pid: _is_well(f"http://127.0.0.1:{port}/"),
        usually="2 s",
    )


def worker_part(settings: Settings) -> Part:
    """The process that trains."""
    return Part(
        name="worker",
        title="the worker (training)",
        command=[sys.executable, "-m", "cli.main", "worker"],
        environment={**_without_settings(), **settings.as_environment()},
        ready=lambda pid: _is_registered(settings.redis.url, pid),
        usually="3 s",
        stop_timeout=20,
    )


def bot_part(settings: Settings, page: str | None) -> Part:
    """The bot. Only the sandbox (its address is ``page``) tells from outside whether the bot is connected; Slack does
    not, so there it counts as ready when it has not ended after some seconds."""
    started: dict[int, float] = {}

    def ready(pid: int) -> bool:
        if page is not None:
            return _is_well(f"{page}/sandbox/sockets?count=1&timeout=1", lambda reply: reply["ok"] is True)
        return time.monotonic() - started.setdefault(pid, time.monotonic()) > ALIVE_SECONDS

    return Part(
        name="bot",
        title="the bot",
        command=[sys.executable, "-m", "cli.main", "bot"],
        environment={**_without_settings(), **settings.as_environment(), **GIVE_BACK},
        ready=ready,
        usually="3 s",
        stop_timeout=20,
    )


def _without_settings() -> dict[str, str]:
    """Our own environment less what the settings give: no other part has any business with a token."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("MEND_")}


def _is_well(url: str, check: Callable[[Mapping[str, object]], bool] | None = None) -> bool:
    try:
        reply = httpx.get(url, timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return reply.status_code == 200 and (check is None or check(reply.json()))


def _is_registered(redis_url: str, pid: int) -> bool:
    try:
        with queue.connect(redis_url) as redis:
            return any(worker.pid == pid for worker in Worker.all(connection=redis))
    except RedisError:
        return False
