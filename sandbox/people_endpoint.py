"""The JSON endpoints for people: acts, what each person sees, and the live update stream (server-sent events).

Requests that change something must be JSON, which a foreign web page cannot send here without asking first.
Not imitated: sign-in, sessions, paging of long channels.
"""

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.acting import ACTS, channel_for
from sandbox.arguments import Arguments
from sandbox.directory import Person
from sandbox.errors import ApiError
from sandbox.hook_endpoint import file_response
from sandbox.inputs import ChoiceError
from sandbox.interactions import UnknownCommand
from sandbox.payload import Payload
from sandbox.shown import shown_channel, shown_message, shown_to, shown_view, shown_workspace
from sandbox.sockets import NotAnswered
from sandbox.updates import Update
from sandbox.world import World


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


def _person(request: Request) -> Person:
    person = _world(request).directory.find_person(request.path_params["person"])
    if person is None or person.is_bot:
        raise ApiError("user_not_found")
    return person


async def json_body(request: Request) -> Payload:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ApiError("invalid_arguments", ["the body must be application/json"])
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return body


async def act(request: Request) -> Response:
    function = ACTS.get(request.path_params["act"])
    if function is None:
        raise ApiError("unknown_act")
    person, body = _person(request), await json_body(request)
    try:
        answer = await function(_world(request), person, Arguments(body))
    except ChoiceError as error:
        raise ApiError("invalid_choice", [str(error)]) from error
    except UnknownCommand as error:
        raise ApiError("unknown_command", [str(error)]) from error
    except NotAnswered as error:
        raise ApiError(str(error), ["the app did not answer in time"]) from error
    return JSONResponse({"ok": True, **answer})


async def workspace(request: Request) -> Response:
    return JSONResponse(shown_workspace(_world(request)))


async def channels(request: Request) -> Response:
    world, person = _world(request), _person(request)
    shown = [shown_channel(world, channel) for channel in world.directory.channels_of(person.id)]
    return JSONResponse({"ok": True, "channels": shown})


async def messages(request: Request) -> Response:
    """A whole channel (replies included), or one thread."""
    world, person = _world(request), _person(request)
    channel = channel_for(world, person, request.query_params.get("channel", ""))
    seen = world.conversations.visible_to(person.id, channel)
    root = request.query_params.get("thread_ts")
    if root:
        seen = [m for m in seen if root in (m.ts, m.thread_ts)]
    prompts = world.prompts.shown(channel.id) if channel.kind == "im" else None
    statuses = [s for s in world.statuses.current() if s["channel"] == channel.id]
    shown = [shown_message(world, message) for message in seen]
    return JSONResponse(
        {"ok": True, "channel": channel.id, "messages": shown, "prompts": prompts, "statuses": statuses}
    )


async def views(request: Request) -> Response:
    """The open modals, the topmost last."""
    world, person = _world(request), _person(request)
    stack = [shown_view(world, view) for view in world.modals.stack(person.id)]
    return JSONResponse({"ok": True, "views": stack})


async def home(request: Request) -> Response:
    world, person = _world(request), _person(request)
    view = world.homes.get(person.id)
    return JSONResponse({"ok": True, "view": None if view is None else shown_view(world, view)})


async def updates(request: Request) -> Response:
    world, person = _world(request), _person(request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(world, person), media_type="text/event-stream", headers=headers)


async def _stream(world: World, person: Person) -> AsyncIterator[str]:
    async for update in world.updates.read(person.id):
        if update is None:
            yield ": still here\n\n"
            continue
        shown = _shown_update(world, person, update)
        if shown is not None:
            yield f"data: {json.dumps(shown, ensure_ascii=False)}\n\n"


def _shown_update(world: World, person: Person, update: Update) -> Payload | None:
    """None when the update is about a channel that this person is not in."""
    shown: Payload = {"kind": update.kind, "channel": update.channel, "ts": update.ts, **update.detail}
    if update.channel is None:
        return shown
    channel = world.directory.channels[update.channel]
    if person.id not in channel.members:
        return None
    if update.kind == "message" and update.ts is not None:
        message = shown_to(world, person, channel, update.ts)
        if message is None:
            return {**shown, "kind": "removed"}
        shown["message"] = message
    if update.kind == "prompts":
        shown["prompts"] = world.prompts.shown(channel.id)
    return shown


async def file(request: Request) -> Response:
    return file_response(_world(request), request.path_params["file"])


ROUTES = [
    Route("/sandbox/workspace", workspace),
    Route("/sandbox/files/{file}", file),
    Route("/sandbox/people/{person}/channels", channels),
    Route("/sandbox/people/{person}/messages", messages),
    Route("/sandbox/people/{person}/views", views),
    Route("/sandbox/people/{person}/home", home),
    Route("/sandbox/people/{person}/updates", updates),
    Route("/sandbox/people/{person}/{act}", act, methods=["POST"]),
]
