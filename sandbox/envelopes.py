"""Socket Mode envelopes: their shape, and what is known of one on its way. Pure apart from the future inside.

Not imitated: the debug fields that Slack adds to `hello`.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass, field

from sandbox.payload import Payload


@dataclass
class Delivery:
    """One payload on its way to the app, over one or more attempts (each its own envelope)."""

    kind: str  # events_api, slash_commands, interactive
    name: str
    payload: Payload
    answered: asyncio.Future[Payload]
    sent_at: float = field(default_factory=time.monotonic)


def envelope(delivery: Delivery, attempt: int, reason: str) -> Payload:
    message: Payload = {
        "envelope_id": str(uuid.uuid4()),
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        message["retry_attempt"] = attempt
        message["retry_reason"] = reason
    return message


def hello(app_id: str, connections: int) -> Payload:
    return {
        "type": "hello",
        "num_connections": connections,
        "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
        "connection_info": {"app_id": app_id},
    }


def disconnect(reason: str) -> Payload:
    """`reason`: warning, refresh_requested, link_disabled, too_many_websockets."""
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
