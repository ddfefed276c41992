"""What all answers that are shown at once share: the limits, and where Slack refused to stream."""

import time
from dataclasses import dataclass, field

from bot.limits import STREAMS_PER_MINUTE, Budget, Clock, Pace, Spacing
from bot.slack_errors import EVERYWHERE


@dataclass
class Traffic:
    """One for each bot process."""

    clock: Clock = time.monotonic
    pace: Pace = field(default_factory=Pace)
    streams: Budget = field(default_factory=lambda: Budget(STREAMS_PER_MINUTE))
    spacing: Spacing = field(default_factory=Spacing)
    unstreamable: set[str] = field(default_factory=set)
    refused_everywhere: bool = False

    def can_stream(self, channel: str) -> bool:
        """Whether Slack has not refused streams there."""
        return not self.refused_everywhere and channel not in self.unstreamable

    def refused(self, channel: str, code: str) -> None:
        """Remember a refusal: for the channel, or for all of them."""
        if code in EVERYWHERE:
            self.refused_everywhere = True
        else:
            self.unstreamable.add(channel)
