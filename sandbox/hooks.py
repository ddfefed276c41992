"""Response URLs: the right to answer one click or command, five times within half an hour.

Not imitated: incoming webhooks, the legacy ways to change attachments.
"""

import time
from dataclasses import dataclass, replace

from sandbox.identifiers import fresh_secret

MOST_POSTS = 5


@dataclass(frozen=True)
class Hook:
    """`message_ts` is the message that was clicked, if any."""

    channel: str
    person: str
    thread_ts: str | None
    message_ts: str | None
    expires: float
    posts: int = 0


class Hooks:
    def __init__(self, life: float) -> None:
        self._life = life
        self._hooks: dict[str, Hook] = {}

    def issue(self, channel: str, person: str, thread_ts: str | None, message_ts: str | None) -> str:
        secret = fresh_secret()
        self._hooks[secret] = Hook(channel, person, thread_ts, message_ts, time.monotonic() + self._life)
        return secret

    def spend(self, secret: str) -> Hook | str:
        """The hook, counted as used once, or the error code that Slack answers."""
        hook = self._hooks.get(secret)
        if hook is None:
            return "no_hook"
        if time.monotonic() > hook.expires:
            return "expired_url"
        if hook.posts >= MOST_POSTS:
            return "used_url"
        self._hooks[secret] = replace(hook, posts=hook.posts + 1)
        return hook
