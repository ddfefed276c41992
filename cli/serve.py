"""`mend bot`, `mend worker`, `mend serve`: one process each, in the foreground, for containers and service managers."""

import os
from typing import Annotated

import typer

from cli import logs
from cli.user_error import UserError
from feedback import database
from settings import Settings


def bot() -> None:
    """Run the Slack bot until Ctrl-C or SIGTERM."""
    from bot import app

    settings = Settings()
    logs.set_up(settings.log_level)
    database.upgrade(settings.database.url)
    app.main(settings)


def worker() -> None:
    """Run the training worker until Ctrl-C or SIGTERM; a run that is under way is left resumable."""
    from trainer import worker

    settings = Settings()
    logs.set_up(settings.log_level)
    database.upgrade(settings.database.url)
    worker.main(settings)


def serve(
    show: Annotated[bool, typer.Option("--print", help="Print the command and its environment instead.")] = False,
) -> None:
    """Start vLLM with the options that Mend needs, for this machine's CPU or GPU; the API key goes by environment."""
    from serving import server
    from serving.base import BaseModel

    settings = Settings().serving
    command = server.command(settings)
    if show:
        for name, value in sorted(server.environment(settings).items()):
            print(f"{name}={'(set)' if name.endswith('KEY') else value}")
        print(" ".join(command))
        return
    if not settings.api_key.get_secret_value() and settings.host not in ("127.0.0.1", "localhost", "::1"):
        raise UserError(f"vLLM would listen on {settings.host} without a key. Set MEND_SERVING__API_KEY.")
    BaseModel.read(settings.base_model)  # says what is wrong with the folder in a line; vLLM takes a page
    settings.adapters_dir.mkdir(parents=True, exist_ok=True)
    # This process becomes vLLM, so that a service manager's signals reach it.
    os.execve(command[0], command, server.environment(settings, os.environ))
