"""`mend cases`: the cases to mend, listed, shown, and carried between installations as JSONL."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import NoResultFound

from cli.here import actor, here
from cli.user_error import UserError
from feedback import cases as record
from feedback import datasets, taking_back
from feedback.cases import CorrectionError, check_correction
from feedback.models import Case
from feedback.runs import MOST_CASES
from feedback.states import CaseStatus
from feedback.taking_back import Consequences

app = typer.Typer(help="List, show, take back, import and export cases.", no_args_is_help=True, add_completion=False)
FIELDS = frozenset({"question", "correction"})
ALL = 1_000_000


@dataclass(frozen=True)
class Line:
    """One case of a file."""

    number: int
    question: str
    correction: str


class BadLines(UserError):
    """Lines of a file that are no cases; nothing of the file was imported."""

    def __init__(self, wrong: list[str]) -> None:
        super().__init__("Nothing was imported:\n  " + "\n  ".join(wrong))
        self.wrong = wrong


@app.command("list")
def list_cases(
    status: Annotated[list[CaseStatus] | None, typer.Option(help="Only cases in this state; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, oldest first.")] = 100,
) -> None:
    """List cases, oldest first."""
    mend = here()
    with mend.record() as session:
        rows = record.listed(session, mend.persona.slug, status or [], limit=limit)
    table = Table("case", "state", "question", "should say", "why", box=None, pad_edge=False)
    for case in rows:
        said = (case.question, case.correction or "", case.outcome or "")
        table.add_row(str(case.id), case.status, *map(Text, said))
    Console().print(table if rows else "No case.")


@app.command()
def show(case_id: int) -> None:
    """Show one case with its wordings."""
    mend = here()
    with mend.record() as session:
        try:
            case = record.get(session, case_id)
        except NoResultFound:
            raise UserError(f"There is no case {case_id}. See: mend cases list") from None
        variants = datasets.variants(session, case_id, accepted_only=False)
        lines = list(_lines(case))
    print("\n".join(f"{name:12} {value}" for name, value in lines))
    for variant in variants:
        use = variant.rejected_because or ("held out, asked as a probe" if variant.held_out else "trained on")
        print(f"{'wording':12} {variant.text} ({variant.generator}; {use})")


def _lines(case: Case) -> Iterator[tuple[str, str]]:
    yield "case", str(case.id)
    yield "state", case.status
    yield "question", case.question
    for name, value in (
        ("was", case.bad_answer),
        ("should say", case.correction),
        ("reason", case.reason),
        ("flagged by", case.flagged_by),
        ("written by", case.corrected_by),
        ("decided by", case.decided_by),
        ("why", case.outcome),
        ("learned by", case.adapter.name if case.adapter else None),
    ):
        if value:
            yield name, value


@app.command()
def withdraw(
    case_ids: Annotated[list[int] | None, typer.Argument(metavar="[CASE]...", help="Numbers of cases.")] = None,
    person: Annotated[
        str, typer.Option(help="All that this person has written; as `mend cases show` names them.")
    ] = "",
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "taken back",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take cases back, for good. What a version has learned of them leaves with the next run, which starts from the
    last version without them and teaches again what was learned since; until then the live version stays."""
    mend = here()
    slug = mend.persona.slug
    with mend.record() as session:
        wanted = [*(case_ids or []), *(taking_back.of_person(session, slug, person) if person else [])]
        follows = taking_back.consequences(session, slug, wanted)
        lines = list(_following(follows, wanted))
    if not wanted:
        raise UserError(f"{person} has written no case." if person else "Name cases by number, or a --person.")
    print("\n".join(lines))
    if not follows.cases:
        raise UserError("None of them can be taken back; nothing was changed.")
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("Nothing was changed. To do it, add --yes.")
        typer.confirm("Take back?", abort=True)
    with mend.record() as session:
        done = taking_back.take_back(session, slug, wanted, by=actor(), why=why)
    print(f"{len(done.cases)} case(s) taken back.{' Train without them: mend retrain' if done.learned else ''}")


