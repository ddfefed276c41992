"""Every load put on every app, one after the other on one sandbox."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.bot.apps import App, model_server, started
from bench.bot.figures import figures
from bench.bot.load import Load, put
from cli import manifest
from feedback.persona import load_persona
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan, running
from settings import Settings

AT_ONCE = 30
CLOSING = 1.0  # seconds from an answer's last word to its whole message, about


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
    with model_server(pace, words) as model, workspace(home, model) as (settings, page):
        command = settings.slack.command
        for load in loads:
            for app in apps:
                print(f"{app.title}: {load.title} ...", flush=True)
                with started(app, settings, page, free=load.free) as pid:
                    tag = f"{load.name} to {app.name}"
                    seen = asyncio.run(put(load, tag, page, model, pid, command))
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
