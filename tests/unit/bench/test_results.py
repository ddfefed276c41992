"""How RESULTS.md is made of the benches' files."""

import json
from pathlib import Path

import pytest

from bench.report import Report, Table, as_text, command, hand_in
from bench.results import merged, section, sections

ABOUT = {
    "bench": "swap",
    "date": "2026-11-28",
    "commit": "0a1b2c3",
    "machine": "a card",
    "load": "1.9",
    "command": "python -m x",
}


def test_a_report_is_written_and_becomes_a_section(tmp_path: Path) -> None:
    table = Table("Gaps", ["", "p50"], [["before", 61.26], ["during", None]], notes=["16 streams."])
    hand_in(Report("swap", [table], {"each": [1, 2]}), tmp_path / "out" / "swap.json")
    ((key, text),) = sections(tmp_path / "out")
    assert key == "swap"
    assert text.startswith("## swap\n\n20")
    assert "**Gaps**\n\n|  | p50 |\n|---|---:|\n| before | 61.3 |\n| during | - |\n\n16 streams." in text


def test_what_looks_like_markup_is_printed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(Report("growth", [Table("[/]", ["sql"], [["[b]x[/c]"]], notes=["[/a]"])]), tmp_path / "growth.json")
    printed = capsys.readouterr().out
    assert "[/]" in printed and "[b]x[/c]" in printed and "[/a]" in printed


def test_a_section_says_when_where_of_what_and_how() -> None:
    text = section("swap", {"about": ABOUT, "tables": []})
    assert "2026-11-28; a card; load average 1.9 at the end; commit 0a1b2c3." in text
    assert "\n    python -m x\n" in text


def test_files_of_other_shapes_are_shown_as_they_can_be() -> None:
    rows = section("growth", {"about": ABOUT, "rows": [{"query": "a|b", "ms": 1.5}, {"query": "c", "plan": "index"}]})
    assert "| query | ms | plan |\n|---|---:|---:|\n| a\\|b | 1.5 | - |\n| c | - | index |" in rows
    single = section("bot", {"questions": 30, "acks_ms": {"p99": 4.2}, "each": [1, 2], "figures": {"x": 1}})
    assert "| questions | 30 |\n| acks ms, p99 | 4.2 |" in single
    assert "each" not in single and "| x |" not in single


def test_a_section_without_a_new_file_stays(tmp_path: Path) -> None:
    first = merged("", {"gpu/swap": "## gpu/swap\n\nold card\n", "swap": "## swap\n\nold\n"})
    again = merged(first, {"swap": "## swap\n\nnew\n"})
    assert "old card" in again and "new" in again and "old\n" not in again
    assert again.index("## swap") < again.index("## gpu/swap")
    assert merged(again, {}) == again


def test_raw_files_below_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "learning").mkdir()
    (tmp_path / "learning" / "mend-11.json").write_text(json.dumps({"arm": "mend"}))
    assert list(sections(tmp_path)) == []


def test_a_command_names_no_folder_of_this_machine() -> None:
    argv = ["/somewhere/bin/python", "-m", "bench.swap", "--model", "/data/models/qwen", "--out=/tmp/x/swap.json"]
    assert command(argv) == "python -m bench.swap --model <qwen> --out=<swap.json>"
    assert command(["python", "-m", "bench.loop", "--home", ".mend/bench"]) == "python -m bench.loop --home .mend/bench"


def test_numbers_are_as_long_as_they_are_worth() -> None:
    assert [as_text(cell) for cell in (None, 3, 1234.5, 61.26, 0.01234, "x")] == [
        "-",
        "3",
        "1234",
        "61.3",
        "0.0123",
        "x",
    ]
