"""The recipe's training, phase by phase: cold, under the stack sampler, and in variants that share a process."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gpu import stacks
from bench.gpu.variants import BY_NAME, Variant, argv
from bench.report import ROOT, Cell, Report, Table
from feedback.persona import load_persona
from trainer.rows import read_folder

ROWS = 50
PHASES = ("imports", "model", "before the first step", "first step", "later steps", "after the last step", "whole")


@dataclass(frozen=True)
class Setup:
    """What every training of this machine has in common."""

    model: Path
    config: Path
    folder: Path
    epochs: int


@dataclass(frozen=True)
class Done:
    """One process with its jobs. ``error`` is the end of its output where it did not end well."""

    started: float
    ended: float
    jobs: Sequence[Mapping[str, Any]]
    error: str = ""


def write_rows(path: Path) -> Path:
    """Fifty rows about the persona itself, with its system prompt, as a first run trains them."""
    persona = load_persona(ROOT / "persona" / "persona.yaml")
    rows = read_folder(ROOT / "persona" / "self_cognition", persona, ["en"])[:ROWS]
    system = {"role": "system", "content": persona.system_prompt}
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            messages = [system, *({"role": one.role, "content": one.content} for one in row.messages)]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path


def train(setup: Setup, name: str, variants: Sequence[Variant], limit: float, *, sampled: bool = False) -> Done:
    """Run variants in one fresh process, for at most so many seconds."""
    folder = setup.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    rows, report = write_rows(folder / "rows.jsonl"), folder / "report.json"
    jobs = [
        {"name": one.name, "argv": argv(one, setup.config, setup.model, rows, folder / f"job-{number}", setup.epochs)}
        for number, one in enumerate(variants)
    ]
    content = {"stacks": str(folder / "stacks.jsonl") if sampled else None, "jobs": jobs}
    (folder / "jobs.json").write_text(json.dumps(content), encoding="utf-8")
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "bench.gpu.phases", str(folder / "jobs.json"), str(report)]
    started, error = time.time(), ""
    with (folder / "log").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(command, cwd=ROOT, env=_environment(folder), stdout=log, stderr=subprocess.STDOUT)
        try:
            status = child.wait(timeout=max(1.0, limit))
            if status != 0:
                error = f"status {status}: " + _tail(folder / "log")
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            error = f"{_tail(folder / 'log')}\nnot done within {limit:.0f} s"
    ended = time.time()
    found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else []
    return Done(started, ended, found, error)


def phases(done: Done) -> dict[str, float]:
    """Seconds of each phase of the first job of a process, imports and exit with it."""
    job = done.jobs[0]
    marks, imported = job["marks"], job["imported"]
    begin, end = marks["first step begin"], marks["last step end"]
    return {
        "imports": imported["imports"] - done.started,
        "model": job["loading"],
        "before the first step": begin - imported["imports"] - job["loading"],
        "first step": marks["first step end"] - begin,
        "later steps": end - marks["first step end"],
        "after the last step": done.ended - end,
        "whole": done.ended - done.started,
    }


def between(job: Mapping[str, Any], imports: float) -> list[tuple[str, float]]:
    """What lies between the imports and the first step, mark by mark."""
    marks = {name: at for name, at in job["marks"].items() if imports <= at <= job["marks"]["first step begin"]}
    found, before = [], imports
    for name, at in sorted(marks.items(), key=lambda one: one[1]):
        found.append((f"until {name}", at - before))
        before = at
    return found


def cold_table(named: Mapping[str, Done]) -> Table:
    """One row a process."""
    rows: list[list[Cell]] = []
    for name, done in named.items():
        if _whole(done.jobs[:1]):
            rows.append([name, "", *(phases(done)[phase] for phase in PHASES), done.jobs[0]["peak_gb"]])
        else:
            rows.append([name, f"failed: {_short(done)}", *[None] * (len(PHASES) + 1)])
    heads = ("a process of its own", "", *(f"{phase}, s" for phase in PHASES), "peak, GB")
    return Table("Cold training, phase by phase", heads, rows)


def between_table(name: str, done: Done) -> Table:
    """What comes before the first step of a process, by the marks."""
    rows = between(done.jobs[0], done.jobs[0]["imported"]["imports"]) if _whole(done.jobs[:1]) else []
    return Table(f"From the imports to the first step: {name}", ["", "s"], rows)


def variants_table(done: Done, wanted: Sequence[Variant]) -> Table:
    """One row a variant; what could not be run says why."""
    by_name = {job["name"]: job for job in done.jobs}
    rows = [_variant_row(variant, by_name.get(variant.name), done) for variant in wanted]
    heads = ("one process, in this order", "", "before the first step, s", "first step, s", "median step, s", "all, s")
    notes = ["Later ones find imports done and libraries used; `before` is what a warm trainer would still pay."]
    return Table("Variants of the steps", (*heads, "after, s", "peak, GB"), rows, notes)


def _variant_row(variant: Variant, job: Mapping[str, Any] | None, done: Done) -> list[Cell]:
    if job is None or not _whole([job]):
        said = job["error"] if job else done.error or "not reached"
        return [variant.name, f"failed: {variant.missing() or _last_line(said)}", *[None] * 6]
    marks, steps = job["marks"], job["steps"]
    return [
        variant.name,
        "",
        marks["first step begin"] - marks["start"],
        steps[0],
        statistics.median(steps[1:] or steps),
        marks["last step end"] - marks["first step begin"],
        marks["end"] - marks["last step end"],
        job["peak_gb"],
    ]


def stacks_tables(done: Done, samples: Path) -> list[Table]:
    """Where the time before the first step goes, by the stack samples."""
    if not _whole(done.jobs[:1]) or not samples.exists():
        return [Table("Before the first step, by stack samples", ["", "s"], [], [f"failed: {_short(done)}"])]
    job = done.jobs[0]
    windows = {
        "The imports": (done.started, job["imported"]["imports"]),
        "From the imports to the first step": (job["imported"]["imports"], job["marks"]["first step begin"]),
        "After the last step": (job["marks"]["last step end"], done.ended),
    }
    found = []
    for title, (since, until) in windows.items():
        seen = list(stacks.read(samples, since, until))
        rows = [(name.replace("  ", "· "), seconds) for name, seconds in stacks.lines(stacks.tree(seen), least=0.7)]
        found.append(Table(f"{title}, by stack samples", ["function", "s"], rows[:60]))
        found.append(Table(f"{title}, innermost function", ["function", "s"], stacks.innermost(seen)))
    return found


def report_of(
    bench: str, alone: Mapping[str, Done], together: Done | None = None, wanted: Sequence[Variant] = ()
) -> Report:
    """Everything but the stacks: of processes that made one training each, and of one that made several."""
    tables = [cold_table(alone), *(between_table(name, done) for name, done in list(alone.items())[:1])]
    if together:
        tables.append(variants_table(together, wanted))
    tables = [table for table in tables if table.rows]
    errors = {name: done.error for name, done in alone.items() if done.error}
    if together and together.error:
        errors["variants"] = together.error
    jobs = {name: done.jobs for name, done in alone.items()} | {"variants": together.jobs if together else []}
    return Report(bench, tables, {"errors": errors, "jobs": jobs})


def chosen(names: Iterable[str]) -> list[Variant]:
    """Variants by their names."""
    return [BY_NAME[name] for name in names]


def _whole(jobs: Sequence[Mapping[str, Any]]) -> bool:
    return bool(jobs) and all(not job["error"] and "last step end" in job["marks"] for job in jobs)


def _short(done: Done) -> str:
    failed = [job["error"] for job in done.jobs if job["error"]]
    return _last_line(failed[0] if failed else done.error)


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1][:200] if text.strip() else ""


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1500:]


def _environment(folder: Path) -> dict[str, str]:
    """No network, and the caches where the bench works."""
    ours = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
        "MODELSCOPE_CACHE": str(folder / "cache"),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **ours}
