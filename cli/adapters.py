"""`mend adapters`: the trained adapters, and moving the live mark by hand."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.here import Here, actor, here
from cli.user_error import UserError
from feedback import adapters as record
from feedback.models import Adapter
from feedback.states import AdapterStatus, check_move
from serving.adapters import Replicas

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
) -> None:
    """Make an adapter live, passing over the gate: it is checked, loaded and tried on every replica first."""
    mend = here()
    with mend.record() as session:
        adapter = _named(mend, record.by_name(session, name))
        if adapter.status is AdapterStatus.LIVE:
            raise UserError(f"{name} is live already.")
        check_move(name, adapter.status, AdapterStatus.LIVE)
    asyncio.run(_deploy(mend, name))
    with mend.record() as session:
        record.promote(session, _named(mend, record.by_name(session, name)), by=actor(), why=why)
    print(f"{name} is live; it gives the next answer.")


@app.command()
def rollback(
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "rolled back",
) -> None:
    """Bring back the adapter that the live one was trained from (or the base model)."""
    mend = here()
    with mend.record() as session:
        current = record.live(session, mend.persona.slug)
        target = record.rollback_target(session, current) if current else None
    if target:
        asyncio.run(_deploy(mend, target.name))  # before the mark moves: the next answer asks for it
    with mend.record() as session:
        live = record.live(session, mend.persona.slug)
        if (live and live.id) != (current and current.id):
            raise UserError("Another adapter went live just now, so nothing was changed. Look, and try again.")
        retired, now = record.roll_back(session, mend.persona.slug, by=actor(), why=why)
        print(f"{retired.name} is retired; {now.name if now else 'the base model'} gives the next answer.")


def _named(mend: Here, found: Adapter | None) -> Adapter:
    if found is None or found.persona != mend.persona.slug:
        raise UserError(f"{mend.persona.name} has no adapter of that name. See: mend adapters list")
    return found


async def _deploy(mend: Here, name: str) -> None:
    async with Replicas(mend.settings.serving) as replicas:
        await replicas.deploy(name)
