"""Messages and views as a person sees them, for tests and scripts. Pure.

Not imitated: formatting, which is the page's matter; `plain` is the text alone.
"""

from dataclasses import dataclass

from sandbox.payload import Payload
from sandbox.visible import visible_text


@dataclass(frozen=True)
class Message:
    """`raw` is the whole JSON object."""

    ts: str
    user: str
    text: str
    blocks: list[Payload]
    thread_ts: str | None
    by_app: bool
    ephemeral: bool
    streaming: bool
    edited: bool
    reactions: dict[str, list[str]]
    files: list[Payload]
    raw: Payload

    @property
    def plain(self) -> str:
        """All that a reader sees. The text beside an app's blocks is not seen, unless it was streamed."""
        blocks = visible_text(self.blocks)
        if not self.blocks or self.raw.get("markdown"):
            return f"{self.text}\n{blocks}".strip()
        return blocks if self.by_app else self.text

    def element(self, action_id: str) -> Payload | None:
        """The block element with this action_id."""
        return next((e for e in elements_of(self.blocks) if e.get("action_id") == action_id), None)


@dataclass(frozen=True)
class View:
    """A modal, or a person's App Home."""

    id: str
    title: str
    callback_id: str
    blocks: list[Payload]
    private_metadata: str
    raw: Payload

    @property
    def plain(self) -> str:
        return visible_text(self.blocks)

    def inputs(self) -> dict[str, str]:
        """action_id by block_id of every input, to fill `submit`."""
        found = (block for block in self.blocks if block["type"] == "input")
        return {block["block_id"]: block["element"]["action_id"] for block in found}


def elements_of(blocks: list[Payload]) -> list[Payload]:
    found = [e for b in blocks for e in (b.get("element"), b.get("accessory"), *(b.get("elements") or ()))]
    return [element for element in found if isinstance(element, dict)]


def read_message(raw: Payload) -> Message:
    return Message(
        ts=raw["ts"],
        user=raw["user"],
        text=raw["text"],
        blocks=raw.get("blocks", []),
        thread_ts=raw.get("thread_ts"),
        by_app=raw["by_app"],
        ephemeral=raw["ephemeral"],
        streaming=raw["streaming"],
        edited="edited" in raw,
        reactions={item["name"]: item["users"] for item in raw.get("reactions", [])},
        files=raw.get("files", []),
        raw=raw,
    )


def read_view(raw: Payload) -> View:
    return View(
        id=raw["id"],
        title=(raw.get("title") or {}).get("text", ""),
        callback_id=raw["callback_id"],
        blocks=raw["blocks"],
        private_metadata=raw["private_metadata"],
        raw=raw,
    )
