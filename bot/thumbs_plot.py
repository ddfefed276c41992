"""The plot of an admin's Home: which picture is shown, and when it is drawn anew. Every answer changes the figure,
so a picture stays for a while, with the words and numbers of what is on it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from bot.blocks import Block, context, section
from bot.figures import THUMBS, ThumbsDown, block, thumbs_down, thumbs_of
from bot.text import escape
from feedback import pictures, votes

STAYS = timedelta(minutes=15)
MAY_LAG = "Drawn anew every 15 minutes at most."


@dataclass(frozen=True)
class Plot:
    """``now`` is the figure as the record has it, ``shown`` the one that is on the picture."""

    subject: str
    now: ThumbsDown
    shown: ThumbsDown
    file_id: str | None
    due: bool

    @property
    def as_table(self) -> "Plot":
        """The same without a picture."""
        return replace(self, shown=self.now, file_id=None)

    @property
    def blocks(self) -> list[Block]:
        """The picture, or its table where there is none."""
        if self.file_id is None:
            return [section(f"*{escape(self.now.title)}*\n```{escape(self.now.table)}```")]
        return [block(self.shown, self.file_id), *([context(MAY_LAG)] if self.shown != self.now else [])]


def read(session: Session, persona: str) -> Plot | None:
    """The plot of a persona's versions; None when nobody was answered yet."""
    figure = thumbs_down(votes.by_version(session, persona))
    if figure is None:
        return None
    subject = f"{THUMBS} {persona}"
    picture = pictures.newest(session, subject)
    if picture is None or picture.shows is None:
        return Plot(subject, figure, figure, None, due=True)
    drawn = thumbs_of(picture.shows)
    due = is_due(drawn, figure, datetime.now(UTC) - picture.created_at)
    return Plot(subject, figure, drawn, picture.file_id, due)


def is_due(drawn: ThumbsDown, now: ThumbsDown, age: timedelta) -> bool:
    """Whether to draw anew: at once for another version or title, for other numbers only after a while. Pure."""
    if (drawn.title, drawn.versions) != (now.title, now.versions):
        return True
    return drawn != now and age >= STAYS
