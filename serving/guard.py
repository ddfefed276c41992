"""What a vLLM that can sleep lets in: vLLM loads this into its own server (``--middleware``), before all else.

vLLM opens /sleep and /wake_up only together with calls that run any method of its workers, exchange the weights or
show the environment, and asks for its key on none of them. Here every path that is not Mend's is unknown, and those
that are no model's need the key too, where there is one.
"""

import hmac
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/health", "/version", "/metrics"})
BY_VLLM = "/v1/"  # vLLM asks for the key there itself
WITH_KEY = frozenset({"/tokenize", "/sleep", "/wake_up", "/is_sleeping"})


class Guard:
    """ASGI middleware; vLLM makes it with the next app alone, so the key comes by environment, as vLLM's own."""

    def __init__(self, app: App) -> None:
        self._app, self._key = app, os.environ.get("VLLM_API_KEY", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or say why not."""
        path = str(scope.get("path", ""))
        if scope["type"] == "lifespan" or path in OPEN or path.startswith(BY_VLLM):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        elif path not in WITH_KEY:
            await _refuse(send, 404, "Mend does not use this path.")
        elif self._key and not self._knows_key(scope):
            await _refuse(send, 401, "Unauthorized")
        else:
            await self._app(scope, receive, send)

    def _knows_key(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self._key}".encode())


async def _refuse(send: Send, status: int, words: str) -> None:
    body = json.dumps({"error": {"message": words, "code": status}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
