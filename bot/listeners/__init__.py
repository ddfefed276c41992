"""Every way that Slack reaches the bot. A listener acknowledges, reads Slack's dict, and calls one part."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import actions, commands, events, views
from bot.parts import Parts


def register(app: AsyncApp, parts: Parts) -> None:
    """All routes."""
    for listener in (events, actions, views, commands):
        listener.register(app, parts)
