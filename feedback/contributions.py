"""All that one person has contributed, taken back at once: their words, their flags and their votes."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from feedback import flags, taking_back
from feedback.models import Case
from feedback.taking_back import Consequences
from feedback.votes import Person


@dataclass(frozen=True)
class Undone:
    """What was taken back: cases of their words, with what follows from that, and those that only their flag kept."""

    follows: Consequences
    flags: tuple[Case, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """All of them."""
        return (*self.follows.cases, *self.flags)


def undo(session: Session, persona: str, person: Person, *, by: str) -> Undone:
    """Withdraw every case whose words are somebody's own, or that only their flag has kept open.

    What is being trained on right now stays, and so does what others have written where this person has flagged.
    """
    ids = taking_back.of_person(session, persona, str(person))
    follows = taking_back.take_back(session, persona, ids, by=by, why=f"contributions of {person} undone")
    return Undone(follows, tuple(flags.withdraw_all(session, persona, person, by=by)))
