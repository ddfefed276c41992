"""Channels, people and messages named by arguments, or the error code that Slack answers.

Not imitated: names of private channels that the app cannot see are told apart from unknown ones.
"""

from sandbox.directory import BOT_USER_ID, Channel, Person
from sandbox.errors import ApiError
from sandbox.messages import Message
from sandbox.world import World


def channel_named(world: World, name: str) -> Channel:
    channel = world.directory.find_channel(name)
    if channel is None:
        raise ApiError("channel_not_found")
    return channel


def channel_by_id(world: World, channel_id: str) -> Channel:
    """Most methods take ids only; a name is not found, as in Slack."""
    channel = world.directory.channels.get(channel_id)
    if channel is None:
        raise ApiError("channel_not_found")
    return channel


def writable(world: World, channel: Channel) -> Channel:
    if channel.is_archived:
        raise ApiError("is_archived")
    if channel.kind == "im" and not world.manifest.messages_tab:
        raise ApiError("messages_tab_disabled")
    if BOT_USER_ID not in channel.members and not world.granted_explicitly("chat:write.public"):
        raise ApiError("not_in_channel")
    return channel


def person_by_id(world: World, person_id: str) -> Person:
    person = world.directory.people.get(person_id)
    if person is None:
        raise ApiError("user_not_found")
    return person


def message_at(world: World, channel: Channel, ts: str, error: str = "message_not_found") -> Message:
    message = world.log.get(channel.id, ts)
    if message is None or message.ephemeral_for is not None:
        raise ApiError(error)
    return message


def thread_root(world: World, channel: Channel, thread_ts: str | None) -> str | None:
    """The ts of the thread's first message, also when a reply's ts was given."""
    if not thread_ts:
        return None
    message = message_at(world, channel, thread_ts, "thread_not_found")
    return message.thread_ts or message.ts
