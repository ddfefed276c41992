"""What can be chosen when a sandbox is started. Slack's own times are the defaults; tests shorten them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Every duration is in seconds."""

    ack_timeout: float = 3.0
    redelivery: tuple[float, ...] = (0.0, 60.0, 300.0)
    trigger_life: float = 3.0
    hook_life: float = 1800.0
    file_delay: float = 0.3
    stream_life: float = 300.0
    status_life: float = 120.0


@dataclass(frozen=True)
class Tokens:
    bot: str = "xoxb-sandbox"
    app: str = "xapp-sandbox"
