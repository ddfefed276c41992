"""The Slack app's own configuration against the manifest that Mend prints: events, command, Home, interactivity.

Slack shows it only to an app configuration token, which lives for twelve hours; without one nothing can be said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from cli.checks.finding import Finding, fail, ok
from cli.manifest import EVENTS
from settings import SlackSettings

Manifest = Mapping[str, Any]

# What does not work while an event is missing.
NEEDED_FOR = {
    "app_home_opened": "App Home stays empty, and the pane offers no questions",
    "app_context_changed": "the pane does not know which channel somebody looks at",
    "app_mention": "mentions in channels are not answered",
    "message.im": "direct messages are not answered",
    "message.channels": "threads in public channels do not go on without a mention, and edits are not seen",
    "message.groups": "the same in private channels",
    "reaction_added": "thumbs by reaction are not counted",
    "reaction_removed": "thumbs by reaction cannot be taken back",
}
UNSEEN = (
    "not looked at: Slack shows them only to an app configuration token. Make one at api.slack.com/apps, set"
    " MEND_SLACK__CONFIG_TOKEN (xoxe.xoxp-...) and run this again, or compare the app with `mend manifest`."
)


def check(client: WebClient, slack: SlackSettings, app_id: str | None) -> Iterator[Finding]:
    """Read the app's manifest and compare it."""
    token = slack.config_token.get_secret_value()
    if not token:
        yield ok("events", UNSEEN)
        return
    if not app_id:
        yield fail("events", "Slack did not say which app the bot token is of", "Install the app again.")
        return
    try:
        owner = WebClient(token=token, base_url=client.base_url, timeout=client.timeout)
        found = owner.apps_manifest_export(app_id=app_id)
    except SlackApiError as error:
        do = "Make a new app configuration token at api.slack.com/apps; one lives for twelve hours."
        yield fail("app configuration", f"MEND_SLACK__CONFIG_TOKEN is refused: {error.response.get('error')}", do)
    else:
        yield from compare(found["manifest"], slack)


def compare(manifest: Manifest, slack: SlackSettings) -> Iterator[Finding]:
    """Every difference that would be felt, with where to mend it. Pure."""
    settings, features = manifest.get("settings") or {}, manifest.get("features") or {}
    subscribed = set((settings.get("event_subscriptions") or {}).get("bot_events") or [])
    for event in EVENTS:
        if event not in subscribed:
            do = f"Event Subscriptions, Subscribe to bot events, add {event}."
            yield fail("events", f"{event} is missing: {NEEDED_FOR[event]}", do)
    if set(EVENTS) <= subscribed:
        yield ok("events", "all")
    yield from _switches(settings, features, slack)


def _switches(settings: Manifest, features: Manifest, slack: SlackSettings) -> Iterator[Finding]:
    home = features.get("app_home") or {}
    commands = [one.get("command") for one in features.get("slash_commands") or []]
    socket = bool(settings.get("socket_mode_enabled"))
    wrong = [
        (
            not (settings.get("interactivity") or {}).get("is_enabled"),
            "interactivity is off, so no button and no window works",
            "Interactivity & Shortcuts: switch it on.",
        ),
        (
            socket is not (slack.mode == "socket"),
            f"Socket Mode is {'on' if socket else 'off'} in Slack, and MEND_SLACK__MODE is {slack.mode}",
            "Switch Socket Mode in Slack, or set MEND_SLACK__MODE, so that both say the same.",
        ),
        (
            slack.command not in commands,
            f"there is no slash command {slack.command}",
            f"Slash Commands: create {slack.command}, or set MEND_SLACK__COMMAND to the one that is there.",
        ),
        (not home.get("home_tab_enabled"), "the Home tab is off", "App Home: switch the Home tab on."),
        (
            not home.get("messages_tab_enabled") or bool(home.get("messages_tab_read_only_enabled")),
            "people cannot write to the bot in direct messages",
            "App Home, Messages Tab: switch it on, and let users send messages from it.",
        ),
        (
            not (features.get("agent_view") or features.get("assistant_view")),
            "the assistant pane is off",
            "Agents & AI Apps: switch it on; or take over what `mend manifest` prints.",
        ),
    ]
    findings = [fail("app configuration", text, do) for is_wrong, text, do in wrong if is_wrong]
    yield from findings or [ok("app configuration", "as Mend needs it")]
