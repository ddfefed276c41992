"""reactions.*. Not imitated: reactions to files, the list of valid emoji beyond their spelling, reactions.list."""

import re

from sandbox.api.lookup import channel_by_id, message_at, writable
from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.directory import BOT_USER_ID
from sandbox.errors import ApiError
from sandbox.message_payload import reaction_payloads
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.world import World

_NAME = re.compile(r"^[a-z0-9_+'-]+(::skin-tone-[2-6])?$")


def reaction_name(given: str) -> str:
    name = given.strip(":") if "::" not in given else given
    if not _NAME.match(name):
        raise ApiError("invalid_name")
    return name


async def add(world: World, args: Arguments) -> Payload:
    message = _target(world, args)
    world.conversations.react(message, reaction_name(args.text("name", "invalid_name")), BOT_USER_ID)
    return {}


async def remove(world: World, args: Arguments) -> Payload:
    message = _target(world, args)
    world.conversations.unreact(message, reaction_name(args.text("name", "invalid_name")), BOT_USER_ID)
    return {}


async def get(world: World, args: Arguments) -> Payload:
    message = _target(world, args)
    shown = {**world.conversations.payload(message), "reactions": reaction_payloads(message)}
    return {"type": "message", "channel": message.channel, "message": shown}


def _target(world: World, args: Arguments) -> Message:
    channel = writable(world, channel_by_id(world, args.text("channel", "no_item_specified")))
    return message_at(world, channel, args.text("timestamp", "no_item_specified"))


METHODS = {
    "reactions.add": Method(add, ("reactions:write",)),
    "reactions.remove": Method(remove, ("reactions:write",)),
    "reactions.get": Method(get, ("reactions:read",)),
}
