"""`mend probe`: ask an adapter every probe now, and show how it does. Nothing is recorded or decided."""

import asyncio
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from cli.here import Here, here
from cli.user_error import UserError
from feedback import adapters, cases, datasets
from feedback.models import Adapter
from feedback.reports import Result
from serving import device
from serving.adapters import Replicas
from serving.base import BaseModel
from serving.chat import ChatClient
from serving.routing import base_name
from serving.zero_adapter import zero_adapter
from trainer.case_probes import MENDED, CaseProbe, case_probes
from trainer.config import load_train_config
from trainer.examination import text_of
from trainer.probes import ProbeError, load_probes
from trainer.probing import AnyProbe, Examiner, run_probes

BASE = "base"
PATIENCE = 5.0  # seconds; somebody is waiting at the terminal


def probe(
    name: Annotated[str, typer.Argument(help=f"An adapter's name, or {BASE!r}; the live one when left out.")] = "",
    failed_only: Annotated[bool, typer.Option("--failed", help="Show failing probes only.")] = False,
) -> None:
    """Run the probes against an adapter and print the table; the exit status is 1 when one fails."""
    mend = here()
    probes = load_probes(mend.settings.persona_dir / "probes.yaml", mend.persona)
    languages = load_train_config(mend.settings.training.config).languages
    with mend.record() as session:
        adapter = _chosen(session, mend, name)
        asked: list[AnyProbe] = [probe for probe in probes if probe.language in languages]
        asked += _mended(session, adapter)
    try:
        results = asyncio.run(_ask(mend, adapter, asked))
    except ProbeError as error:
        raise UserError(f"The probes could not be asked: {error}") from error
    _print(adapter.name if adapter else "the base model", results, failed_only)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def _chosen(session: Session, mend: Here, name: str) -> Adapter | None:
    if name == BASE:
        return None
    if not name:
        return adapters.live(session, mend.persona.slug)
    found = adapters.by_name(session, name)
    if found is None:
        raise UserError(f"There is no adapter {name}. See: mend adapters list")
    return found


def _mended(session: Session, adapter: Adapter | None) -> list[CaseProbe]:
    """What the adapter should know besides: the cases it was trained on, in their own and in held-out words."""
    learned = cases.learned_by(session, [parent.id for parent in adapters.lineage(session, adapter)])
    return [
        probe
        for case in learned
        for probe in case_probes(text_of(case), datasets.variants(session, case.id), group=MENDED, held_out=1)
    ]


async def _ask(mend: Here, adapter: Adapter | None, probes: list[AnyProbe]) -> list[Result]:
    serving = mend.settings.serving
    base = BaseModel.read(serving.base_model)
    if adapter is None and device.resolve(serving) == "cpu":
        zero_adapter(base, serving.adapters_dir)
    async with Replicas(serving, mend.seal) as replicas, ChatClient(serving, mend.seal) as chat:
        served = adapter.name if adapter else base_name(serving)
        if adapter:
            await replicas.load(served)
        examiner = Examiner(chat, base.path, mend.persona.system_prompt, PATIENCE)
        with Console(stderr=True).status("asking") as line:
            return await run_probes(
                examiner, served, probes, lambda done: line.update(f"asked {done} of {len(probes)} probes")
            )


def _print(title: str, results: list[Result], failed_only: bool) -> None:
    print_table(title, [result for result in results if not (failed_only and result.passed)])
    passed, asked = Counter(r.group for r in results if r.passed), Counter(r.group for r in results)
    Console().print(", ".join(f"{group} {passed[group]} of {asked[group]}" for group in sorted(asked)))


def print_table(title: str, results: list[Result]) -> None:
    """A line for each result; what was asked and answered is shown as it is, without markup."""
    heads = ("", "group", "asked", "answer", "verdict")
    table = Table(*heads, box=None, pad_edge=False, title=Text(title), title_justify="left")
    for result in sorted(results, key=lambda result: (result.group, result.probe_id)):
        said = (result.group, result.prompt, result.answer, result.reason)
        table.add_row("ok" if result.passed else "FAIL", *map(Text, said))
    Console().print(table)
