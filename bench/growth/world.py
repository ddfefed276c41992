"""Who and what a big record is asked about."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from feedback.votes import Person
from settings import ServingSettings, Settings, SlackSettings

TEAM = "T0001"


@dataclass(frozen=True)
class World:
    """Who and what the calls are about."""

    settings: Settings
    busiest: Person  # has flagged and corrected most
    some: Person  # has flagged some twenty
    quiet: Person  # has never flagged anything
    answered: int  # an answer of today, without a vote
    flagged: int  # an answer with a bare flag
    long_thread: int  # the newest answer of a conversation that never ends
    pending: int
    corrected: int  # cases in these states
    approved: int
    mended: int
    live: int
    canary: int
    experiment: int
    run: int  # under way
    last_run: int  # that is over and live


def find(session: Session) -> World:
    """What there is in the record to ask about."""

    def one(sql: str) -> int:
        return int(session.execute(text(sql)).scalar_one())

    def who(order: str) -> Person:
        person = Person.parse(
            session.execute(text(f"SELECT flagged_by FROM cases GROUP BY 1 ORDER BY {order} LIMIT 1")).scalar_one()
        )
        assert person is not None
        return person

    newest = "SELECT max(id) FROM cases WHERE status = "
    voted = "EXISTS (SELECT FROM votes WHERE answer_id = answers.id)"
    return World(
        settings=Settings(serving=ServingSettings(device="cuda"), slack=SlackSettings(instant_patch=True)),
        busiest=who("count(*) DESC"),
        some=who("abs(count(*) - 20), 1"),
        quiet=Person(TEAM, "U0NOBODY"),
        answered=one(f"SELECT max(id) FROM answers WHERE status = 'answered' AND NOT {voted}"),
        flagged=one("SELECT max(answer_id) FROM cases WHERE status = 'flagged'"),
        long_thread=one("SELECT max(id) FROM answers WHERE id % 1000 = 7 AND status = 'answered'"),
        pending=one("SELECT max(id) FROM answers WHERE status = 'pending'"),
        corrected=one(f"{newest} 'corrected'"),
        approved=one(f"{newest} 'approved'"),
        mended=one(f"{newest} 'mended'"),
        live=one("SELECT id FROM adapters WHERE status = 'live'"),
        canary=one("SELECT id FROM adapters WHERE status = 'canary'"),
        experiment=one("SELECT id FROM experiments WHERE ended_at IS NULL"),
        run=one("SELECT id FROM runs WHERE finished_at IS NULL"),
        last_run=one("SELECT max(id) FROM runs WHERE status = 'live'"),
    )
