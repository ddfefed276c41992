"""Messages and the log that holds them.

Not imitated: pins, bookmarks, scheduled messages, attachments' legacy layout, thread subscriptions.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.payload import Payload
from sandbox.store import Store


@dataclass(frozen=True)
class Stream:
    """`open` until stopped, `stopped` by the app, `ended` by a limit, `halted` by a person's Stop."""

    state: str
    recipient: str | None
    started: float


@dataclass(frozen=True)
class Message:
    """`markdown` says that the text is Markdown (streams, markdown_text), else it is Slack's mrkdwn."""

    channel: str
    ts: str
    user: str
    text: str = ""
    markdown: bool = False
    blocks: tuple[Payload, ...] = ()
    thread_ts: str | None = None
    by_app: bool = False
    username: str | None = None
    subtype: str | None = None
    edited_ts: str | None = None
    reactions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    ephemeral_for: str | None = None
    broadcast: bool = False
    stream: Stream | None = None
    metadata: Payload | None = None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def streaming(self) -> bool:
        return self.stream is not None and self.stream.state == "open"

    def with_reaction(self, name: str, person: str) -> "Message":
        people = (*self.reactions.get(name, ()), person)
        return replace(self, reactions={**self.reactions, name: people})

    def without_reaction(self, name: str, person: str) -> "Message":
        people = tuple(other for other in self.reactions.get(name, ()) if other != person)
        rest = {key: value for key, value in self.reactions.items() if key != name}
        return replace(self, reactions={**rest, name: people} if people else rest)


class MessageLog:
    """Every message by channel and ts, in order of ts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._channels: dict[str, dict[str, Message]] = {}
        for record in store.all("message").values():
            message = _from_record(record)
            self._channels.setdefault(message.channel, {})[message.ts] = message

    def newest_ts(self) -> str:
        return max((ts for channel in self._channels.values() for ts in channel), default="0.0")

    def get(self, channel: str, ts: str) -> Message | None:
        return self._channels.get(channel, {}).get(ts)

    def put(self, message: Message) -> None:
        self._channels.setdefault(message.channel, {})[message.ts] = message
        if message.ephemeral_for is None:
            self._store.put("message", f"{message.channel}/{message.ts}", asdict(message))

    def remove(self, message: Message) -> None:
        self._channels[message.channel].pop(message.ts, None)
        self._store.remove("message", f"{message.channel}/{message.ts}")

    def in_channel(self, channel: str) -> list[Message]:
        return list(self._channels.get(channel, {}).values())

    def with_file(self, file_id: str) -> list[Message]:
        return [m for messages in self._channels.values() for m in messages.values() if file_id in m.files]

    def thread(self, channel: str, root_ts: str) -> list[Message]:
        """The first message and its replies."""
        return [m for m in self.in_channel(channel) if root_ts in (m.ts, m.thread_ts)]

    def replies(self, channel: str, root_ts: str) -> list[Message]:
        """What everybody sees under the first message: a private note is nobody's reply."""
        within = (m for m in self.in_channel(channel) if m.thread_ts == root_ts and m.is_reply)
        return [m for m in within if m.ephemeral_for is None]


def _from_record(record: dict[str, Any]) -> Message:
    stream = record.pop("stream")
    reactions = {name: tuple(people) for name, people in record.pop("reactions").items()}
    # A stream that was open when the sandbox stopped can no longer be continued.
    known = Stream(**stream) if stream else None
    if known is not None and known.state == "open":
        known = replace(known, state="ended")
    return Message(
        **{**record, "blocks": tuple(record["blocks"]), "files": tuple(record["files"])},
        stream=known,
        reactions=reactions,
    )
