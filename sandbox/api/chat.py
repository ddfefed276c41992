"""chat.*, apart from streams. Not imitated: scheduling, unfurls, me messages, broadcasts' own copies."""

from dataclasses import replace

from sandbox.api.content import LONGEST_UPDATE, read_content
from sandbox.api.lookup import channel_by_id, channel_named, message_at, thread_root, writable
from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.directory import BOT_USER_ID, Channel
from sandbox.errors import ApiError
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.world import World


async def post_message(world: World, args: Arguments) -> Payload:
    channel = writable(world, channel_named(world, args.text("channel", "channel_not_found")))
    message = _new_message(world, args, channel)
    world.conversations.post(message)
    if message.thread_ts:
        world.statuses.clear(channel.id, message.thread_ts)
    return {"channel": channel.id, "ts": message.ts, "message": world.conversations.payload(message)}


def _new_message(world: World, args: Arguments, channel: Channel, only_for: str | None = None) -> Message:
    content = read_content(world, args)
    return Message(
        channel=channel.id,
        ts=world.clock.next_ts(),
        user=BOT_USER_ID,
        text=content.text,
        markdown=content.markdown,
        blocks=content.blocks,
        metadata=content.metadata,
        thread_ts=thread_root(world, channel, args.optional_text("thread_ts")),
        broadcast=args.flag("reply_broadcast"),
        by_app=True,
        username=args.optional_text("username"),
        ephemeral_for=only_for,
    )


async def post_ephemeral(world: World, args: Arguments) -> Payload:
    channel = writable(world, channel_named(world, args.text("channel", "channel_not_found")))
    person = args.text("user", "user_not_in_channel")
    if person not in channel.members:
        raise ApiError("user_not_in_channel")
    message = world.conversations.post(_new_message(world, args, channel, only_for=person))
    return {"message_ts": message.ts}


async def update(world: World, args: Arguments) -> Payload:
    channel = writable(world, channel_by_id(world, args.text("channel", "channel_not_found")))
    old = message_at(world, channel, args.text("ts", "message_not_found"))
    _own(old, "cant_update_message")
    if old.streaming:
        raise ApiError("streaming_state_conflict")
    if len(args.optional_text("text") or "") > LONGEST_UPDATE:
        raise ApiError("msg_too_long")
    content = read_content(world, args)
    # Blocks that the call does not give are gone: a text alone replaces the whole message.
    if content.metadata is not None:
        old = replace(old, metadata=content.metadata)
    new = world.conversations.edit(old, content.text, content.blocks, markdown=content.markdown)
    shown = world.conversations.payload(new)
    return {"channel": channel.id, "ts": new.ts, "text": new.text, "message": shown}


async def delete(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    message = message_at(world, channel, args.text("ts", "message_not_found"))
    _own(message, "cant_delete_message")
    world.conversations.delete(message)
    return {"channel": channel.id, "ts": message.ts}


async def get_permalink(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    message = message_at(world, channel, args.text("message_ts", "message_not_found"))
    link = f"{world.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _own(message: Message, error: str) -> None:
    if not message.by_app:
        raise ApiError(error)


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink),
}
