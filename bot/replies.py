"""What an admin's command or click is answered with, to them alone."""

from dataclasses import dataclass

from bot.blocks import Block, section


@dataclass(frozen=True)
class Reply:
    """Escaped mrkdwn, and blocks that are drawn under it."""

    text: str
    blocks: tuple[Block, ...] = ()

    @property
    def drawn(self) -> list[Block]:
        """The blocks with the text above them."""
        return [section(self.text), *self.blocks]


NOTHING = Reply("")
LATE = Reply("Slack gives me three seconds to open a window, and I needed more. Please try once more.")
# The answer to a commit may be lost with the connection, so nothing is said of what was done.
FORGETFUL = (
    "I can't reach my memory right now. A change that you asked for may be made or not: please look in a minute."
)
