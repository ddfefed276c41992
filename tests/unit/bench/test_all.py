"""The list of `make bench`: whole, with arguments that fit, and run to its end."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, main
from settings import ROOT

NOT_LISTED = {"gpu", "recipes", "learning", "wordings", "results"}  # the last one runs after the others


def has_main(path: Path) -> bool:
    return path.is_file() and "\ndef main(" in path.read_text(encoding="utf-8")


def test_every_bench_is_in_the_list() -> None:
    files = {path.stem for path in (ROOT / "bench").glob("[!_]*.py") if has_main(path)}
    folders = {path.name for path in (ROOT / "bench").iterdir() if has_main(path / "__main__.py")}
    assert {"loop", "results"} <= files and {"swap", "learning"} <= folders
    assert files | folders == set(BENCHES) | NOT_LISTED


class Parsed(Exception):
    """Raised in place of going on."""


@pytest.mark.parametrize("name", list(BENCHES))
def test_its_arguments_are_all_that_it_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser) -> None:
        parse(parser)  # exits where something is missing or wrong
        raise Parsed

    package = (ROOT / "bench" / name).is_dir()
    bench = import_module(f"bench.{name}.__main__" if package else f"bench.{name}")
    monkeypatch.setattr(sys, "argv", [name, *BENCHES[name]])
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    with pytest.raises(Parsed):
        bench.main()


class Calls:
    """In place of processes: the benches that were called, of which some fail."""

    def __init__(self, *failing: str) -> None:
        self.failing, self.called = failing, list[str]()

    def __call__(self, command: Sequence[str]) -> int:
        assert command[:2] == [sys.executable, "-m"]
        self.called.append(" ".join(command[2:]))
        return 3 if command[2].removeprefix("bench.") in self.failing else 0


def test_all_run_and_then_the_results_are_made() -> None:
    calls = Calls()
    main([], calls)
    assert [call.split()[0] for call in calls.called] == [*(f"bench.{name}" for name in BENCHES), "bench.results"]
    assert "bench.loop --trainer both" in calls.called


def test_one_that_fails_is_named_at_the_end_and_the_others_run() -> None:
    calls = Calls("bot", "growth")
    with pytest.raises(SystemExit) as ended:
        main([], calls)
    assert ended.value.code == "Failed: bot (status 3), growth (status 3)."
    assert len(calls.called) == len(BENCHES) + 1


def test_results_that_cannot_be_made_are_a_failure() -> None:
    with pytest.raises(SystemExit, match=r"Failed: results \(status 3\)"):
        main(["--only", "start"], Calls("results"))


def test_some_can_be_chosen() -> None:
    calls = Calls()
    main(["--only", "start", "swap"], calls)
    assert calls.called == ["bench.start", "bench.swap", "bench.results"]


def test_a_bench_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "swop"], Calls())
    assert ended.value.code == 2
    assert "swap" in capsys.readouterr().err
