"""What people do, as JSON requests from the page and from tests: one function for each act.

Not imitated: sign-in. Whoever reaches this server may act as anyone in the workspace.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sandbox import events
from sandbox.api.reactions import reaction_name
from sandbox.arguments import Arguments
from sandbox.composing import compose
from sandbox.directory import Channel, Person
from sandbox.errors import ApiError
from sandbox.inputs import Values
from sandbox.messages import Message, Stream
from sandbox.payload import Payload
from sandbox.shown import shown_message
from sandbox.views import View, view_payload
from sandbox.world import World

LONGEST = 12_000


async def say(world: World, person: Person, args: Arguments) -> Payload:
    channel = channel_for(world, person, args.text("channel"))
    typed = args.text("text")
    if len(typed) > LONGEST:
        raise ApiError("msg_too_long")
    thread_ts = args.optional_text("thread_ts")
    if not thread_ts and channel.kind == "im" and world.manifest.assistant_view:
        thread_ts = world.assistant_threads.open_in(channel)
    if thread_ts:
        root = visible_message(world, person, channel, thread_ts)
        thread_ts = root.thread_ts or root.ts
    text, block = compose(typed, world.directory)
    message = Message(
        channel.id, world.clock.next_ts(), person.id, text=text, blocks=(block,), thread_ts=thread_ts or None
    )
    context = args.values.get("app_context")
    world.conversations.post(message, app_context=context if isinstance(context, dict) else None)
    return {"channel": channel.id, "ts": message.ts}


async def edit(world: World, person: Person, args: Arguments) -> Payload:
    message = _own_message(world, person, args)
    text, block = compose(args.text("text"), world.directory)
    edited = replace(message, text=text, blocks=(block,), edited_ts=world.clock.next_ts())
    world.conversations.change(message, edited)
    return {"ts": message.ts}


async def delete(world: World, person: Person, args: Arguments) -> Payload:
    """Deletes one's own message, or dismisses what is only visible to oneself."""
    message = _message(world, person, args)
    if message.ephemeral_for != person.id and message.user != person.id:
        raise ApiError("cant_delete_message")
    world.conversations.delete(message)
    return {"ts": message.ts}


async def react(world: World, person: Person, args: Arguments) -> Payload:
    world.conversations.react(_message(world, person, args), reaction_name(args.text("name")), person.id)
    return {}


async def unreact(world: World, person: Person, args: Arguments) -> Payload:
    world.conversations.unreact(_message(world, person, args), reaction_name(args.text("name")), person.id)
    return {}


async def click(world: World, person: Person, args: Arguments) -> Payload:
    """An element of a message (`channel`, `ts`), or of a modal or the App Home (`view_id`, `values`)."""
    action_id, block_id = args.text("action_id"), args.optional_text("block_id")
    value: Any = args.values.get("value")
    if args.has("view_id"):
        view = open_view(world, person, args.text("view_id"))
        await world.interactions.click_view(person, view, action_id, block_id, value, _values(args))
    else:
        message = _message(world, person, args)
        await world.interactions.click_message(person, message, action_id, block_id, value)
    return {}


async def command(world: World, person: Person, args: Arguments) -> Payload:
    channel = channel_for(world, person, args.text("channel"))
    name, text = args.text("command"), args.optional_text("text") or ""
    message = await world.interactions.command(person, channel, name, text)
    return {"message": None if message is None else shown_message(world, message)}


async def submit(world: World, person: Person, args: Arguments) -> Payload:
    view = open_view(world, person, args.text("view_id"))
    return {"errors": await world.interactions.submit(person, view, _values(args))}


async def close(world: World, person: Person, args: Arguments) -> Payload:
    view = open_view(world, person, args.text("view_id"))
    await world.interactions.close_view(person, view, everything=args.flag("everything"))
    return {}


async def open_home(world: World, person: Person, args: Arguments) -> Payload:
    _opened(world, person, "home")
    return {}


async def open_direct(world: World, person: Person, args: Arguments) -> Payload:
    channel = _opened(world, person, "messages")
    if not world.manifest.assistant_view:
        return {"channel": channel.id}
    return {"channel": channel.id, "thread_ts": world.assistant_threads.opened(channel)}


def _opened(world: World, person: Person, tab: str) -> Channel:
    channel = _direct(world, person)
    home = world.homes.get(person.id)
    view = None if home is None else view_payload(home, world.directory.team)
    event = events.home_opened(person.id, channel.id, tab, world.clock.next_ts(), view)
    world.feed.send("app_home_opened", event)
    return channel


async def look_at(world: World, person: Person, args: Arguments) -> Payload:
    """The person looks at a channel while the app's pane is open: the app is told of the context."""
    channel = channel_for(world, person, args.text("channel"))
    if world.manifest.assistant_view:
        world.assistant_threads.looked_at(_direct(world, person), channel, world.directory.team.id)
        return {}
    entity = {"type": "slack#/types/channel_id", "value": channel.id, "team_id": world.directory.team.id}
    event = events.context_changed(person.id, _direct(world, person).id, [entity], world.clock.next_ts())
    world.feed.send("app_context_changed", event)
    return {}


async def stop(world: World, person: Person, args: Arguments) -> Payload:
    """Press Stop on an answer that is being streamed to this person."""
    message = _message(world, person, args)
    if not message.streaming or message.stream is None:
        raise ApiError("message_not_in_streaming_state")
    if message.stream.recipient != person.id:
        raise ApiError("not_recipient")
    halted: Stream = replace(message.stream, state="halted")
    world.conversations.change(message, replace(message, stream=halted))
    return {}


def channel_for(world: World, person: Person, name: str) -> Channel:
    """By name or id; `dm` is the person's own direct message with the app."""
    channel = _direct(world, person) if name == "dm" else world.directory.find_channel(name)
    if channel is None:
        raise ApiError("channel_not_found")
    if person.id not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def visible_message(world: World, person: Person, channel: Channel, ts: str) -> Message:
    message = world.log.get(channel.id, ts)
    if message is None or message.ephemeral_for not in (None, person.id):
        raise ApiError("message_not_found")
    return message


def open_view(world: World, person: Person, view_id: str) -> View:
    home = world.homes.get(person.id)
    for view in [*world.modals.stack(person.id), *([home] if home else [])]:
        if view.id == view_id:
            return view
    raise ApiError("view_not_found")


def _direct(world: World, person: Person) -> Channel:
    channel = world.directory.direct_channel(person.id)
    if channel is None:
        raise ApiError("channel_not_found")
    return channel


def _message(world: World, person: Person, args: Arguments) -> Message:
    return visible_message(world, person, channel_for(world, person, args.text("channel")), args.text("ts"))


def _own_message(world: World, person: Person, args: Arguments) -> Message:
    message = _message(world, person, args)
    if message.user != person.id:
        raise ApiError("cant_update_message")
    return message


def _values(args: Arguments) -> Values:
    values = args.values.get("values") or {}
    if not isinstance(values, dict) or not all(isinstance(actions, dict) for actions in values.values()):
        raise ApiError("invalid_arguments", ["values must map block_id to action_id to a value"])
    return values


ACTS: dict[str, Callable[[World, Person, Arguments], Awaitable[Payload]]] = {
    "say": say,
    "edit": edit,
    "delete": delete,
    "react": react,
    "unreact": unreact,
    "click": click,
    "command": command,
    "submit": submit,
    "close": close,
    "open-home": open_home,
    "open-dm": open_direct,
    "look-at": look_at,
    "stop": stop,
}
