"""A typed client for tests and scripts: act as the people of a running sandbox, and see what they see.

    async with Workspace("http://127.0.0.1:8300") as ws:
        mia = ws.person("mia")
        ts = await mia.say("general", f"{await ws.mention()} hello")
        answer = await mia.wait_for("general", lambda m: m.by_app and not m.streaming, thread_ts=ts)

Nothing here sleeps: waiting reads the live update stream. Not imitated: typing, scrolling, notifications.
"""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Any, TypeVar

import httpx

from sandbox.payload import Payload
from sandbox.seen import Message, View, read_message, read_view

# ruff: noqa: ASYNC109  (a caller says how long to wait, as in pytest and Playwright)

__all__ = ["Message", "Person", "SandboxError", "View", "Workspace"]

PATIENCE = 30.0
"""Seconds to wait for what should come at once; a machine may be busy."""
Seen = TypeVar("Seen")


class SandboxError(Exception):
    """The sandbox refused; `code` is its word for why, e.g. `not_in_channel` or `operation_timeout`."""

    def __init__(self, code: str, details: list[str]) -> None:
        super().__init__(f"{code}: {'; '.join(details)}" if details else code)
        self.code = code
        self.details = details


class Workspace:
    """One running sandbox. Close it, or use it as an async context manager."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        # trust_env off: a proxy of the environment must not stand between a test and the loopback address.
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=30, trust_env=False)
        self._bot_id: str | None = None

    async def __aenter__(self) -> "Workspace":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    def person(self, name_or_id: str) -> "Person":
        return Person(self, name_or_id)

    async def info(self) -> Payload:
        """Team, bot, people, and what the app's manifest offers."""
        return await self.get("/sandbox/workspace")

    async def bot_id(self) -> str:
        if self._bot_id is None:
            self._bot_id = str((await self.info())["bot"]["id"])
        return self._bot_id

    async def mention(self) -> str:
        """The bot as a mention, to put into a text."""
        return f"<@{await self.bot_id()}>"

    async def user_id(self, name: str) -> str:
        people = (await self.info())["people"]
        return next(str(p["id"]) for p in people if name in (p["name"], p["id"]))

    async def traffic(self, since: int = 0, kind: str | None = None) -> list[Payload]:
        """Entries of the traffic log, oldest first; `kind`: api, event, command, interactive, ack, socket, hook."""
        query: dict[str, Any] = {"since": since} | ({"kind": kind} if kind else {})
        entries: list[Payload] = (await self.get("/sandbox/traffic", **query))["entries"]
        return entries

    async def counts(self, kind: str = "api") -> dict[str, int]:
        """How many of each since the start, e.g. API calls by method."""
        found: dict[str, int] = (await self.get("/sandbox/traffic", since=2**53))["counts"][kind]
        return found

    async def wait_for_call(self, method: str, *, timeout: float = PATIENCE) -> Payload:
        """The first call of a Web API method, now or as soon as the app makes it."""

        async def look() -> Payload | None:
            return next((entry for entry in await self.traffic(kind="api") if entry["name"] == method), None)

        anybody = self.person(str((await self.info())["people"][0]["id"]))
        return await anybody.until(look, {"traffic"}, timeout)

    async def fault(self, kind: str, **fields: Any) -> Payload:
        """E.g. fault("rate_limit", method="chat.update", times=2, retry_after=1); see `sandbox.faults.KINDS`."""
        return await self.post("/sandbox/faults", {"kind": kind, **fields})

    async def clear_faults(self) -> None:
        self._checked(await self._http.delete("/sandbox/faults"))

    async def wait_until_connected(self, sockets: int = 1, timeout: float = PATIENCE) -> None:
        answer = await self.get("/sandbox/sockets", count=sockets, timeout=math.ceil(timeout))
        if not answer["ok"]:
            raise TimeoutError(f"the app has {answer['sockets']} sockets open after {timeout} s")

    async def get(self, path: str, **query: Any) -> Payload:
        return self._checked(await self._http.get(path, params=query))

    async def post(self, path: str, body: Payload) -> Payload:
        return self._checked(await self._http.post(path, json=body))

    async def read_file(self, file: Payload) -> bytes:
        """The bytes of one of a message's files."""
        response = await self._http.get(file["view_url"])
        response.raise_for_status()
        return response.content

    def _checked(self, response: httpx.Response) -> Payload:
        body: Payload = response.json()
        if response.status_code >= 400:
            raise SandboxError(body.get("error", f"http_{response.status_code}"), body.get("details", []))
        return body

    async def updates(self, person: str) -> AsyncGenerator[Payload, None]:
        """The live update stream of a person; the first one, of kind `ready`, says that it is open."""
        path = f"/sandbox/people/{person}/updates"
        async with self._http.stream("GET", path, timeout=httpx.Timeout(30, read=None)) as response:
            if response.status_code >= 400:
                await response.aread()
                self._checked(response)
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


