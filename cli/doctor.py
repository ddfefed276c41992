"""`mend doctor`: look at every part and say what to do about each."""

import sys
from collections import Counter
from collections.abc import Iterator

import typer

from cli import errors
from cli.checks import files, machine, packages, record, servers, sharing, slack
from cli.checks.finding import Finding, ok
from cli.here import settings_here
from settings import Settings

COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}


def doctor() -> None:
    """Check every part of Mend, and say what to do about each. The exit status is 1 when something fails."""
    counts: Counter[str] = Counter()
    for finding in examine(settings_here()):
        counts[finding.level] += 1
        print(line(finding, colour=sys.stdout.isatty()), flush=True)
    print(f"\n{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failing")
    if counts["fail"]:
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, the quick ones first."""
    yield from files.check(settings)
    yield from _training(settings)
    yield from packages.check()
    yield from machine.check(settings)
    yield from record.check(settings)
    yield from servers.check(settings)
    yield from sharing.check(settings)
    yield from slack.check(settings)


def _training(settings: Settings) -> Iterator[Finding]:
    try:
        from cli.checks import training
    except ModuleNotFoundError as missing:
        if not errors.known(missing):
            raise
        yield ok("training files", "not looked at, since this install has no trainer")
    else:
        yield from training.check(settings)


def line(finding: Finding, *, colour: bool = False) -> str:
    """A finding as people read it."""
    level = f"{finding.level:<4}"
    if colour:
        level = typer.style(level, fg=COLOURS[finding.level])
    do = f"\n      {finding.do}" if finding.do else ""
    return f"{level}  {finding.about}: {finding.text}{do}"
