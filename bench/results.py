"""bench/RESULTS.md, made of the files that the benches have left.

    python -m bench.results [--from bench/out] [--to bench/RESULTS.md]

A section for each JSON file, named by its path. A section whose file is not here stays as it is: tables of a GPU
machine are made there, and a checkout without one keeps them. Files that have no tables (see `bench.report`) are shown
as they can be: their rows, or their single figures.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report import ROOT, Cell, as_text

HEAD = """# Results

Made by `python -m bench.results` of what the benches left in `bench/out/`. Each section says when, where and of which
commit it was measured, and how to measure it again; a sentence below the command was added by hand.
"""
SECTION = re.compile(r"^<!-- (?P<key>[\w./-]+) -->\n(?P<text>.*?)(?=^<!-- [\w./-]+ -->\n|\Z)", re.MULTILINE | re.DOTALL)
ORDER = ("loop", "swap", "bot", "growth", "learning", "start", "gpu")
LONGEST_CELL = 160


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="folder", type=Path, default=ROOT / "bench" / "out")
    parser.add_argument("--to", type=Path, default=ROOT / "bench" / "RESULTS.md")
    options = parser.parse_args()
    before = options.to.read_text(encoding="utf-8") if options.to.exists() else ""
    found = dict(sections(options.folder))
    options.to.write_text(merged(before, found), encoding="utf-8")
    print(f"{options.to.name}: {', '.join(sorted(found)) or 'nothing new'}")


def sections(folder: Path) -> Iterator[tuple[str, str]]:
    """Key and text of each file's section, for the folder and those right below it."""
    for path in sorted((*folder.glob("*.json"), *folder.glob("*/*.json"))):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and ("tables" in content or path.parent == folder):
            key = str(path.relative_to(folder).with_suffix(""))
            yield key, section(key, content)


def merged(before: str, found: Mapping[str, str]) -> str:
    """The whole file: the new sections, and the old ones that have no new text."""
    old = {match["key"]: match["text"].strip("\n") for match in SECTION.finditer(before)}
    texts = old | {key: text.strip("\n") for key, text in found.items()}
    return "\n".join([HEAD, *(f"<!-- {key} -->\n{texts[key]}\n" for key in sorted(texts, key=_place))])


def _place(key: str) -> tuple[int, str]:
    first = re.split(r"\W", key)[0]
    return ORDER.index(first) if first in ORDER else len(ORDER), key


def section(key: str, content: Mapping[str, Any]) -> str:
    """One file as Markdown."""
    about = content.get("about")
    about = about if isinstance(about, dict) else {}
    lines = [f"## {key}", ""]
    said = [str(about[name]) for name in ("date", "machine") if about.get(name)]
    if about.get("load"):
        said.append(f"load average {about['load']} at the end")
    if about.get("commit"):
        said.append(f"commit {about['commit']}")
    if said:
        lines += ["; ".join(said) + ".", ""]
    if about.get("command"):
        lines += [f"    {about['command']}", ""]
    if about.get("note"):
        lines += [str(about["note"]), ""]
    for table in _tables(content):
        lines += [*_markdown(table), ""]
    return "\n".join(lines)


def _tables(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The file's tables, or the best that can be made of it."""
    tables = content.get("tables")
    if isinstance(tables, list):
        return tables
    rows = content.get("rows")
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        columns = list(dict.fromkeys(name for row in rows for name in row))
        return [{"columns": columns, "rows": [[row.get(name) for name in columns] for row in rows]}]
    return [{"columns": ["figure", "value"], "rows": list(_single(content))}]


def _single(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Cell]]:
    for name, value in content.items():
        if name in ("about", "figures", "picture"):
            continue
        if isinstance(value, dict):
            yield from _single(value, f"{before}{name}, ")
        elif value is None or isinstance(value, str | int | float):
            yield f"{before}{name}".replace("_", " "), value


def _markdown(table: Mapping[str, Any]) -> Iterator[str]:
    if table.get("title"):
        yield f"**{table['title']}**"
        yield ""
    yield _line(table["columns"])
    yield "|" + "|".join(["---", *["---:"] * (len(table["columns"]) - 1)]) + "|"
    for row in table["rows"]:
        yield _line(row)
    if table.get("notes"):
        yield ""
        yield " ".join(map(str, table["notes"]))


def _line(cells: Sequence[Any]) -> str:
    shown = (as_text(cell if isinstance(cell, str | int | float) or cell is None else str(cell)) for cell in cells)
    return "| " + " | ".join(" ".join(text.split())[:LONGEST_CELL].replace("|", r"\|") for text in shown) + " |"


if __name__ == "__main__":
    main()
