"""`mend demo`: the whole of Mend on this machine, with a page to chat in, until Ctrl-C."""

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from cli import manifest
from cli.foreground import Home, until_stopped
from feedback.persona import load_persona
from local import embedded, home, ports
from local.embedded import Chosen
from local.stack import Plan
from settings import Settings

PAGE_PORT = 8300


def demo(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help=f"Port of the page; {PAGE_PORT} if it is free.")
    ] = None,
    folder: Home = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was said and taught, and start nothing.")] = False,
) -> None:
    """Run the whole of Mend on this machine, with a page to chat in. Needs no account, GPU or Docker."""
    settings = Settings()
    where = (folder or settings.home).expanduser().resolve()
    if reset:
        home.forget(where)
        print(f"Forgotten: everything said and taught in {where}.")
        return
    plan = demo_plan(settings, where, ports.prefer(PAGE_PORT) if port is None else ports.require(port))
    print(f"Starting Mend in {where}. Ctrl-C stops it; what you teach is kept.", flush=True)
    with until_stopped(plan) as stop:
        print(f"\nReady: {plan.page}\n\nFirst ask who the bot is; then, as Ada, type {settings.slack.command} retrain.")
        print(f"Logs: {home.log_folder(where)}", flush=True)
        if open_page and _has_browser():
            webbrowser.open(str(plan.page))
        stop.wait()


def demo_plan(settings: Settings, where: Path, page_port: int) -> Plan:
    """Every part here, with the small model and the sandbox."""
    where.mkdir(parents=True, exist_ok=True)
    persona = load_persona(settings.persona_dir / "persona.yaml")
    chosen = Chosen()
    complete = embedded.with_addresses(settings, where, chosen, page_port=page_port, vllm_port=ports.any_free())
    app = where / "app.yaml"
    app.write_text(json.dumps(manifest.build(persona, settings.slack.command), indent=1))  # JSON is YAML
    return Plan(complete, chosen, manifest=app, page_port=page_port)


def _has_browser() -> bool:
    """Whether there is one with a window; a text browser would take over this terminal."""
    try:
        return type(webbrowser.get()) is not webbrowser.GenericBrowser
    except webbrowser.Error:
        return False
