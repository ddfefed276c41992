"""Every vLLM replica: alive, the right model, and the adapters that the record wants."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from sqlalchemy.exc import SQLAlchemyError

from cli.checks.finding import Finding, fail, ok, warn
from feedback import adapters
from feedback.database import Database
from feedback.persona import load_persona
from feedback.yaml_model import YamlFileError
from serving.adapters import Replicas
from serving.base import SERVED_BASE, served_path
from serving.errors import ServingError
from serving.replica import Replica
from settings import Settings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
RECONCILED = "The bot loads it within seconds; if this line stays, its log says why not."


@dataclass(frozen=True)
class Server:
    """What one replica says of itself."""

    version: str
    models: Mapping[str, str]
    """Name -> path."""
    healthy: bool
    poisoned: bool


def check(settings: Settings) -> Iterator[Finding]:
    """All replicas, one after the other."""
    wanted, live = _record(settings)
    base = served_path(settings.serving.base_model)
    for url, server in asyncio.run(_look(settings)).items():
        about = f"vLLM {url}"
        if isinstance(server, ServingError):
            yield fail(about, str(server), "Start it with `mend serve`, or correct MEND_SERVING__URLS.")
            continue
        yield from judge(about, server, base, wanted, live)
        if urlsplit(url).hostname not in LOOPBACK and not settings.serving.api_key.get_secret_value():
            yield warn(about, "no API key is set", "Set MEND_SERVING__API_KEY for vLLM, bot and worker alike.")


def judge(about: str, server: Server, base: Path, wanted: frozenset[str], live: str | None) -> Iterator[Finding]:
    """What to think of a replica's own words."""
    if not server.healthy:
        yield fail(about, "its engine is dead", "Restart it; its log says what killed it.")
    elif server.poisoned:
        yield fail(about, "it has computed NaN, which poisons every adapter", "Restart it and reject the last adapter.")
    elif SERVED_BASE not in server.models:
        yield fail(about, f"it does not serve the name {SERVED_BASE!r}", "Start it with `mend serve`.")
    elif server.models[SERVED_BASE] != str(base):
        yield fail(
            about,
            f"it serves {server.models[SERVED_BASE]}, the settings say {base}",
            "Give server, bot and worker the same MEND_SERVING__BASE_MODEL.",
        )
    else:
        loaded = sorted(set(server.models) & wanted)
        yield ok(about, f"{server.version}, {base.name}, adapters: {', '.join(loaded) or 'none wanted'}")
    for name in sorted(wanted - set(server.models)):
        if name == live:
            yield fail(about, f"the live adapter {name} is not loaded", RECONCILED)
        else:
            yield warn(about, f"{name} is not loaded", RECONCILED)


def _record(settings: Settings) -> tuple[frozenset[str], str | None]:
    """The adapters that should be loaded, and the live one; nothing when the record cannot be read (said elsewhere)."""
    database = Database(settings.database.url)
    try:
        persona = load_persona(settings.persona_dir / "persona.yaml").slug
        with database.begin() as session:
            live = adapters.live(session, persona)
            wanted = frozenset(adapter.name for adapter in adapters.wanted(session, persona))
    except (SQLAlchemyError, YamlFileError):
        return frozenset(), None
    finally:
        database.engine.dispose()
    return wanted, live.name if live else None


async def _look(settings: Settings) -> dict[str, Server | ServingError]:
    async with Replicas(settings.serving) as replicas:
        return await replicas.attempt(_ask)


async def _ask(replica: Replica) -> Server:
    models = await replica.models()
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        reply = await http.get(f"{replica.url}/version")
    version = str(reply.json().get("version", "unknown version")) if reply.status_code == 200 else "unknown version"
    return Server(version, models, await replica.healthy(), await replica.poisoned())
