"""What a command works on: the settings, the persona and the record."""

import asyncio
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from feedback import adapters
from feedback.adapters import Seal
from feedback.database import Database
from feedback.persona import Persona, load_persona
from local import home
from settings import Settings


@dataclass(frozen=True)
class Here:
    """The Mend that a command is about."""

    settings: Settings
    persona: Persona

    @contextmanager
    def record(self) -> Iterator[Session]:
        """One transaction on the record."""
        database = Database(self.settings.database.url)
        try:
            with database.begin() as session:
                yield session
        finally:
            database.engine.dispose()

    async def seal(self, name: str) -> Seal | None:
        """The hashes that an adapter's files have to have before a server loads them."""

        def read() -> Seal | None:
            with self.record() as session:
                return adapters.seal(session, name)

        return await asyncio.to_thread(read)


def here() -> Here:
    """The Mend that ``mend demo`` or ``mend up`` runs in MEND_HOME; else what the settings name."""
    settings = settings_here()
    return Here(settings, load_persona(settings.persona_dir / "persona.yaml"))


def settings_here() -> Settings:
    """A running Mend's addresses, unless the settings name a database themselves."""
    settings = Settings()
    if "url" in settings.database.model_fields_set:
        return settings
    found = home.published(settings.home)
    return Settings(**found) if found else settings


def actor() -> str:
    """Who is at the terminal, for the record."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # an id without an account, as in some containers
        return "cli:unknown"