class Person:
    """Someone to act as. A channel is a name, an id, or `dm` for the direct message with the app."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name

    async def say(
        self, channel: str, text: str, *, thread_ts: str | None = None, app_context: Payload | None = None
    ) -> str:
        body = {"channel": channel, "text": text, "thread_ts": thread_ts, "app_context": app_context}
        return str((await self._act("say", **body))["ts"])

    async def edit(self, channel: str, ts: str, text: str) -> None:
        await self._act("edit", channel=channel, ts=ts, text=text)

    async def delete(self, channel: str, ts: str) -> None:
        await self._act("delete", channel=channel, ts=ts)

    async def react(self, channel: str, ts: str, name: str) -> None:
        await self._act("react", channel=channel, ts=ts, name=name)

    async def unreact(self, channel: str, ts: str, name: str) -> None:
        await self._act("unreact", channel=channel, ts=ts, name=name)

    async def command(self, channel: str, command: str, text: str = "") -> Message | None:
        """What the app answered with its acknowledgement, if it did; later answers come as messages."""
        answer = await self._act("command", channel=channel, command=command, text=text)
        return None if answer["message"] is None else read_message(answer["message"])

    async def click(
        self,
        channel: str,
        ts: str,
        action_id: str,
        value: str | list[str] | None = None,
        *,
        block_id: str | None = None,
    ) -> None:
        """Returns when the app has acknowledged. `value`: an option's value, or `positive` / `negative` feedback."""
        await self._act("click", channel=channel, ts=ts, action_id=action_id, value=value, block_id=block_id)

    async def click_view(
        self,
        view: View,
        action_id: str,
        value: str | list[str] | None = None,
        *,
        block_id: str | None = None,
        values: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        """An element of a modal or of the App Home; `values` is what the inputs hold meanwhile."""
        body = {"view_id": view.id, "action_id": action_id, "value": value, "block_id": block_id, "values": values}
        await self._act("click", **body)

    async def submit(self, view: View, values: dict[str, dict[str, Any]] | None = None) -> dict[str, str] | None:
        """Errors by block_id, or None when the submission was taken."""
        errors: dict[str, str] = (await self._act("submit", view_id=view.id, values=values or {}))["errors"]
        return errors or None

    async def close(self, view: View, *, everything: bool = False) -> None:
        await self._act("close", view_id=view.id, everything=everything)

    async def stop(self, channel: str, ts: str) -> None:
        """Press Stop on a message that is being streamed."""
        await self._act("stop", channel=channel, ts=ts)

    async def open_home(self) -> None:
        await self._act("open-home")

    async def open_dm(self) -> str:
        return str((await self._act("open-dm"))["channel"])

    async def look_at(self, channel: str) -> None:
        """Look at a channel with the app's pane open: the app is told of its new context."""
        await self._act("look-at", channel=channel)

    async def channels(self) -> list[Payload]:
        found: list[Payload] = (await self._see("channels"))["channels"]
        return found

    async def messages(self, channel: str, thread_ts: str | None = None) -> list[Message]:
        """Everything this person sees there, replies included, oldest first; or one thread."""
        query = {"channel": channel} | ({"thread_ts": thread_ts} if thread_ts else {})
        return [read_message(item) for item in (await self._see("messages", **query))["messages"]]

    async def message(self, channel: str, ts: str) -> Message:
        return next(m for m in await self.messages(channel) if m.ts == ts)

    async def statuses(self, channel: str) -> list[Payload]:
        """The status lines ("is thinking...") that show now."""
        found: list[Payload] = (await self._see("messages", channel=channel))["statuses"]
        return found

    async def prompts(self) -> Payload:
        found: Payload = (await self._see("messages", channel="dm"))["prompts"]
        return found

    async def views(self) -> list[View]:
        return [read_view(item) for item in (await self._see("views"))["views"]]

    async def home(self) -> View | None:
        view = (await self._see("home"))["view"]
        return None if view is None else read_view(view)

    async def wait_for(
        self,
        channel: str,
        wanted: Callable[[Message], bool],
        *,
        thread_ts: str | None = None,
        timeout: float = PATIENCE,
    ) -> Message:
        """The newest message for which `wanted` is true, now or as soon as there is one."""

        async def look() -> Message | None:
            found = [m for m in await self.messages(channel, thread_ts) if wanted(m)]
            return found[-1] if found else None

        try:
            return await self.until(look, {"message", "removed"}, timeout)
        except TimeoutError:
            seen = [f"{m.user}: {m.plain[:80]!r}" for m in await self.messages(channel, thread_ts)]
            raise TimeoutError(f"no such message in {channel} after {timeout} s; there is {seen}") from None

    async def wait_for_view(
        self, wanted: Callable[[View], bool] = lambda view: True, *, timeout: float = PATIENCE
    ) -> View:
        """The topmost modal, now or as soon as there is one that is `wanted`."""

        async def look() -> View | None:
            stack = await self.views()
            return stack[-1] if stack and wanted(stack[-1]) else None

        return await self.until(look, {"views"}, timeout)

    async def wait_for_home(
        self, wanted: Callable[[View], bool] = lambda view: True, *, timeout: float = PATIENCE
    ) -> View:
        async def look() -> View | None:
            view = await self.home()
            return view if view is not None and wanted(view) else None

        return await self.until(look, {"home"}, timeout)

    async def until(self, look: Callable[[], Awaitable[Seen | None]], kinds: set[str], timeout: float) -> Seen:
        """What `look` finds: it looks once the update stream is open, and again after each update of these kinds."""
        async with asyncio.timeout(timeout), aclosing(self.workspace.updates(self.name)) as updates:
            async for update in updates:
                if update["kind"] in kinds or update["kind"] == "ready":
                    found = await look()
                    if found is not None:
                        return found
        raise TimeoutError("the sandbox closed the update stream")

    async def _see(self, what: str, **query: Any) -> Payload:
        return await self.workspace.get(f"/sandbox/people/{self.name}/{what}", **query)

    async def _act(self, act: str, **body: Any) -> Payload:
        given = {key: value for key, value in body.items() if value is not None}
        return await self.workspace.post(f"/sandbox/people/{self.name}/{act}", given)
