"""The installed app, read from a Slack app manifest.

Not imitated: validation against Slack's published schema (unknown keys are ignored), HTTP request URLs,
shortcuts, unfurl domains, user scopes, token rotation, functions.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.payload import Payload


class ManifestError(ValueError):
    """The manifest cannot be used; the message names the field."""


@dataclass(frozen=True)
class Command:
    name: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True)
class Prompt:
    title: str
    message: str


@dataclass(frozen=True)
class Manifest:
    """`scopes` is None when the manifest lists none: then no scope is checked."""

    name: str
    bot_name: str
    description: str
    agent_description: str
    commands: tuple[Command, ...]
    scopes: frozenset[str] | None
    events: frozenset[str]
    prompts: tuple[Prompt, ...]
    home_tab: bool
    messages_tab: bool
    interactivity: bool
    assistant_view: bool = False


def load_manifest(path: Path) -> Manifest:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ManifestError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}: must be a mapping")
    try:
        return parse_manifest(document)
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from error


def parse_manifest(document: Payload) -> Manifest:
    display = _mapping(document, "display_information")
    features = _mapping(document, "features")
    settings = _mapping(document, "settings")
    if not settings.get("socket_mode_enabled", False):
        raise ManifestError("settings.socket_mode_enabled must be true: only Socket Mode is spoken here")
    name = _text(display, "display_information.name", 35)
    home = _mapping(features, "app_home", "features.")
    assistant_view = "assistant_view" in features and "agent_view" not in features
    view = "assistant_view" if assistant_view else "agent_view"
    agent = _mapping(features, view, "features.")
    subscriptions = _mapping(settings, "event_subscriptions", "settings.")
    return Manifest(
        name=name,
        bot_name=str(_mapping(features, "bot_user", "features.").get("display_name", name)),
        description=str(display.get("description", "")),
        agent_description=str(agent.get("agent_description") or agent.get("assistant_description") or ""),
        commands=tuple(_command(item) for item in _objects(features, "slash_commands", "features.")),
        scopes=_scopes(document),
        events=frozenset(str(event) for event in subscriptions.get("bot_events") or ()),
        prompts=_prompts(
            _objects(agent, "suggested_prompts", f"features.{view}."), f"features.{view}.suggested_prompts"
        ),
        home_tab=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", True))
        and not home.get("messages_tab_read_only_enabled", False),
        interactivity=bool(_mapping(settings, "interactivity", "settings.").get("is_enabled", False)),
        assistant_view=assistant_view,
    )


def _scopes(document: Payload) -> frozenset[str] | None:
    scopes = _mapping(_mapping(document, "oauth_config"), "scopes", "oauth_config.")
    if "bot" not in scopes:
        return None
    return frozenset(str(scope) for key in ("bot", "bot_optional") for scope in scopes.get(key) or ())


def _command(item: Payload) -> Command:
    name = _text(item, "features.slash_commands.command", 32)
    if not name.startswith("/"):
        raise ManifestError(f"features.slash_commands.command {name!r} must start with '/'")
    return Command(
        name=name,
        description=str(item.get("description", "")),
        usage_hint=str(item.get("usage_hint", "")),
        should_escape=bool(item.get("should_escape", False)),
    )


def _prompts(items: list[Payload], place: str) -> tuple[Prompt, ...]:
    if len(items) > 4:
        raise ManifestError(f"{place}: at most 4")
    return tuple(Prompt(_text(item, f"{place}.title", 75), _text(item, f"{place}.message", 300)) for item in items)


def _objects(document: Payload, key: str, prefix: str) -> list[Payload]:
    value = document.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ManifestError(f"{prefix}{key} must be a list of mappings")
    return value


def _mapping(document: Payload, key: str, prefix: str = "") -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise ManifestError(f"{prefix}{key} must be a mapping")
    return value


def _text(document: Payload, path: str, longest: int) -> str:
    value = document.get(path.rsplit(".", 1)[-1])
    if not isinstance(value, str) or not value:
        raise ManifestError(f"{path} is required")
    if len(value) > longest:
        raise ManifestError(f"{path} is longer than {longest} characters")
    return value
