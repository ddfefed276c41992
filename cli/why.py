"""`mend why`: what an adapter was made of, and whether all of it is still as it was."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.here import here
from cli.named import named
from cli.user_error import UserError
from feedback import adapters, tracing
from feedback.adapters import Seal
from feedback.datasets import REJECTED
from feedback.models import Json
from feedback.states import AdapterStatus
from feedback.tracing import GeneralSet, Step, Taught, Trace
from serving.adapter_files import whole_folder
from serving.errors import AdapterLoadError
from settings import ServingSettings

UNCHANGED = "as it was recorded"


def why(
    name: Annotated[str, typer.Argument(help="An adapter's name; the live one when left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="All of it, with every row and probe, for scripts.")] = False,
    rows: Annotated[bool, typer.Option("--rows", help="Print the rows that it was trained on, too.")] = False,
) -> None:
    """Print what an adapter learned, from which cases, approved by whom, on which rows, from which parent, with which
    settings, and what its probes said; the exit status is 1 when its files or its dataset are not as recorded."""
    mend = here()
    with mend.record() as session:
        adapter = named(session, mend.persona, name) if name else adapters.live(session, mend.persona.slug)
        if adapter is None:
            raise UserError("No adapter is live; the base model is answering. See: mend adapters list")
        trace = tracing.trace(session, adapter)
    files, frozen = files_of(trace.steps[0], mend.settings.serving), dataset_of(trace.steps[0])
    if as_json:
        print(json.dumps(as_values(trace, files, frozen), ensure_ascii=False, indent=2, default=str))
    else:
        _print(trace, files, frozen, rows)
    if files != UNCHANGED or frozen != UNCHANGED:
        raise typer.Exit(1)


def files_of(step: Step, settings: ServingSettings) -> str:
    """Whether an adapter's files have the hashes of the record, in words."""
    try:
        whole_folder(settings.adapters_dir, step.name, Seal(step.sha256, step.config_sha256))
    except AdapterLoadError as error:
        return str(error)
    return UNCHANGED


def dataset_of(step: Step) -> str:
    """Whether a dataset's rows have the hash that they were frozen with, in words."""
    if step.dataset_sha256 is None:
        return "not in the record"
    return UNCHANGED if step.dataset_unchanged else "CHANGED since it was frozen: its rows have another hash"


def as_values(trace: Trace, files: str, frozen: str) -> dict[str, Any]:
    """The whole trace as JSON values."""
    steps = [{**asdict(step), "sources": step.sources, "scores": step.scores} for step in trace.steps]
    return {"adapter": steps[0], "files": files, "dataset": frozen, "line": steps[1:], "known": trace.known}


def _print(trace: Trace, files: str, frozen: str, rows: bool) -> None:
    console, step = Console(), trace.steps[0]
    console.print(Text("\n".join(f"{name:10} {value}" for name, value in _about(trace, files, frozen))))
    for title, table in (
        ("Learned from", _cases(step.taught, step.status)),
        ("Practised on rows from", _counted(step.sources)),
        ("General sets, whose rows are not in the record", _sets(step.general_sets)),
        ("Probes", _scores(step)),
        ("Settings", _settings(step)),
        ("Trained from", _line(trace.steps[1:])),
    ):
        if table.row_count:
            console.print(Text(f"\n{title}"), table)
    if step.checks:
        console.print(Text("\nThe gate"))
        for check in step.checks:
            console.print(Text(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.reason}"))
    if rows:
        console.print(Text("\nRows"), _rows(step))


def _about(trace: Trace, files: str, frozen: str) -> Iterator[tuple[str, str]]:
    step, line = trace.steps[0], trace.steps[1:]
    word = " since" if step.status == AdapterStatus.LIVE else ", last live"
    since = f"{word} {step.live_at:%Y-%m-%d %H:%M} UTC" if step.live_at else ""
    yield "adapter", f"{step.name} ({step.status}{since})"
    if step.run_id is not None:
        yield (
            "run",
            f"{step.run_id}, started by {step.requested_by}, {step.made_at:%Y-%m-%d %H:%M} UTC, seed {step.seed}",
        )
    before = line[0].name if line else "the base model"
    origin = f"the base model, with all that {before} knows" if step.anew else before
    yield "from", f"{origin}, and {step.blend:.0%} of the way to what was trained" if step.blend else origin
    if step.left_out:
        yield "without", f"case {', '.join(map(str, step.left_out))}, which was taken back; {step.replaced} had it"
    yield "base", f"{step.base_model} ({step.base_fingerprint[:12]})"
    yield "weights", f"sha256 {step.sha256}, {files}"
    yield "dataset", f"sha256 {step.dataset_sha256 or '-'}, {step.row_count} rows, {frozen}"
    known = ", ".join(map(str, trace.known)) or "none"
    yield "knows", f"case {known}" if trace.known else "no case"


def _cases(taught: Sequence[Taught], status: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("case", "question", "should say", "flagged by", "written by", "approved by", "rows", ""):
        table.add_column(head, overflow="fold")  # who has approved what is what one asks for: nothing is cut off
    new = "taught, not live" if status == AdapterStatus.REJECTED else "not learned"
    for one in taught:
        outcome = "learned" if one.learned else new if one.new else "practised again"
        now = f", now {one.status}" if one.status != "mended" else ""
        people = (one.flagged_by, one.corrected_by or "", ", ".join(one.approved_by))
        told = map(Text, (one.question, one.correction, *people))
        table.add_row(str(one.case_id), *told, str(one.rows), f"{outcome}{now}")
    return table


def _counted(counts: Any) -> Table:
    table = Table("source", "rows", box=None, pad_edge=False)
    for source, count in counts.items():
        table.add_row(Text(source), str(count))
    return table


def _sets(general_sets: Sequence[GeneralSet]) -> Table:
    table = Table("set", "rows", "sha256 of the file", box=None, pad_edge=False)
    for one in general_sets:
        table.add_row(Text(one.name), str(one.rows), one.sha256 or "-")
    return table


def _scores(step: Step) -> Table:
    table = Table("group", "passed", "failing", box=None, pad_edge=False)
    for group, (passed, asked) in step.scores.items():
        failing = [f"{one.prompt!r} {one.reason}" for one in step.results if one.group == group and not one.passed]
        table.add_row(Text(group), f"{passed} of {asked}", Text("; ".join(failing)))
    return table


def _settings(step: Step) -> Table:
    table = Table("setting", "value", box=None, pad_edge=False, show_header=False)
    for name, value in sorted(_flat(step.settings)):
        table.add_row(Text(name), Text(value))
    return table


def _flat(values: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _line(steps: Sequence[Step]) -> Table:
    table = Table("adapter", "run", "learned", "rows", "dataset sha256", box=None, pad_edge=False)
    for step in steps:
        learned = ", ".join(f"case {one.case_id}" for one in step.taught if one.learned)
        run = str(step.run_id or "")
        table.add_row(Text(step.name), run, learned or "-", str(step.row_count), (step.dataset_sha256 or "-")[:12])
    return table


def _rows(step: Step) -> Table:
    table = Table("", "source", "case", "asked", "answered", box=None, pad_edge=False)
    for number, row in enumerate(step.rows, start=1):
        asked, told = row.messages[-2]["content"], row.messages[-1]["content"]
        if rejected := row.messages[-1].get(REJECTED):
            told = f"{told}\nand not: {rejected}"
        case = str(row.case_id) if row.case_id is not None else ""
        table.add_row(str(number), Text(row.source), case, Text(asked), Text(told))
    return table
