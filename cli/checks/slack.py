"""Slack's tokens, the scopes they carry, and who may approve."""

from collections.abc import Collection, Iterator

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from cli.checks.finding import Finding, fail, ok, warn
from cli.manifest import BOT_SCOPES, OPTIONAL_SCOPES
from settings import Settings, SlackSettings

NETWORK = OSError  # what slack_sdk lets through: urllib's errors and time-outs
MANIFEST = "Take over what `mend manifest` prints under App Manifest, and install the app again."


def check(settings: Settings) -> Iterator[Finding]:
    """Both tokens, by asking Slack."""
    slack = settings.slack
    yield from bot_token(slack)
    if slack.mode == "socket":
        yield from app_token(slack)
    elif not slack.signing_secret.get_secret_value():
        yield fail("Slack", "HTTP mode without a signing secret", "Set MEND_SLACK__SIGNING_SECRET.")
    if not slack.admins and not slack.workspace_admins:
        yield warn(
            "admins",
            "nobody may approve, retrain or roll back in Slack",
            "Set MEND_SLACK__ADMINS to user ids, or MEND_SLACK__WORKSPACE_ADMINS=true.",
        )


def bot_token(slack: SlackSettings) -> Iterator[Finding]:
    """Who we are, and what we may do."""
    token = slack.bot_token.get_secret_value()
    if not token:
        yield fail("bot token", "not set", "Set MEND_SLACK__BOT_TOKEN (xoxb-...).")
        return
    try:
        reply = _client(slack, token).auth_test()
    except SlackApiError as error:
        yield fail("bot token", f"refused: {error.response.get('error')}", "Copy it again from OAuth & Permissions.")
    except NETWORK as error:
        yield fail("bot token", f"{slack.api_url} cannot be reached: {error}", "Check the network and the address.")
    else:
        yield ok("bot token", f"{reply.get('user')} in {reply.get('team')}")
        yield from scopes({name.lower(): value for name, value in reply.headers.items()}.get("x-oauth-scopes"))


def scopes(header: str | None) -> Iterator[Finding]:
    """The scopes of the token against those of the manifest."""
    if header is None:
        yield warn("scopes", "Slack did not say which scopes the token has", "Compare them with `mend manifest`.")
        return
    held = {scope.strip() for scope in header.split(",")}
    if missing := _missing(BOT_SCOPES, held):
        yield fail("scopes", f"missing: {missing}", MANIFEST)
    elif optional := _missing(OPTIONAL_SCOPES, held):
        yield ok("scopes", f"all needed ones (without the optional {optional})")
    else:
        yield ok("scopes", "all")


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


def _missing(wanted: Collection[str], held: Collection[str]) -> str:
    return ", ".join(scope for scope in wanted if scope not in held)
