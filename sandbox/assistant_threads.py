"""The older assistant view: an app with `features.assistant_view` talks to each person in threads of their own.

Opening the direct message starts a thread, and what a person writes there goes into it. Apps with `agent_view` have
none of this. Not imitated: a history of threads to come back to (one thread stays open), titles.
"""

from sandbox.conversations import Conversations
from sandbox.directory import BOT_USER_ID, Channel
from sandbox.events import EventFeed
from sandbox.identifiers import Clock
from sandbox.messages import Message, MessageLog
from sandbox.payload import Payload

ROOT = "assistant_app_thread"


class AssistantThreads:
    def __init__(self, log: MessageLog, conversations: Conversations, feed: EventFeed, clock: Clock) -> None:
        self._log = log
        self._conversations = conversations
        self._feed = feed
        self._clock = clock
        self._contexts: dict[str, Payload] = {}

    def open_in(self, direct: Channel) -> str | None:
        """The ts of the thread that is open in this direct message."""
        roots = [message.ts for message in self._log.in_channel(direct.id) if message.subtype == ROOT]
        return roots[-1] if roots else None

    def opened(self, direct: Channel) -> str:
        """The person opens the direct message: the first time that starts a thread, and the app is told."""
        ts = self.open_in(direct)
        if ts is None:
            ts = self._clock.next_ts()
            root = Message(direct.id, ts, BOT_USER_ID, "New Assistant Thread", subtype=ROOT, by_app=True, thread_ts=ts)
            self._conversations.post(root)
            self._tell("assistant_thread_started", direct, ts)
        return ts

    def looked_at(self, direct: Channel, channel: Channel, team_id: str) -> None:
        """The person looks at another channel while the thread is open."""
        ts = self.open_in(direct)
        if ts is not None:
            self._contexts[direct.id] = {"channel_id": channel.id, "team_id": team_id, "enterprise_id": None}
            self._tell("assistant_thread_context_changed", direct, ts)

    def _tell(self, kind: str, direct: Channel, ts: str) -> None:
        thread = {
            "user_id": direct.person_id,
            "context": self._contexts.get(direct.id, {}),
            "channel_id": direct.id,
            "thread_ts": ts,
        }
        self._feed.send(kind, {"type": kind, "assistant_thread": thread, "event_ts": self._clock.next_ts()})
