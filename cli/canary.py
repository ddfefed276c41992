"""`mend canary`: the version that some people try first, and ending that by hand."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.here import Here, actor, here
from cli.user_error import UserError
from feedback import arms, experiments
from feedback.models import Experiment
from feedback.states import Arm
from serving.adapters import Replicas

Why = Annotated[str, typer.Option(help="The reason, for the record.")]

app = typer.Typer(help="See how the canary is doing, promote it, take it back.", no_args_is_help=True)


@app.command("show")
def show() -> None:
    """Show what people made of the canary and of the live adapter so far."""
    mend = here()
    experiment = _running(mend)
    with mend.record() as session:
        tallies = arms.tallies(session, experiment.id)
    found = experiments.evidence(experiment)
    print(f"{experiment.adapter.name} answers {experiments.rules(experiment).share:.0%} of people since "
          f"{experiment.created_at:%Y-%m-%d %H:%M}, {experiment.live.name} the others.")  # fmt: skip
    print(f"Not enough votes yet: {found.counted}." if found else "The worker has not looked at the votes yet.")
    table = Table("", *Arm, box=None, pad_edge=False)
    for name in ("people", "answers", "up", "down", "corrections", "follow_ups", "seconds_to_next"):
        table.add_row(name.replace("_", " "), *(_cell(getattr(tallies[arm], name)) for arm in Arm))
    Console().print(table)


@app.command()
def promote(why: Why = "promoted by hand") -> None:
    """Make the canary live for everybody now, whatever the votes say."""
    mend = here()
    experiment = _running(mend)
    asyncio.run(_deploy(mend, experiment.adapter.name))
    with mend.record() as session:
        experiments.promote(session, mend.persona.slug, experiment.id, by=actor(), why=why)
    print(f"{experiment.adapter.name} is live; it gives the next answer.")


@app.command()
def stop(why: Why = "taken back by hand") -> None:
    """Take the canary back: the live adapter answers everybody, and what it has learned is approved again."""
    mend = here()
    experiment = _running(mend)
    with mend.record() as session:
        experiments.take_back(session, mend.persona.slug, experiment.id, by=actor(), why=why, harmful=False)
    print(f"{experiment.adapter.name} is taken back; {experiment.live.name} gives the next answer.")


def _running(mend: Here) -> Experiment:
    with mend.record() as session:
        found = experiments.running(session, mend.persona.slug)
    if found is None:
        raise UserError("No canary is out. MEND_EXPERIMENT__SHARE says how many people try a new version first.")
    return found


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


async def _deploy(mend: Here, name: str) -> None:
    async with Replicas(mend.settings.serving, mend.seal) as replicas:
        await replicas.deploy(name)
