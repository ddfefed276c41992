"""The content of a message as an app gives it: text, Markdown text, blocks, metadata; checked.

Not imitated: attachments (they are accepted and dropped), `parse`, `link_names`, unfurling.
"""

from dataclasses import dataclass

from sandbox.arguments import Arguments
from sandbox.blocks import MARKDOWN_TOTAL, block_faults, with_ids
from sandbox.errors import ApiError
from sandbox.payload import Payload
from sandbox.world import World

LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000


@dataclass(frozen=True)
class Content:
    text: str
    markdown: bool
    blocks: tuple[Payload, ...]
    metadata: Payload | None


def read_content(world: World, args: Arguments) -> Content:
    text = args.optional_text("text") or ""
    markdown = args.optional_text("markdown_text")
    blocks = read_blocks(world, args)
    if markdown is not None:
        if text or blocks:
            raise ApiError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_TOTAL:
            raise ApiError("msg_too_long")
    if not (text.strip() or markdown or blocks or args.values.get("attachments")):
        raise ApiError("no_text")
    metadata = args.object("metadata") if args.has("metadata") else None
    return Content(markdown or text[:LONGEST_TEXT], markdown is not None, blocks, metadata)


def read_blocks(world: World, args: Arguments) -> tuple[Payload, ...]:
    blocks = args.objects("blocks", "invalid_blocks_format") or []
    faults = block_faults(blocks, surface="message", ready_files=world.files.ready_ids())
    if faults:
        raise ApiError("invalid_blocks", faults)
    if has_feedback(blocks) and world.faults.take("refuse_feedback"):
        raise ApiError("invalid_blocks", ["[ERROR] unsupported type: context_actions"])
    return with_ids(blocks)


def has_feedback(blocks: list[Payload]) -> bool:
    return any(element.get("type") == "feedback_buttons" for block in blocks for element in block.get("elements") or ())
