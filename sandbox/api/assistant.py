"""assistant.threads.*. Not imitated: titles in a history list (they are checked and forgotten), status icons."""

from sandbox.api.lookup import channel_by_id, message_at
from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.errors import ApiError
from sandbox.payload import Payload
from sandbox.world import World


async def set_status(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel_id", "channel_not_found"))
    root = message_at(world, channel, args.text("thread_ts"), "invalid_thread_ts")
    loading = args.values.get("loading_messages") or []
    if not isinstance(loading, list) or len(loading) > 10:
        raise ApiError("invalid_arguments", ["[ERROR] loading_messages: at most 10"])
    status = args.optional_text("status")
    if status is None:
        raise ApiError("invalid_arguments", ["[ERROR] missing required field: status"])
    world.statuses.set(channel.id, root.thread_ts or root.ts, status, tuple(str(text) for text in loading))
    return {}


async def set_title(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel_id", "channel_not_found"))
    message_at(world, channel, args.text("thread_ts"), "invalid_thread_ts")
    args.text("title")
    return {}


async def set_suggested_prompts(world: World, args: Arguments) -> Payload:
    channel = channel_by_id(world, args.text("channel_id", "channel_not_found"))
    prompts = args.objects("prompts") or []
    if not 1 <= len(prompts) <= 4:
        raise ApiError("invalid_arguments", ["[ERROR] prompts must have between 1 and 4 items"])
    for prompt in prompts:
        if not prompt.get("title") or not prompt.get("message"):
            raise ApiError("invalid_arguments", ["[ERROR] a prompt needs title and message"])
    # Under the agent view a call with a thread_ts succeeds and changes nothing; the older view asks for one.
    if channel.kind == "im" and (world.manifest.assistant_view or not args.optional_text("thread_ts")):
        kept = [{"title": str(p["title"]), "message": str(p["message"])} for p in prompts]
        world.prompts.set(channel.id, args.optional_text("title") or "", kept)
    return {}


METHODS = {
    "assistant.threads.setStatus": Method(set_status, ("chat:write", "assistant:write")),
    "assistant.threads.setTitle": Method(set_title, ("assistant:write",)),
    "assistant.threads.setSuggestedPrompts": Method(set_suggested_prompts, ("assistant:write",)),
}
