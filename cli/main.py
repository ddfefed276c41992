"""`mend`: the list of commands, and the one place where a known error becomes a line and an exit status."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

# Command -> where it lives. Only the one that is asked for is imported: the bot's process stays as small as it can be.
COMMANDS = {
    "demo": "cli.demo:demo",
    "up": "cli.up:up",
    "bot": "cli.serve:bot",
    "worker": "cli.serve:worker",
    "serve": "cli.serve:serve",
    "retrain": "cli.runs:retrain",
    "runs": "cli.runs:runs",
    "cases": "cli.cases:app",
    "adapters": "cli.adapters:app",
    "why": "cli.why:why",
    "canary": "cli.canary:app",
    "probe": "cli.probe:probe",
    "doctor": "cli.doctor:doctor",
    "manifest": "cli.manifest:manifest",
}


class Commands(TyperGroup):
    """The commands, each imported when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(add_completion=False)
            found.command(cmd_name)(function)
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def mend() -> None:
    """A Slack assistant with a persona that repairs itself from its team's corrections."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit."""
    try:
        app(args=list(arguments) if arguments is not None else None)
    except Exception as error:
        from cli import errors  # it knows every room's errors, so it is slow to import

        if not errors.known(error):
            raise
        print(f"mend: {errors.explain(error)}", file=sys.stderr)
        sys.exit(errors.status(error))
    sys.exit(0)


if __name__ == "__main__":
    main()
