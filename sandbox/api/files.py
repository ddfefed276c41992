"""files.*: uploading in three steps, deleting. Not imitated: files.upload (retired), events, listing, public links."""

import asyncio

from sandbox.api.lookup import channel_by_id, thread_root, writable
from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.directory import BOT_USER_ID
from sandbox.errors import ApiError
from sandbox.files import LARGEST
from sandbox.messages import Message
from sandbox.payload import Payload
from sandbox.world import World


async def get_upload_url(world: World, args: Arguments) -> Payload:
    name = args.text("filename")
    length = args.number("length", 0)
    if not 0 < length <= LARGEST:
        raise ApiError("invalid_arguments", ["[ERROR] length must be a positive number of bytes"])
    file, secret = world.files.promise(name, BOT_USER_ID, args.optional_text("alt_txt") or "")
    return {"upload_url": f"{world.base_url}/upload/v1/{secret}", "file_id": file.id}


async def complete_upload(world: World, args: Arguments) -> Payload:
    wanted = args.objects("files") or []
    if not wanted:
        raise ApiError("invalid_arguments", ["[ERROR] missing required field: files"])
    names = [args.optional_text("channel_id"), *(args.optional_text("channels") or "").split(",")]
    channels = [writable(world, channel_by_id(world, name)).id for name in dict.fromkeys(names) if name]
    thread_ts = args.optional_text("thread_ts")
    if thread_ts and channels:
        thread_ts = thread_root(world, world.directory.channels[channels[0]], thread_ts)
    files = [world.files.complete(str(item.get("id")), item.get("title"), tuple(channels)) for item in wanted]
    shared = _share(world, [f.id for f in files], channels, thread_ts, args.optional_text("initial_comment"))
    world.background(shared)
    return {"files": [world.files.payload(file.id) for file in files]}


async def _share(
    world: World, file_ids: list[str], channels: list[str], thread_ts: str | None, comment: str | None
) -> None:
    """Slack makes files ready, and posts them, some time after it has answered."""
    await asyncio.sleep(world.timing.file_delay)
    for file_id in file_ids:
        world.files.make_ready(file_id)
    for channel in channels:
        message = Message(
            channel=channel,
            ts=world.clock.next_ts(),
            user=BOT_USER_ID,
            text=comment or "",
            thread_ts=thread_ts,
            by_app=True,
            subtype="file_share",
            files=tuple(file_ids),
        )
        world.conversations.post(message)


async def info(world: World, args: Arguments) -> Payload:
    file = world.files.get(args.text("file", "file_not_found"))
    return {"file": world.files.payload(file.id)}


async def delete(world: World, args: Arguments) -> Payload:
    file = world.files.delete(args.text("file", "file_not_found"), BOT_USER_ID)
    for message in world.log.with_file(file.id):
        world.conversations.redraw(message)
    return {}


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",)),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",)),
    "files.delete": Method(delete, ("files:write",)),
    "files.info": Method(info, ("files:read",)),
}
