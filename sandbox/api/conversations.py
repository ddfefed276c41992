"""conversations.*. Not imitated: creating, archiving, inviting, marking as read, group messages."""

from sandbox.api.lookup import channel_by_id, message_at, person_by_id
from sandbox.api.method import Method, require_scope
from sandbox.api.paging import page
from sandbox.arguments import Arguments
from sandbox.directory import BOT_USER_ID, Channel
from sandbox.errors import ApiError
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.world import World


async def info(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    require_scope(world, f"{channel.scope_family}:read")
    shown = channel_payload(channel, world.directory.team.id)
    if args.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


async def list_channels(world: World, args: Arguments) -> Payload:
    kinds = set((args.optional_text("types") or "public_channel").split(","))
    words = {"channel": "public_channel", "group": "private_channel", "im": "im"}
    seen = [
        channel
        for channel in world.directory.channels.values()
        if words[channel.kind] in kinds and (channel.kind == "channel" or BOT_USER_ID in channel.members)
    ]
    chosen, cursor = page(seen, args, 100)
    shown = [channel_payload(channel, world.directory.team.id) for channel in chosen]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


async def members(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    require_scope(world, f"{channel.scope_family}:read")
    chosen, cursor = page(sorted(channel.members), args, 100)
    return {"members": chosen, "response_metadata": {"next_cursor": cursor}}


async def history(world: World, args: Arguments) -> Payload:
    channel = _readable(world, args)
    messages = [m for m in world.log.in_channel(channel.id) if not m.is_reply or m.broadcast]
    within = [m for m in messages if m.ephemeral_for is None and _in_range(m, args)]
    chosen, cursor = page(within[::-1], args, 100)
    return _messages(world, chosen, cursor)


async def replies(world: World, args: Arguments) -> Payload:
    channel = _readable(world, args)
    message = message_at(world, channel, args.text("ts", "thread_not_found"), "thread_not_found")
    thread = world.log.thread(channel.id, message.thread_ts or message.ts)
    root = message.thread_ts or message.ts
    # The first message comes with every page of the range, as in Slack.
    within = [m for m in thread if m.ephemeral_for is None and (m.ts == root or _in_range(m, args))]
    chosen, cursor = page(within, args, 1000)
    return _messages(world, chosen, cursor)


async def open_direct(world: World, args: Arguments) -> Payload:
    channel_id = args.optional_text("channel")
    if channel_id:
        return {"channel": {"id": channel_by_id(world, channel_id).id}, "no_op": True, "already_open": True}
    people = (args.optional_text("users") or "").split(",")
    if len(people) > 1:
        raise ApiError("too_many_users")
    direct = world.directory.direct_channel(person_by_id(world, people[0]).id)
    if direct is None:
        raise ApiError("cannot_dm_bot")
    shown = channel_payload(direct, world.directory.team.id) if args.flag("return_im") else {"id": direct.id}
    return {"channel": shown, "no_op": True, "already_open": True}


async def join(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    if channel.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    channel = world.directory.join(channel.id, BOT_USER_ID)
    world.store.put("channel", channel.id, {"joined": [BOT_USER_ID]})
    return {"channel": channel_payload(channel, world.directory.team.id)}


def channel_payload(channel: Channel, team_id: str) -> Payload:
    if channel.kind == "im":
        return {
            "id": channel.id,
            "is_im": True,
            "is_channel": False,
            "is_private": True,
            "user": channel.person_id,
            "is_archived": False,
            "context_team_id": team_id,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_member": BOT_USER_ID in channel.members,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "context_team_id": team_id,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def _readable(world: World, args: Arguments) -> Channel:
    channel = channel_by_id(world, args.text("channel", "channel_not_found"))
    require_scope(world, f"{channel.scope_family}:history")
    if BOT_USER_ID not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def _in_range(message: Message, args: Arguments) -> bool:
    """`oldest` and `latest` are exclusive unless `inclusive`."""
    oldest, latest = args.optional_text("oldest"), args.optional_text("latest")
    if args.flag("inclusive") and message.ts in (oldest, latest):
        return True
    at = float(message.ts)
    return (not oldest or at > float(oldest)) and (not latest or at < float(latest))


def _messages(world: World, messages: list[Message], cursor: str) -> Payload:
    return {
        "messages": [world.conversations.payload(message) for message in messages],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
METHODS = {
    "conversations.info": Method(info),
    "conversations.list": Method(list_channels, _READ),
    "conversations.members": Method(members),
    "conversations.history": Method(history),
    "conversations.replies": Method(replies),
    "conversations.open": Method(open_direct, ("im:write", "mpim:write")),
    "conversations.join": Method(join, ("channels:join",)),
}
