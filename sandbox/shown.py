"""Messages, views and the workspace as the page and the test client are shown them. Pure.

Beyond the Web API's own fields these say what Slack's client would know: whether a text is Markdown, whether it is
still being streamed, and whether only one person sees it. Not imitated: avatars, unread state (the page keeps it).
"""

from dataclasses import asdict

from sandbox.conversations import as_seen_by
from sandbox.directory import BOT_USER_ID, Channel, Person
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.views import View, view_payload
from sandbox.world import World


def shown_message(world: World, message: Message) -> Payload:
    files = [{**world.files.payload(f), "view_url": f"/sandbox/files/{f}"} for f in message.files]
    shown = world.conversations.payload(message)
    if not message.blocks:
        shown.pop("blocks", None)  # derived for apps alone: people are shown the text itself
    return {
        **shown,
        "channel": message.channel,
        "thread_ts": message.thread_ts,
        "by_app": message.by_app,
        "markdown": message.markdown,
        "streaming": message.streaming,
        "stream_recipient": message.stream.recipient if message.stream is not None else None,
        "halted": message.stream is not None and message.stream.state == "halted",
        "ephemeral": message.ephemeral_for is not None,
        "files": files,
    }


def shown_to(world: World, person: Person, channel: Channel, ts: str) -> Payload | None:
    """One message as this person sees it, or None when it is not (or no longer) his to see."""
    message = world.log.get(channel.id, ts)
    if message is None or person.id not in channel.members or message.ephemeral_for not in (None, person.id):
        return None
    return shown_message(world, as_seen_by(person.id, message, channel))


def shown_channel(world: World, channel: Channel) -> Payload:
    return {
        "id": channel.id,
        "name": world.directory.bot.real_name if channel.kind == "im" else channel.name,
        "topic": channel.topic,
        "kind": channel.kind,
        "is_ext_shared": channel.is_ext_shared,
        "members": sorted(channel.members),
        "bot_is_member": BOT_USER_ID in channel.members,
    }


def shown_view(world: World, view: View) -> Payload:
    return view_payload(view, world.directory.team)


def shown_workspace(world: World) -> Payload:
    manifest = world.manifest
    return {
        "team": asdict(world.directory.team),
        "bot": asdict(world.directory.bot),
        "people": [asdict(person) for person in world.directory.humans()],
        "app": {
            "name": manifest.name,
            "description": manifest.description,
            "agent_description": manifest.agent_description,
            "home_tab": manifest.home_tab,
            "commands": [asdict(command) for command in manifest.commands],
        },
        "sockets": world.hub.open_sockets,
    }
