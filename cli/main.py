"""`mend`: the list of commands, and the one place where a known error becomes a line and an exit status."""

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from cli import adapters, cases, demo, doctor, manifest, probe, runs, serve

app = typer.Typer(
    name="mend",
    help="A Slack assistant with a persona that repairs itself from its team's corrections.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("up")(demo.up)
app.command("bot")(serve.bot)
app.command("worker")(serve.worker)
app.command("serve")(serve.serve)
app.command("retrain")(runs.retrain)
app.command("runs")(runs.runs)
app.add_typer(cases.app, name="cases")
app.add_typer(adapters.app, name="adapters")
app.command("probe")(probe.probe)
app.command("doctor")(doctor.doctor)
app.command("manifest")(manifest.manifest)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit."""
    try:
        app(args=list(arguments) if arguments is not None else None)
    except Exception as error:
        from cli import errors  # it knows every room's errors, so it is slow to import

        if not isinstance(error, errors.KNOWN):
            raise
        print(f"mend: {errors.explain(error)}", file=sys.stderr)
        sys.exit(errors.status(error))
    sys.exit(0)


if __name__ == "__main__":
    main()
