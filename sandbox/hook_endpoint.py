"""Answers to a response URL, and raw bytes to an upload URL, and uploaded files on their way back.

Not imitated: `parse`, attachments, answers to interactions outside messages.
"""

import json

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.api.content import Content, read_content
from sandbox.arguments import Arguments, normalise
from sandbox.directory import BOT_USER_ID
from sandbox.errors import ApiError
from sandbox.files import IMAGES, LARGEST
from sandbox.hooks import Hook
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.world import World


async def response_url(request: Request) -> Response:
    world: World = request.app.state.world
    hook = world.hooks.spend(request.path_params["secret"])
    if isinstance(hook, str):
        world.traffic.record("hook", "response_url", error=hook)
        return PlainTextResponse(hook, status_code=404)
    try:
        body = normalise(json.loads(await request.body()))
        _apply(world, hook, body)
    except ApiError as error:
        world.traffic.record("hook", "response_url", error=error.code)
        return PlainTextResponse(error.code, status_code=400)
    except ValueError:
        world.traffic.record("hook", "response_url", error="invalid_payload")
        return PlainTextResponse("invalid_payload", status_code=400)
    world.traffic.record("hook", "response_url", args=body)
    return PlainTextResponse("ok")


def _apply(world: World, hook: Hook, body: Payload) -> None:
    args = Arguments(body)
    clicked = world.log.get(hook.channel, hook.message_ts) if hook.message_ts else None
    if args.flag("delete_original"):
        if clicked is None:
            raise ApiError("message_not_found")
        world.conversations.delete(clicked)
        return
    content = read_content(world, args)
    if args.flag("replace_original"):
        if clicked is None:
            raise ApiError("message_not_found")
        world.conversations.edit(clicked, content.text, content.blocks, markdown=content.markdown)
        return
    public = body.get("response_type") == "in_channel"
    thread_ts = args.optional_text("thread_ts") or hook.thread_ts
    world.conversations.post(_answer(world, hook, content, thread_ts, None if public else hook.person))


def _answer(world: World, hook: Hook, content: Content, thread_ts: str | None, only_for: str | None) -> Message:
    return Message(
        channel=hook.channel,
        ts=world.clock.next_ts(),
        user=BOT_USER_ID,
        text=content.text,
        markdown=content.markdown,
        blocks=content.blocks,
        thread_ts=thread_ts,
        by_app=True,
        ephemeral_for=only_for,
    )


async def upload(request: Request) -> Response:
    world: World = request.app.state.world
    data = await request.body()
    if not data or len(data) > LARGEST:
        return PlainTextResponse("invalid size", status_code=400)
    file = world.files.upload(request.path_params["secret"], data)
    world.traffic.record("hook", "upload", bytes=len(data), file=file.id if file else None)
    if file is None:
        return PlainTextResponse("unknown upload", status_code=404)
    return PlainTextResponse(f"OK - {len(data)}")


async def private_file(request: Request) -> Response:
    """The app reads a file back with its token."""
    world: World = request.app.state.world
    if request.headers.get("authorization") != f"Bearer {world.tokens.bot}":
        return PlainTextResponse("not authorised", status_code=403)
    return file_response(world, request.path_params["file"])


def file_response(world: World, file_id: str) -> Response:
    """Only images are shown by a browser; anything else is a download, never a page."""
    try:
        file = world.files.get(file_id)
        data = world.files.bytes_of(file_id)
    except (ApiError, OSError, KeyError):
        return PlainTextResponse("file_not_found", status_code=404)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}  # it may be deleted
    if file.mimetype in IMAGES:
        return Response(data, media_type=file.mimetype, headers=headers)
    headers["Content-Disposition"] = "attachment"
    return Response(data, media_type="application/octet-stream", headers=headers)
