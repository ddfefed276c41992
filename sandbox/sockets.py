"""The Socket Mode hub: up to ten sockets of one app, envelopes out, acknowledgements in.

An envelope goes to one open socket at random. An event that is not acknowledged in time is sent again
after each delay of the schedule, in a new envelope with the same event_id; commands and interactions are sent once.
Not imitated: Slack's cycling of sockets every few hours (ask for a disconnect), its buffering across data centres.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.directory import APP_ID
from sandbox.envelopes import Delivery, disconnect, envelope, hello
from sandbox.faults import Faults
from sandbox.identifiers import fresh_id, fresh_secret
from sandbox.options import Timing
from sandbox.payload import Payload
from sandbox.traffic import Traffic

MOST_SOCKETS = 10


class NotAnswered(Exception):
    """The app did not acknowledge in time; the text is the code that a person is shown."""


@dataclass(eq=False)
class Socket:
    id: str
    web: WebSocket

    async def send(self, message: Payload) -> None:
        await self.web.send_text(json.dumps(message))


class SocketHub:
    def __init__(self, timing: Timing, faults: Faults, traffic: Traffic) -> None:
        self._timing = timing
        self._faults = faults
        self._traffic = traffic
        self._tickets: set[str] = set()
        self._sockets: set[Socket] = set()
        self._connected = asyncio.Event()
        self._waiting: dict[str, Delivery] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[int], None] | None = None

    @property
    def open_sockets(self) -> int:
        return len(self._sockets)

    def issue_ticket(self) -> str:
        ticket = fresh_secret()
        self._tickets.add(ticket)
        return ticket

    async def serve(self, web: WebSocket) -> None:
        """One socket, from its first to its last message."""
        ticket = web.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await web.close(code=4401)
            return
        await web.accept()
        self._tickets.discard(ticket)
        socket = Socket(fresh_id("s"), web)
        if len(self._sockets) >= MOST_SOCKETS:
            await socket.send(disconnect("too_many_websockets"))
            await web.close()
            return
        self._sockets.add(socket)
        self._changed()
        self._traffic.record("socket", "open", socket=socket.id)
        try:
            await socket.send(hello(APP_ID, len(self._sockets)))
            self._connected.set()
            while True:
                self._receive(socket, await web.receive_text())
        except WebSocketDisconnect as closed:
            self._traffic.record("socket", "closed", socket=socket.id, code=closed.code)
        finally:
            self._forget(socket)

    def _forget(self, socket: Socket) -> None:
        self._sockets.discard(socket)
        self._changed()
        if not self._sockets:
            self._connected.clear()

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change(len(self._sockets))

    def _receive(self, socket: Socket, text: str) -> None:
        try:
            message = json.loads(text)
            envelope_id = str(message["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self._traffic.record("socket", "unreadable", socket=socket.id, text=text)
            return
        delivery = self._waiting.get(envelope_id)
        ms = round((time.monotonic() - delivery.sent_at) * 1000, 1) if delivery else None
        payload = message.get("payload") or {}
        dropped = self._faults.take("drop_acks") is not None
        known = delivery.name if delivery else "unknown"
        self._traffic.record(
            "ack", known, envelope_id=envelope_id, socket=socket.id, ms=ms, payload=payload, dropped=dropped
        )
        if delivery is not None and not dropped and not delivery.answered.done():
            delivery.answered.set_result(payload)

    def send_event(self, name: str, payload: Payload) -> None:
        """Deliver in the background, with redelivery."""
        delivery = self._delivery("events_api", name, payload)
        self._spawn(self._deliver_event(delivery))
        if self._faults.take("duplicate") is not None:
            self._spawn(self._deliver_event(self._delivery("events_api", name, payload)))

    async def ask(self, kind: str, name: str, payload: Payload) -> Payload:
        """Deliver a command or an interaction and return what came with its acknowledgement."""
        delivery = self._delivery(kind, name, payload)
        if not await self._attempt(delivery, 0, ""):
            raise NotAnswered("dispatch_failed" if not self._sockets else "operation_timeout")
        return delivery.answered.result()

    def _delivery(self, kind: str, name: str, payload: Payload) -> Delivery:
        return Delivery(kind, name, payload, asyncio.get_running_loop().create_future())

    async def _deliver_event(self, delivery: Delivery) -> None:
        if await self._attempt(delivery, 0, ""):
            return
        for number, delay in enumerate(self._timing.redelivery, start=1):
            await asyncio.wait({delivery.answered}, timeout=delay)
            if delivery.answered.done() or await self._attempt(delivery, number, "timeout"):
                return
        self._traffic.record("event", delivery.name, given_up=True)

    async def _attempt(self, delivery: Delivery, number: int, reason: str) -> bool:
        """One envelope; true when it was acknowledged in time. Waits for a socket if none is open."""
        deadline = time.monotonic() + self._timing.ack_timeout
        message = envelope(delivery, number, reason)
        self._waiting[message["envelope_id"]] = delivery
        if not await self._send(message, delivery, deadline):
            return False
        await asyncio.wait({delivery.answered}, timeout=max(0.0, deadline - time.monotonic()))
        return delivery.answered.done()

    async def _send(self, message: Payload, delivery: Delivery, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if not self._sockets:
                try:
                    await asyncio.wait_for(self._connected.wait(), deadline - time.monotonic())
                except TimeoutError:
                    return False
                continue
            socket = random.choice(list(self._sockets))
            delivery.sent_at = time.monotonic()
            try:
                await socket.send(message)
            except (WebSocketDisconnect, RuntimeError):
                # Starlette raises RuntimeError for a send after the close; try the next socket.
                self._forget(socket)
                continue
            self._record_sent(message, delivery, socket)
            return True
        return False

    def _record_sent(self, message: Payload, delivery: Delivery, socket: Socket) -> None:
        kind = {"events_api": "event", "slash_commands": "command"}.get(delivery.kind, "interactive")
        self._traffic.record(
            kind,
            delivery.name,
            envelope_id=message["envelope_id"],
            socket=socket.id,
            attempt=message.get("retry_attempt", 0),
            event_id=delivery.payload.get("event_id"),
            payload=delivery.payload,
        )

    async def disconnect_all(self, reason: str) -> int:
        """Tell every socket to go; the app is expected to come back with a new one. A warning leaves it open."""
        sockets = list(self._sockets)
        for socket in sockets:
            self._traffic.record("socket", "disconnect", socket=socket.id, reason=reason)
            try:
                await socket.send(disconnect(reason))
                if reason != "warning":
                    self._forget(socket)
                    await socket.web.close()
            except (WebSocketDisconnect, RuntimeError):
                self._traffic.record("socket", "already_closed", socket=socket.id)
        return len(sockets)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.disconnect_all("refresh_requested")
