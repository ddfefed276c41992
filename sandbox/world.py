"""The parts of one sandbox, wired together. Not imitated: more than one workspace, more than one app."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.assistant_threads import AssistantThreads
from sandbox.conversations import Conversations
from sandbox.directory import DEFAULT_WORKSPACE, Directory, load_directory
from sandbox.events import EventFeed
from sandbox.faults import Faults
from sandbox.files import Files
from sandbox.homes import Homes
from sandbox.hooks import Hooks
from sandbox.identifiers import Clock
from sandbox.interactions import Interactions
from sandbox.manifest import Manifest
from sandbox.messages import MessageLog
from sandbox.modals import Modals
from sandbox.options import Timing, Tokens
from sandbox.payload import Payload
from sandbox.prompts import SuggestedPrompts
from sandbox.sockets import SocketHub
from sandbox.statuses import Statuses
from sandbox.store import Store
from sandbox.traffic import Traffic
from sandbox.triggers import Triggers
from sandbox.updates import Update, Updates


@dataclass
class World:
    manifest: Manifest
    timing: Timing
    tokens: Tokens
    directory: Directory
    store: Store
    clock: Clock
    log: MessageLog
    files: Files
    feed: EventFeed
    hub: SocketHub
    conversations: Conversations
    assistant_threads: AssistantThreads
    interactions: Interactions
    modals: Modals
    homes: Homes
    hooks: Hooks
    triggers: Triggers
    statuses: Statuses
    prompts: SuggestedPrompts
    faults: Faults
    traffic: Traffic
    updates: Updates
    base_url: str
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def background(self, work: Coroutine[None, None, None]) -> None:
        """Start work that nobody waits for; it is cancelled when the sandbox closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def granted_explicitly(self, scope: str) -> bool:
        """Unlike `granted`, false when the manifest lists no scopes."""
        return self.manifest.scopes is not None and scope in self.manifest.scopes

    def granted(self, scope: str) -> bool:
        return self.manifest.scopes is None or scope in self.manifest.scopes

    async def close(self) -> None:
        self.updates.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hub.close()


def build_world(
    manifest: Manifest,
    *,
    base_url: str,
    state: Path | None = None,
    workspace: Path = DEFAULT_WORKSPACE,
    timing: Timing | None = None,
    tokens: Tokens | None = None,
) -> World:
    """`base_url` is where the server will listen, without a slash at the end. Without `state` nothing is kept."""
    timing = timing or Timing()
    directory = load_directory(workspace, manifest.bot_name)
    store = Store(state)
    for channel_id, record in store.all("channel").items():
        for member in record["joined"]:
            directory.join(channel_id, member)
    clock, faults, traffic, updates = Clock(), Faults(), Traffic(), Updates()
    log = MessageLog(store)
    clock.seen(log.newest_ts())
    files = Files(store, lambda: base_url)
    hub = SocketHub(timing, faults, traffic)
    feed = EventFeed(manifest, directory, hub)
    conversations = Conversations(directory, log, files, clock, feed, updates)
    modals, triggers, hooks = Modals(updates), Triggers(timing.trigger_life), Hooks(timing.hook_life)

    def publish_traffic(entry: Payload) -> None:
        updates.publish(Update("traffic", detail={"id": entry["id"]}))

    def publish_sockets(count: int) -> None:
        updates.publish(Update("sockets", detail={"sockets": count}))

    traffic.on_entry = publish_traffic
    hub.on_change = publish_sockets
    return World(
        manifest=manifest,
        timing=timing,
        tokens=tokens or Tokens(),
        directory=directory,
        store=store,
        clock=clock,
        log=log,
        files=files,
        feed=feed,
        hub=hub,
        conversations=conversations,
        assistant_threads=AssistantThreads(log, conversations, feed, clock),
        interactions=Interactions(
            manifest, directory, conversations, files, modals, triggers, hooks, hub, clock, base_url
        ),
        modals=modals,
        homes=Homes(store, updates),
        hooks=hooks,
        triggers=triggers,
        statuses=Statuses(timing.status_life, updates),
        prompts=SuggestedPrompts(manifest.prompts, store, updates),
        faults=faults,
        traffic=traffic,
        updates=updates,
        base_url=base_url,
    )