def _following(follows: Consequences, wanted: list[int]) -> Iterator[str]:
    """What taking cases back means, a line each."""
    known = {case.id for case in (*follows.cases, *follows.stay)}
    yield from (f"case {case.id}: {case.question}" for case in follows.cases)
    yield from (f"case {case.id} is {case.status} and stays as it is" for case in follows.stay)
    yield from (f"there is no case {number}" for number in wanted if number not in known)
    if out := follows.canary:
        yield f"The canary {out.adapter.name}, which has learned them, is taken back with them at once;"
        yield f"{out.live.name} answers everybody, and what else the canary has learned stays approved."
    if not follows.learned:
        return
    origin, base = follows.origin, "the base model"
    start, live = origin.parent.name if origin.parent else base, origin.live.name if origin.live else base
    back = follows.after_rollback.name if follows.after_rollback else base
    knows = "still knows" if follows.still else "does not know"
    again = min(len(origin.again), MOST_CASES)
    yield f"The next run starts from {start}, without them, and teaches {again} case(s) again that were learned since."
    if later := len(origin.again) - again:
        yield f"It forgets {later} more, until the runs after it, which take {MOST_CASES} each."
    yield f"Until it is live, {live} answers and still knows them;"
    yield f"`mend adapters rollback` brings {back} back at once, which {knows} them."
    if follows.overtaken:
        yield f"Run {follows.overtaken.id}, which has them too, is stopped."


@app.command("export")
def export_cases(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output when left out.")] = None,
    status: Annotated[list[CaseStatus] | None, typer.Option(help="Only cases in this state; may be repeated.")] = None,
) -> None:
    """Write cases that have a correction as JSONL. People's ids are not written."""
    mend = here()
    with mend.record() as session:
        rows = record.listed(session, mend.persona.slug, status or [], limit=ALL)
        lines = [json.dumps(exported(case), ensure_ascii=False) for case in rows if case.correction]
    text = "".join(f"{line}\n" for line in lines)
    if file is None:
        sys.stdout.write(text)
    else:
        file.write_text(text, encoding="utf-8")
        print(f"Cases written to {file}: {len(lines)}.")


def exported(case: Case) -> dict[str, Any]:
    """A case as a line of a file, which ``import`` reads."""
    optional = {"bad_answer": case.bad_answer, "reason": case.reason}
    return {
        "question": case.question,
        "correction": case.correction,
        **{name: value for name, value in optional.items() if value},
        "status": case.status.value,
    }


@app.command("import")
def import_cases(
    file: Annotated[Path, typer.Argument(help="JSONL with question and correction; - reads input.")],
) -> None:
    """Import cases from JSONL, to be reviewed like all others. One wrong line, and nothing is imported.

    Importing a file twice adds nothing: a question and correction that an open case has already are passed over.
    """
    lines = list(read_lines(sys.stdin if str(file) == "-" else _opened(file)))
    mend = here()
    with mend.record() as session:
        closed = {CaseStatus.REJECTED, CaseStatus.WITHDRAWN}
        known = {
            (case.question, case.correction)
            for case in record.listed(session, mend.persona.slug, limit=ALL)
            if case.status not in closed
        }
        added = 0
        for line in lines:
            if (line.question, line.correction) in known:
                continue
            known.add((line.question, line.correction))
            record.import_case(session, mend.persona.slug, line.question, line.correction, by=actor())
            added += 1
    print(
        f"Imported {added} of {len(lines)} cases; {len(lines) - added} were known. An admin approves them: "
        f"{mend.settings.slack.command} review"
    )


def read_lines(lines: Iterable[str]) -> Iterator[Line]:
    """The cases of a file; blank lines are passed over.

    Raises:
        BadLines: with the number and the fault of every wrong line.
    """
    good, wrong = [], []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            good.append(_parse(number, text))
        except (CorrectionError, ValueError) as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise BadLines(wrong)
    return iter(good)


def _parse(number: int, text: str) -> Line:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(found, dict):
        raise ValueError("must be an object with question and correction")
    for name in sorted(FIELDS):
        if not isinstance(found.get(name), str) or not found[name].strip():
            raise ValueError(f"{name} is missing or empty")
    bad = found.get("bad_answer")
    correction = check_correction(bad if isinstance(bad, str) else None, found["correction"])
    return Line(number, found["question"].strip(), correction)


def _opened(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split("\n")  # splitlines() would also split at U+2028, inside a text
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text.") from error
