"""What happens in a channel: posting, changing and deleting messages, and reacting to them.

Each operation writes the log, tells the readers, and tells the app. Not imitated: a stream's message events
(Slack does not document them: here `message` when it starts and `message_changed` when it stops), typing
indicators, notifications.
"""

from dataclasses import replace

from sandbox import events
from sandbox.directory import BOT_USER_ID, Channel, Directory
from sandbox.errors import ApiError
from sandbox.events import EventFeed
from sandbox.files import Files
from sandbox.identifiers import Clock, fresh_id
from sandbox.message_payload import message_payload, thread_summary
from sandbox.messages import Message, MessageLog
from sandbox.payload import Payload
from sandbox.updates import Update, Updates


class Conversations:
    def __init__(
        self, directory: Directory, log: MessageLog, files: Files, clock: Clock, feed: EventFeed, updates: Updates
    ) -> None:
        self._directory = directory
        self._log = log
        self._files = files
        self._clock = clock
        self._feed = feed
        self._updates = updates

    def payload(self, message: Message) -> Payload:
        """The message with its files, and with its replies counted."""
        files = [self._files.payload(file_id) for file_id in message.files]
        summary = thread_summary(self._log.replies(message.channel, message.ts))
        thread = {"thread_ts": message.ts} if summary else {}
        return {**message_payload(message, self._directory, files), **thread, **summary}

    def post(self, message: Message, *, app_context: Payload | None = None) -> Message:
        channel = self._directory.channels[message.channel]
        self._log.put(message)
        self._announce(message)
        if message.ephemeral_for is not None:
            return message
        payload = self.payload(message)
        if not message.by_app:
            payload["client_msg_id"] = fresh_id("m")
        parent = self._log.get(message.channel, message.thread_ts) if message.is_reply and message.thread_ts else None
        event = events.posted(payload, channel, self._directory, parent)
        if app_context is not None and channel.kind == "im":
            event["app_context"] = app_context
        self._feed.send_message(event, channel)
        if f"<@{BOT_USER_ID}>" in message.text and not message.by_app and channel.kind != "im":
            self._feed.send("app_mention", events.mention(payload, channel, self._directory), channel)
        return message

    def change(self, old: Message, new: Message, *, tell_app: bool = True) -> Message:
        """`tell_app` is false for steps of a stream, which are not edits."""
        before = self.payload(old)
        self._log.put(new)
        self._announce(new)
        if tell_app and new.ephemeral_for is None:
            channel = self._directory.channels[new.channel]
            event = events.changed(self.payload(new), before, channel, self._clock.next_ts())
            self._feed.send_message(event, channel)
        return new

    def edit(self, old: Message, text: str, blocks: tuple[Payload, ...], *, markdown: bool = False) -> Message:
        """Slack marks an edit that gave a text, and not one that gave blocks."""
        edited_ts = old.edited_ts if blocks else self._clock.next_ts()
        return self.change(old, replace(old, text=text, blocks=blocks, markdown=markdown, edited_ts=edited_ts))

    def delete(self, message: Message) -> None:
        """The first message of a thread leaves a tombstone, so that its replies stay readable."""
        channel = self._directory.channels[message.channel]
        if self._log.replies(message.channel, message.ts):
            gone = replace(
                message, text="This message was deleted.", blocks=(), files=(), reactions={}, subtype="tombstone"
            )
            self.change(message, gone)
            return
        before = self.payload(message)
        self._log.remove(message)
        self._updates.publish(Update("removed", message.channel, message.ts, message.ephemeral_for))
        if message.is_reply and message.thread_ts is not None:
            self._updates.publish(Update("message", message.channel, message.thread_ts))
        if message.ephemeral_for is None:
            self._feed.send_message(events.deleted(before, channel, self._clock.next_ts()), channel)

    def react(self, message: Message, name: str, person: str) -> None:
        if person in message.reactions.get(name, ()):
            raise ApiError("already_reacted")
        self._reacted("reaction_added", message, message.with_reaction(name, person), name, person)

    def unreact(self, message: Message, name: str, person: str) -> None:
        if person not in message.reactions.get(name, ()):
            raise ApiError("no_reaction")
        self._reacted("reaction_removed", message, message.without_reaction(name, person), name, person)

    def _reacted(self, kind: str, old: Message, new: Message, name: str, person: str) -> None:
        self._log.put(new)
        self._announce(new)
        event = events.reaction(kind, person, name, old, self._clock.next_ts())
        self._feed.send(kind, event, self._directory.channels[old.channel])

    def redraw(self, message: Message) -> None:
        """Show a message again, as one of its files is no more."""
        self._announce(message)

    def _announce(self, message: Message) -> None:
        self._updates.publish(Update("message", message.channel, message.ts, message.ephemeral_for))
        if message.is_reply and message.ephemeral_for is None:
            # The first message shows how many replies it has.
            self._updates.publish(Update("message", message.channel, message.thread_ts))

    def visible_to(self, person: str, channel: Channel) -> list[Message]:
        """Everything in the channel that this person may see, oldest first."""
        if person not in channel.members:
            raise ApiError("not_in_channel")
        seen = [m for m in self._log.in_channel(channel.id) if m.ephemeral_for in (None, person)]
        return [as_seen_by(person, message, channel) for message in seen]


def as_seen_by(person: str, message: Message, channel: Channel) -> Message:
    """Outside direct messages only the recipient of a stream sees its text while it runs."""
    if channel.kind == "im" or message.stream is None or not message.streaming or message.stream.recipient == person:
        return message
    return replace(message, text="")
