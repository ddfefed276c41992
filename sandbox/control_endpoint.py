"""Faults on demand and the traffic log, as JSON. These have no counterpart in Slack."""

import asyncio
from contextlib import aclosing
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.arguments import Arguments
from sandbox.errors import ApiError
from sandbox.faults import KINDS, FaultError, parse_fault
from sandbox.payload import Payload
from sandbox.people_endpoint import json_body
from sandbox.updates import Update
from sandbox.world import World

DISCONNECTS = ("warning", "refresh_requested", "link_disabled", "too_many_websockets")


async def traffic(request: Request) -> Response:
    """`since` is the id of the last entry known; `kind` keeps one kind of entries."""
    world: World = request.app.state.world
    since = Arguments({**request.query_params}).number("since", 0)
    kind = request.query_params.get("kind")
    entries = [e for e in world.traffic.since(since) if kind in (None, e["kind"])]
    counts = {name: world.traffic.counts(name) for name in ("api", "event", "command", "interactive", "ack")}
    return JSONResponse({"ok": True, "entries": entries, "counts": counts, "sockets": world.hub.open_sockets})


async def wait_for_sockets(request: Request) -> Response:
    """Answers when the app has at least `count` sockets open, or after `timeout` seconds."""
    world: World = request.app.state.world
    args = Arguments({**request.query_params})
    count, seconds = args.number("count", 1), args.number("timeout", 10)
    try:
        async with asyncio.timeout(seconds), aclosing(world.updates.read("")) as updates:
            async for _ in updates:
                if world.hub.open_sockets >= count:
                    break
    except TimeoutError:
        pass  # the answer says how many there are
    return JSONResponse({"ok": world.hub.open_sockets >= count, "sockets": world.hub.open_sockets})


async def get_faults(request: Request) -> Response:
    world: World = request.app.state.world
    return JSONResponse(_active(world))


async def add_fault(request: Request) -> Response:
    world: World = request.app.state.world
    body = await json_body(request)
    if body.get("kind") == "disconnect":
        reason = str(body.get("reason", "refresh_requested"))
        if reason not in DISCONNECTS:
            raise ApiError("invalid_arguments", [f"reason must be one of {', '.join(DISCONNECTS)}"])
        return JSONResponse({"ok": True, "disconnected": await world.hub.disconnect_all(reason)})
    try:
        fault = parse_fault(body)
    except (FaultError, TypeError) as error:
        raise ApiError("invalid_arguments", [str(error)]) from error
    world.faults.add(fault)
    world.traffic.record("fault", fault.kind, fault=asdict(fault))
    world.updates.publish(Update("faults"))
    return JSONResponse(_active(world))


async def clear_faults(request: Request) -> Response:
    world: World = request.app.state.world
    world.faults.clear()
    world.updates.publish(Update("faults"))
    return JSONResponse(_active(world))


def _active(world: World) -> Payload:
    kinds = {**KINDS, "disconnect": "Every socket is told to reconnect, with `reason`"}
    return {"ok": True, "faults": [asdict(fault) for fault in world.faults.active()], "kinds": kinds}


ROUTES = [
    Route("/sandbox/traffic", traffic),
    Route("/sandbox/sockets", wait_for_sockets),
    Route("/sandbox/faults", get_faults, methods=["GET"]),
    Route("/sandbox/faults", add_fault, methods=["POST"]),
    Route("/sandbox/faults", clear_faults, methods=["DELETE"]),
]
