"""`mend demo` and `mend up`: all parts on this machine, until Ctrl-C."""

import json
import signal
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli import manifest
from cli.errors import UserError
from feedback.persona import load_persona
from local import embedded, home, ports, stack
from local.embedded import Chosen
from local.stack import Plan
from settings import Settings

PAGE_PORT = 8300
TOKENS = {
    "bot_token": "MEND_SLACK__BOT_TOKEN (xoxb-...): your app's page, OAuth & Permissions, after Install to Workspace",
    "app_token": "MEND_SLACK__APP_TOKEN (xapp-...): your app's page, Basic Information, App-Level Tokens, scope "
    "connections:write",
    "signing_secret": "MEND_SLACK__SIGNING_SECRET: your app's page, Basic Information, App Credentials",
}

Home = Annotated[Path | None, typer.Option("--home", help="Folder that keeps everything [MEND_HOME, or .mend].")]


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
    with _until_stopped(plan) as stop:
        print(f"\nReady: {plan.page}\n\nFirst ask who the bot is; then, as Ada, type {settings.slack.command} retrain.")
        print(f"Logs: {home.log_folder(where)}", flush=True)
        if open_page and _has_browser():
            webbrowser.open(str(plan.page))
        stop.wait()


def up(folder: Home = None) -> None:
    """Run all parts on this machine with a real Slack workspace. Parts whose address is set are used where they are."""
    settings = Settings()
    if missing := missing_tokens(settings):
        raise UserError(
            "These are missing:\n  "
            + "\n  ".join(missing)
            + "\nNo app yet? Create one at https://api.slack.com/apps from what `mend manifest` prints."
        )
    where = (folder or settings.home).expanduser().resolve()
    plan = up_plan(settings, where)
    print(f"Starting Mend in {where}. Ctrl-C stops it; what you teach is kept.", flush=True)
    with _until_stopped(plan) as stop:
        print("\nReady. Talk to the bot in Slack.", flush=True)
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


def up_plan(settings: Settings, where: Path) -> Plan:
    """What the settings do not place elsewhere runs here."""
    serves = "urls" not in settings.serving.model_fields_set
    chosen = Chosen(
        postgres="url" not in settings.database.model_fields_set,
        valkey="url" not in settings.redis.model_fields_set,
        vllm=serves,
        small_model=serves and "base_model" not in settings.serving.model_fields_set,
        sandbox=False,
    )
    complete = embedded.with_addresses(settings, where, chosen, page_port=0, vllm_port=ports.any_free())
    return Plan(complete, chosen)


def missing_tokens(settings: Settings) -> list[str]:
    """The tokens that the chosen mode needs and that are not set, each with where to get it."""
    needed = ("bot_token", "app_token" if settings.slack.mode == "socket" else "signing_secret")
    return [TOKENS[name] for name in needed if not getattr(settings.slack, name).get_secret_value()]


@contextmanager
def _until_stopped(plan: Plan) -> Iterator[threading.Event]:
    """Start a plan; the event is set by Ctrl-C or SIGTERM. A second Ctrl-C changes nothing: stopping is under way."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with stack.running(plan, _report, stop):
        yield stop
        print("\nStopping; usually 1 to 10 s ...", flush=True)
    print("Stopped.", flush=True)


def _report(line: str) -> None:
    print(f"  {line[:1].upper()}{line[1:]}", flush=True)


def _has_browser() -> bool:
    """Whether there is one with a window; a text browser would take over this terminal."""
    try:
        return type(webbrowser.get()) is not webbrowser.GenericBrowser
    except webbrowser.Error:
        return False
