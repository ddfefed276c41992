"""Every way that Slack reaches the bot. A listener acknowledges, reads Slack's dict, and calls one part."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import (
    canary,
    commands,
    corrections,
    events,
    home,
    news,
    rest,
    review,
    taking_back,
    training,
    votes,
    waiting,
)
from bot.parts import Parts


def register(app: AsyncApp, parts: Parts) -> None:
    """All routes; ``rest`` takes what no other one does, so it comes last."""
    first = (events, votes, corrections, news, review, training, taking_back, canary, waiting, home, commands)
    for listener in (*first, rest):
        listener.register(app, parts)
