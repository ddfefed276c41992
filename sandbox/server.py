"""Running the workspace: on this thread until a signal, or beside a test in a thread of its own.

Listens on 127.0.0.1 only. Not imitated: TLS, which Slack requires and clients do not insist on for a loopback address.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from sandbox.directory import DEFAULT_WORKSPACE
from sandbox.manifest import Manifest, load_manifest
from sandbox.options import Timing, Tokens
from sandbox.web import build_web
from sandbox.world import World, build_world

HOST = "127.0.0.1"


class SandboxServer(uvicorn.Server):
    """Ends the endless answers (update streams, sockets) first, or the server would wait for them."""

    def __init__(self, world: World, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            build_web(world),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=1024 * 1024,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self._world = world
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._world.close()
        await super().shutdown(sockets)
        self._world.store.close()


def bind(port: int) -> socket.socket:
    """A listening socket, so that the port is known before anything starts. 0 picks a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def url_of(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


@contextmanager
def serve(
    manifest: Manifest | Path,
    *,
    state: Path | None = None,
    workspace: Path = DEFAULT_WORKSPACE,
    port: int = 0,
    timing: Timing | None = None,
    tokens: Tokens | None = None,
) -> Iterator[str]:
    """The base URL of a sandbox that runs in its own thread until the block ends."""
    app = manifest if isinstance(manifest, Manifest) else load_manifest(manifest)
    listener = bind(port)
    options: dict[str, Any] = {"state": state, "workspace": workspace, "timing": timing, "tokens": tokens}
    ready = threading.Event()
    server = SandboxServer(build_world(app, base_url=url_of(listener), **options), ready.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="sandbox", daemon=True)
    thread.start()
    try:
        if not ready.wait(timeout=30):
            raise RuntimeError("the sandbox did not start; see its log")
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
