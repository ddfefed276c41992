"""Slack's tokens, the scopes they carry, and who may approve."""

from collections.abc import Callable, Iterator

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from cli.checks import slack_app
from cli.checks.finding import Finding, fail, ok, warn
from cli.manifest import BOT_SCOPES, OPTIONAL_SCOPES
from settings import Settings, SlackSettings

NETWORK = OSError  # what slack_sdk lets through: urllib's errors and time-outs
MANIFEST = "Take over what `mend manifest` prints under App Manifest, and install the app again."
# What does not work while a scope is missing.
NEEDED_FOR = {
    "app_mentions:read": "mentions are not seen",
    "assistant:write": "the pane has no status and no suggested prompts",
    "channels:history": "messages in public channels are not seen",
    "groups:history": "messages in private channels are not seen",
    "im:history": "direct messages are not seen",
    "im:write": "nobody can be written to in direct messages",
    "chat:write": "nothing can be answered",
    "commands": "the slash command does not work",
    "reactions:read": "thumbs by reaction are not seen",
    "reactions:write": "no reaction can be set",
    "users:read": "nobody's rights can be checked, so nobody may flag, teach or approve",
    "files:write": "plots cannot be shown",
}


def check(settings: Settings) -> Iterator[Finding]:
    """Both tokens, by asking Slack."""
    slack = settings.slack
    yield from bot_token(slack)
    if slack.mode == "socket":
        yield from app_token(slack)
    elif not slack.signing_secret.get_secret_value():
        do = "Set MEND_SLACK__SIGNING_SECRET, from Basic Information, App Credentials."
        yield fail("Slack", "HTTP mode without a signing secret", do)
    if not slack.admins and not slack.workspace_admins and not slack.admin_group:
        yield warn(
            "admins",
            "nobody may approve, retrain or roll back in Slack",
            "Set MEND_SLACK__ADMINS to user ids, MEND_SLACK__ADMIN_GROUP, or MEND_SLACK__WORKSPACE_ADMINS=true.",
        )
    if slack.second_approver and len(slack.admins) == 1 and not slack.workspace_admins and not slack.admin_group:
        yield fail(
            "admins",
            "two have to approve, and there is one admin",
            "Add another user id to MEND_SLACK__ADMINS, or set MEND_SLACK__SECOND_APPROVER=false.",
        )


def bot_token(slack: SlackSettings) -> Iterator[Finding]:
    """Who we are, and what we may do."""
    token = slack.bot_token.get_secret_value()
    if not token:
        yield fail("bot token", "not set", "Set MEND_SLACK__BOT_TOKEN (xoxb-...).")
        return
    client = _client(slack, token)
    try:
        reply = client.auth_test()
    except SlackApiError as error:
        yield fail("bot token", f"refused: {error.response.get('error')}", "Copy it again from OAuth & Permissions.")
    except NETWORK as error:
        yield fail("bot token", f"{slack.api_url} cannot be reached: {error}", "Check the network and the address.")
    else:
        yield ok("bot token", f"{reply.get('user')} in {reply.get('team')}")
        yield from scopes({name.lower(): value for name, value in reply.headers.items()}.get("x-oauth-scopes"), slack)
        yield from named(client, slack)
        yield from slack_app.check(client, slack, _app_id(client, reply.get("bot_id")))


def scopes(header: str | None, slack: SlackSettings) -> Iterator[Finding]:
    """The scopes of the token against those of the manifest, each missing one by name."""
    if header is None:
        yield warn("scopes", "Slack did not say which scopes the token has", "Compare them with `mend manifest`.")
        return
    held = {scope.strip() for scope in header.split(",")}
    missing = [scope for scope in BOT_SCOPES if scope not in held]
    for scope in missing:
        do = f"OAuth & Permissions, Bot Token Scopes: add {scope}, and install the app again."
        yield fail("scopes", f"missing: {scope} ({NEEDED_FOR[scope]})", do)
    if slack.admin_group and "usergroups:read" not in held:
        do = "Add the scope and install the app again, or clear MEND_SLACK__ADMIN_GROUP."
        yield fail("scopes", "missing: usergroups:read (the admin group cannot be read, so nobody is let in)", do)
    optional = ", ".join(scope for scope in OPTIONAL_SCOPES if scope not in held)
    if not missing:
        yield ok("scopes", f"all needed ones (without the optional {optional})" if optional else "all")


def named(client: WebClient, slack: SlackSettings) -> Iterator[Finding]:
    """The people and the channel that the settings name, by asking Slack for each."""
    for user in slack.admins:
        if refused := _refusal(lambda user=user: client.users_info(user=user)):  # type: ignore[misc]
            do = "Copy the member ID from the profile's menu (it starts with U or W) into MEND_SLACK__ADMINS."
            yield fail("admins", f"MEND_SLACK__ADMINS names {user}, and Slack says {refused}", do)
    channel = slack.record_channel
    if not channel:
        return
    refused = _refusal(lambda: client.conversations_info(channel=channel))
    if refused == "missing_scope":
        yield ok("channel of record", f"{channel}, not looked at without the optional channels:read")
    elif refused:
        do = "Set MEND_SLACK__RECORD_CHANNEL to a channel's id, and invite the bot there."
        yield fail("channel of record", f"Slack says {refused} of {channel}", do)
    elif not (client.conversations_info(channel=channel).get("channel") or {}).get("is_member"):
        yield fail("channel of record", f"the bot is not in {channel}", "Invite the bot to the channel.")
    else:
        yield ok("channel of record", channel)


def _refusal(ask: Callable[[], object]) -> str | None:
    """Slack's word for why not; None when it answers."""
    try:
        ask()
    except SlackApiError as error:
        return str(error.response.get("error"))
    except NETWORK as error:
        return f"nothing ({error})"
    return None


def _app_id(client: WebClient, bot_id: str | None) -> str | None:
    try:
        return (client.bots_info(bot=bot_id).get("bot") or {}).get("app_id") if bot_id else None
    except SlackApiError:
        return None  # without users:read, which is a finding of its own


def app_token(slack: SlackSettings) -> Iterator[Finding]:
    """Whether a socket may be opened; the one that is offered here is not used."""
    token = slack.app_token.get_secret_value()
    if not token:
        yield fail("app token", "not set", "Set MEND_SLACK__APP_TOKEN (xapp-...).")
        return
    try:
        _client(slack, token).apps_connections_open(app_token=token)
    except SlackApiError as error:
        do = "Make an app-level token with the scope connections:write, and switch Socket Mode on."
        yield fail("app token", f"refused: {error.response.get('error')}", do)
    except NETWORK as error:
        yield fail("app token", f"{slack.api_url} cannot be reached: {error}", "Check the network and the address.")
    else:
        yield ok("app token", "Socket Mode is open to it")


def _client(slack: SlackSettings, token: str) -> WebClient:
    return WebClient(token=token, base_url=slack.api_url.rstrip("/") + "/", timeout=10)
