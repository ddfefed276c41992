"""chat.startStream, appendStream, stopStream.

Not imitated: plans and task cards (their chunks are accepted and not drawn), session status, feedback metadata,
live text for several recipients.
"""

import time
from dataclasses import replace

from sandbox.api.content import read_blocks
from sandbox.api.lookup import channel_by_id, message_at, thread_root, writable
from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.blocks import MARKDOWN_TOTAL
from sandbox.directory import BOT_USER_ID, Channel
from sandbox.errors import ApiError
from sandbox.messages import Message, Stream
from sandbox.payload import Payload
from sandbox.world import World

MOST_BYTES = 11_000
CHUNKS = {"markdown_text", "task_update", "plan_update", "blocks"}


async def start(world: World, args: Arguments) -> Payload:
    channel = writable(world, channel_by_id(world, args.text("channel", "channel_not_found")))
    root = thread_root(world, channel, args.text("thread_ts"))
    recipient = _recipient(args, channel)
    text = _new_text(args)
    _check_size(text)
    message = Message(
        channel=channel.id,
        ts=world.clock.next_ts(),
        user=BOT_USER_ID,
        text=text,
        markdown=True,
        thread_ts=root,
        by_app=True,
        username=args.optional_text("username"),
        stream=Stream("open", recipient, time.time()),
    )
    world.conversations.post(message)
    if root is not None:
        world.statuses.clear(channel.id, root)
    return {"channel": channel.id, "ts": message.ts}


async def append(world: World, args: Arguments) -> Payload:
    message = _open_stream(world, args)
    if not args.has("markdown_text") and not args.has("chunks"):
        raise ApiError("no_text")
    _grow(world, message, _new_text(args))
    return {"channel": message.channel, "ts": message.ts}


async def stop(world: World, args: Arguments) -> Payload:
    message = _open_stream(world, args)
    blocks = read_blocks(world, args)
    grown = _grow(world, message, _new_text(args))
    final = replace(grown, blocks=blocks, stream=_ended(grown, "stopped"))
    if args.has("metadata"):
        final = replace(final, metadata=args.object("metadata"))
    world.conversations.change(grown, final)
    shown = world.conversations.payload(final)
    return {"channel": final.channel, "ts": final.ts, "message": shown}


def _recipient(args: Arguments, channel: Channel) -> str | None:
    if channel.kind == "im":
        return channel.person_id
    args.text("recipient_team_id", "missing_recipient_team_id")
    return args.text("recipient_user_id", "missing_recipient_user_id")


def _open_stream(world: World, args: Arguments) -> Message:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    message = message_at(world, channel, args.text("ts", "message_not_found"))
    if message.stream is None or not message.by_app:
        raise ApiError("message_not_owned_by_app" if not message.by_app else "message_not_in_streaming_state")
    if message.stream.state == "halted":
        raise ApiError("stopped_by_user")
    if message.streaming and time.time() - message.stream.started > world.timing.stream_life:
        message = world.conversations.change(message, replace(message, stream=_ended(message, "ended")))
    if not message.streaming:
        raise ApiError("message_not_in_streaming_state")
    return message


def _new_text(args: Arguments) -> str:
    chunks = args.objects("chunks", "invalid_chunks")
    text = args.optional_text("markdown_text")
    if chunks is not None and text is not None:
        raise ApiError("invalid_arguments", ["[ERROR] markdown_text and chunks cannot be combined"])
    if chunks is not None:
        text = "".join(_chunk_text(chunk) for chunk in chunks)
    if len(text or "") > MARKDOWN_TOTAL:
        raise ApiError("msg_too_long")
    return text or ""


def _chunk_text(chunk: Payload) -> str:
    if chunk.get("type") not in CHUNKS:
        raise ApiError("invalid_chunks", [f"[ERROR] unsupported type: {chunk.get('type')}"])
    if chunk["type"] != "markdown_text":
        return ""
    if not isinstance(chunk.get("text"), str) or not chunk["text"]:
        raise ApiError("invalid_chunks", ["[ERROR] markdown_text needs a text"])
    return str(chunk["text"])


def _grow(world: World, message: Message, text: str) -> Message:
    """Add text. A message that would become too long is ended as it stands, and the new text is refused."""
    if not text:
        return message
    try:
        _check_size(message.text + text)
    except ApiError:
        world.conversations.change(message, replace(message, stream=_ended(message, "ended")))
        raise
    return world.conversations.change(message, replace(message, text=message.text + text), tell_app=False)


def _check_size(text: str) -> None:
    if len(text.encode("utf-8")) > MOST_BYTES:
        raise ApiError("msg_too_long")


def _ended(message: Message, state: str) -> Stream | None:
    return None if message.stream is None else replace(message.stream, state=state)


METHODS = {
    "chat.startStream": Method(start, ("chat:write",)),
    "chat.appendStream": Method(append, ("chat:write",)),
    "chat.stopStream": Method(stop, ("chat:write",)),
}
