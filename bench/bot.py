"""What the bot adds to an answer, beside a plain Bolt listener: 30 people talking at once, and 30 and 200 questions in
the same instant. Nothing lost, nothing doubled, acknowledged in time, Slack's limits kept.

    python -m bench.bot [--pace 0.05] [--words 150] [--loads talk,30,200] [--beside OTHER_CHECKOUT] [--out bench/out]

Starts PostgreSQL and the sandbox as the demo does, and in place of vLLM a stand-in that says words at a steady pace
(bench/paced_model.py): this measures the bot, not the model. Then, one after the other on that same sandbox, Mend's
bot and ``bench/plain_bolt.py``; with ``--beside`` also the bot of another checkout, to compare two versions.

**Added**, for one question, is the sum of two intervals, all stamped by ``time.time()`` of this machine:

- *before*: from when the sandbox has written the first envelope with the question to its socket (of a mention there are
  two) until the stand-in begins to read the request with that question;
- *after*: from when the first 40 characters of the answer had left the stand-in until the call with the answer's first
  text (``chat.startStream``) arrived at the sandbox. Mend waits for 40 characters on purpose (``FIRST_TEXT`` in
  bot/limits.py); of the plain listener it is counted from the 256 that ``chat_stream`` waits for.

The stand-in's own time between the two does not count. What the other processes make the bot wait for on a shared
machine does: they all are on the same cores, and an envelope or a call lies in the sandbox's queue until it is read.

What Mend holds back on purpose is kept apart. Under Slack's limits (20 streams a minute) the other answers are posted
whole at their end, and of 200 questions all but ``max_running_answers`` wait for their turn; neither counts as added,
and the table says how many there were and how long they waited. *talk* lifts both limits, so that every question
counts: they come evenly, so that about 30 answers run at any time.

Also counted: the time from a slash command's envelope to its acknowledgement, the memory and the CPU time of the app's
process (of all figures the one that other programs disturb least), Slack calls of each answer, and answers lost,
doubled or not as the model said them. The exit status is 1 when a limit of
Mend's is not kept; the goals for what is added are marked, and do not fail it: they depend on what else the machine
does.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import bot_apps, bot_load, bot_report
from bench.bot_apps import App
from bench.bot_figures import figures
from bench.bot_load import Load
from cli import manifest
from feedback.persona import load_persona
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan, running
from settings import Settings

AT_ONCE = 30
CLOSING = 1.0  # seconds from an answer's last word to its whole message, about


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two words of one answer")
    parser.add_argument("--words", type=int, default=150, help="words of one answer")
    parser.add_argument("--loads", default="talk,30,200", help="which of them to run")
    parser.add_argument("--beside", type=Path, help="another checkout, whose bot is measured too")
    parser.add_argument("--out", type=Path, default=Path("bench/out"), help="folder for bot.json and bot.png")
    options = parser.parse_args()
    loads = [load for load in all_loads(options.pace, options.words) if load.name in options.loads.split(",")]
    apps = [bot_apps.MEND, bot_apps.PLAIN]
    if options.beside:
        other = options.beside.resolve()
        apps.insert(0, App("beside", f"Mend of {other.name}", bot_apps.MEND.first_text, other))
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        measured = measure(Path(folder), apps, loads, options.pace, options.words)
    if not bot_report.report(measured, loads, apps, options.pace, options.words, options.out):
        sys.exit(1)


def all_loads(pace: float, words: int) -> list[Load]:
    """What is asked."""
    gap = ((words + 2) * pace + CLOSING) / AT_ONCE
    return [
        Load("talk", f"{AT_ONCE} at once, one after the other", 5 * AT_ONCE, gap, free=True),
        Load("30", "30 in the same instant", 30, 0.0, free=False),
        Load("200", "200 in the same instant", 200, 0.0, free=False),
    ]


def measure(home: Path, apps: list[App], loads: list[Load], pace: float, words: int) -> dict[str, dict[str, Any]]:
    """The figures of each load and app."""
    measured: dict[str, dict[str, Any]] = {load.name: {} for load in loads}
    with bot_apps.model_server(pace, words) as model, workspace(home, model) as (settings, page):
        command = settings.slack.command
        for load in loads:
            for app in apps:
                print(f"{app.title}: {load.title} ...", flush=True)
                with bot_apps.started(app, settings, page, free=load.free) as pid:
                    tag = f"{load.name} to {app.name}"
                    seen = asyncio.run(bot_load.put(load, tag, page, model, pid, command))
                slots = settings.slack.max_running_answers if app.is_mend and not load.free else load.questions
                measured[load.name][app.name] = figures(
                    seen, words=words, first_text=app.first_text, slots=slots, command=command
                )
    return measured


@contextmanager
def workspace(home: Path, model: str) -> Iterator[tuple[Settings, str]]:
    """PostgreSQL and the sandbox, and the settings and the page of a bot that works there."""
    chosen = Chosen(valkey=False, vllm=False, small_model=False, worker=False, bot=False)
    settings = Settings()
    serving = settings.serving.model_copy(update={"urls": [model], "device": "cuda"})
    settings = settings.model_copy(update={"serving": serving})
    port = ports.any_free()
    complete = embedded.with_addresses(settings, home, chosen, page_port=port, vllm_port=0)
    app = home / "app.yaml"
    persona = load_persona(settings.persona_dir / "persona.yaml")
    app.write_text(json.dumps(manifest.build(persona, settings.slack.command)))  # JSON is YAML
    with running(Plan(complete, chosen, manifest=app, page_port=port), print):
        yield complete, f"http://127.0.0.1:{port}"


if __name__ == "__main__":
    main()
