"""Where a click happened: the message under it, and who clicked. Pure reading of Slack's payloads."""

from dataclasses import asdict, dataclass
from typing import Any

from bot.private import Ear
from bot.text import storable

Body = dict[str, Any]

FRESH = 15.0  # seconds


@dataclass(frozen=True)
class Spot:
    """A message of the bot's, as somebody's click or reaction names it."""

    channel: str
    ts: str
    thread_ts: str | None = None

    def is_fresh(self, now: float) -> bool:
        """Whether the message is seconds old, so that the record may not know it yet."""
        return self.ts.replace(".", "").isdigit() and now - float(self.ts) < FRESH

    def ear(self, user: str, note: str | None = None) -> Ear:
        """Where to tell that somebody about it, in the place of a note or anew."""
        return Ear(self.channel, user, self.thread_ts, note)

    def pack(self, **more: Any) -> dict[str, Any]:
        """For a view's private metadata."""
        return {**asdict(self), **more}

    @classmethod
    def unpack(cls, metadata: dict[str, Any]) -> "Spot":
        """What ``pack`` has packed."""
        return cls(metadata["channel"], metadata["ts"], metadata.get("thread_ts"))


def of_click(body: Body) -> Spot:
    """The message that a clicked block is in. An ephemeral message has a container too, with its own ts."""
    container = body.get("container") or {}
    message = body.get("message") or {}
    channel = container.get("channel_id") or (body.get("channel") or {}).get("id") or ""
    thread = container.get("thread_ts") or message.get("thread_ts")
    return Spot(str(channel), str(container.get("message_ts") or message.get("ts") or ""), thread)


def note_of(body: Body) -> str | None:
    """The private note that was clicked, as what can replace it; None when the message is everybody's."""
    private = (body.get("container") or {}).get("is_ephemeral")
    return str(body["response_url"]) if private and body.get("response_url") else None


def value_of(body: Body) -> str:
    """The value of the element that was clicked."""
    return str(body["actions"][0].get("value") or "")


def seconds(ts: object) -> float | None:
    """A time as Slack writes it; None when it says none."""
    try:
        return float(str(ts))
    except ValueError:
        return None


def time_of(body: Body) -> float | None:
    """When an element was clicked."""
    return seconds(body["actions"][0].get("action_ts"))


def field(view: Body, block_id: str) -> str:
    """What was written or chosen in a view's field whose action has the block's name."""
    state = ((view.get("state") or {}).get("values") or {}).get(block_id, {}).get(block_id, {})
    chosen = (state.get("selected_option") or {}).get("value")
    return storable(str(state.get("value") or chosen or ""))


def user_of(body: Body) -> str:
    """Who clicked or submitted."""
    return str(body["user"]["id"])


def delivery_of(body: Body) -> str:
    """Tells a click from the same click sent again."""
    return f"click:{body['trigger_id']}"
