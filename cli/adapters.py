"""`mend adapters`: the trained adapters, and moving the live mark by hand."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from cli.here import Here, actor, here
from cli.named import named
from cli.user_error import UserError
from feedback import adapters as record
from feedback import experiments, lineage, runs
from feedback.models import Run
from feedback.states import AdapterStatus, check_move
from serving.adapters import Replicas

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, even if this stops a run.")]

app = typer.Typer(help="List adapters, promote one, roll back.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_adapters() -> None:
    """List adapters, newest first."""
    mend = here()
    with mend.record() as session:
        rows = record.listed(session, mend.persona.slug)
        names = {row.id: row.name for row in rows}
    table = Table("adapter", "state", "run", "trained from", "last live", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            Text(row.name),
            row.status,
            str(row.run_id or ""),
            Text(names.get(row.parent_id or 0, "base model")),
            f"{row.live_at:%Y-%m-%d %H:%M}" if row.live_at else "",
        )
    Console().print(table if rows else "No adapter yet; the base model answers. Train one with: mend retrain")


@app.command()
def promote(
    name: str,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "promoted by hand",
    yes: Yes = False,
) -> None:
    """Make an adapter live, passing over the gate: it is checked, loaded and tried on every replica first.

    A run that is under way goes on from the adapter before it and is stopped, after a question.
    """
    mend = here()
    with mend.record() as session:
        adapter = named(session, mend.persona, name)
        if adapter.status is AdapterStatus.LIVE:
            raise UserError(f"{name} is live already.")
        if adapter.status is AdapterStatus.CANARY:  # its run and its cases are settled with it
            raise UserError(f"{name} is the canary. Make it live for everybody with: mend canary promote")
        check_move(name, adapter.status, AdapterStatus.LIVE)
        if (gone := lineage.taken_back(session, adapter)) and not yes:
            numbers = ", ".join(map(str, sorted(gone)))
            raise UserError(f"{name} has learned case {numbers}, which was taken back since. With --yes it goes live.")
        run = runs.active(session, mend.persona.slug)
    _ask_about(run, yes)
    asyncio.run(_deploy(mend, name))
    with mend.record() as session:
        record.hold_live(session, mend.persona.slug)
        _stop(session, mend, run)
        experiments.promote_later(session, named(session, mend.persona, name), by=actor(), why=why)
    print(f"{name} is live; it gives the next answer.")


@app.command()
def rollback(
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "rolled back",
    yes: Yes = False,
) -> None:
    """Bring back the adapter that the live one was trained from (or the base model).

    A run that is under way goes on from the live adapter and is stopped, after a question.
    """
    mend = here()
    with mend.record() as session:
        current = record.live(session, mend.persona.slug)
        target = record.rollback_target(session, current) if current else None
        run = runs.active(session, mend.persona.slug) if current else None
    _ask_about(run, yes)
    if target:
        asyncio.run(_deploy(mend, target.name))  # before the mark moves: the next answer asks for it
    with mend.record() as session:
        record.hold_live(session, mend.persona.slug)
        live = record.live(session, mend.persona.slug)
        if (live and live.id) != (current and current.id):
            raise UserError("Another adapter went live just now, so nothing was changed. Look, and try again.")
        _stop(session, mend, run)
        retired, now = record.roll_back(session, mend.persona.slug, by=actor(), why=why)
        print(f"{retired.name} is retired; {now.name if now else 'the base model'} gives the next answer.")


def _ask_about(run: Run | None, yes: bool) -> None:
    """Have it confirmed that a run under way is overtaken.

    Raises:
        UserError: there is nobody to ask.
        Abort: the answer is no.
    """
    if run is None or yes:
        return
    said = f"Run {run.id} is {run.status}. It would be overtaken and could not go live, so it is stopped."
    if not sys.stdin.isatty():
        raise UserError(f"{said} Nothing was changed. To do it all the same, add --yes.")
    typer.confirm(f"{said} Go on?", abort=True)


def _stop(session: Session, mend: Here, seen: Run | None) -> None:
    """Ask the run to stop that was asked about.

    Raises:
        UserError: another one has started since.
    """
    run = runs.active(session, mend.persona.slug)
    if run and (seen is None or seen.id != run.id):
        raise UserError(f"Run {run.id} has started just now, so nothing was changed. Look, and try again.")
    if run:
        runs.request_cancel(session, run.id, by=actor())


async def _deploy(mend: Here, name: str) -> None:
    async with Replicas(mend.settings.serving, mend.seal) as replicas:
        await replicas.deploy(name)
