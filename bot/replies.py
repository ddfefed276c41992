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
FORGETFUL = "I can't reach my memory right now; nothing was changed. Please try again in a minute."
LATE = Reply("Slack was too slow just now, so I could not open the window. Please try once more.")
