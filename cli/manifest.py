"""`mend manifest`: the Slack app, described for Slack's "create an app from a manifest" page."""

import json
from typing import Annotated, Any

import typer
import yaml

from feedback.persona import Persona, load_persona
from settings import Settings

BOT_SCOPES = (
    *("app_mentions:read", "assistant:write", "channels:history", "groups:history", "im:history", "im:write"),
    *("chat:write", "commands", "reactions:read", "reactions:write", "users:read", "files:write"),
)
OPTIONAL_SCOPES = ("usergroups:read", "channels:read", "groups:read", "files:read")
EVENTS = (
    *("app_home_opened", "app_context_changed", "app_mention", "message.im", "message.channels", "message.groups"),
    *("reaction_added", "reaction_removed"),
)
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_AGENT_DESCRIPTION, LONGEST_PROMPT_TITLE = 35, 140, 300, 75


def build(persona: Persona, command: str, http_url: str | None = None) -> dict[str, Any]:
    """The manifest; with ``http_url`` Slack calls that address, otherwise the bot connects by Socket Mode."""
    name = persona.name[:LONGEST_NAME]
    slash = {
        "command": command,
        "description": "Review, train, status",
        "usage_hint": "status | review | retrain | pause | rollback | help",
        "should_escape": True,
    }
    subscriptions: dict[str, Any] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if http_url:
        address = f"{http_url.rstrip('/')}/slack/events"
        slash["url"] = subscriptions["request_url"] = interactivity["request_url"] = address
    description = f"{name}, by {persona.maker}: an assistant that learns from its corrections"
    about = f"Ask {name}; flag a wrong answer and teach the right one."
    prompts = [{"title": text[:LONGEST_PROMPT_TITLE], "message": text} for text in persona.suggested_prompts]
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {"name": name, "description": description[:LONGEST_DESCRIPTION]},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "agent_view": {
                "agent_description": about[:LONGEST_AGENT_DESCRIPTION],
                **({"suggested_prompts": prompts} if prompts else {}),
            },
            "slash_commands": [slash],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES), "bot_optional": list(OPTIONAL_SCOPES)}},
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "socket_mode_enabled": not http_url,
            "token_rotation_enabled": False,
        },
    }


def manifest(
    http: Annotated[
        str, typer.Option("--http", metavar="URL", help="Public https address of the bot; without it, Socket Mode.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
) -> None:
    """Print the manifest of the Slack app, with the persona's name and suggested prompts."""
    if http and not http.startswith("https://"):
        raise typer.BadParameter("Slack calls https addresses only", param_hint="--http")
    settings = Settings()
    persona = load_persona(settings.persona_dir / "persona.yaml")
    document = build(persona, settings.slack.command, http or None)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100), end="")
