"""`mend up`: all parts on this machine, with a real Slack workspace."""

from pathlib import Path

from cli.foreground import Home, until_stopped
from cli.user_error import UserError
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan
from settings import Settings

TOKENS = {
    "bot_token": "MEND_SLACK__BOT_TOKEN (xoxb-...): your app's page, OAuth & Permissions, after Install to Workspace",
    "app_token": "MEND_SLACK__APP_TOKEN (xapp-...): your app's page, Basic Information, App-Level Tokens, scope "
    "connections:write",
    "signing_secret": "MEND_SLACK__SIGNING_SECRET: your app's page, Basic Information, App Credentials",
}


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
    with until_stopped(plan) as stop:
        print("\nReady. Talk to the bot in Slack.", flush=True)
        stop.wait()


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
