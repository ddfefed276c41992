"""Questions that are edited: before their answer, during it, after it, and too late."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback import answers, rewording, votes
from feedback.answers import Outcome, Question
from feedback.database import Database
from feedback.models import Answer
from feedback.rewording import NotAsked
from feedback.states import AnswerStatus, VoteValue
from feedback.votes import Person

ASKED = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Where is the kye?")
KEY, LEASE = "Where is the key?", timedelta(minutes=1)


def ask(db: Database) -> Answer:
    """A question as whoever answers it has read it."""
    with db.begin() as session:
        answer_id = answers.take_question(session, ASKED, lease=LEASE)
        assert answer_id is not None
        return answers.get(session, answer_id)


def reword(db: Database, text: str = KEY, *, later: timedelta = timedelta(0), ts: str = "1.0") -> int | None:
    with db.begin() as session:
        return rewording.reword(session, "T1", "C1", ts, text, at=datetime.now(UTC) + later, lease=LEASE)


def finish(db: Database, read: Answer) -> str:
    """Finish a question as far as its words allow; its words then."""
    with db.begin() as session:
        if rewording.settled(session, read):
            answers.finish(session, read.id, Outcome(AnswerStatus.ANSWERED, text="Here."))
    with db.begin() as session:
        row = answers.get(session, read.id)
        return f"{row.status}: {row.question}"


def test_who_answers_a_question_hears_of_its_new_words(db: Database) -> None:
    read = ask(db)
    assert reword(db, later=timedelta(minutes=5)) is None  # it waited for so long, and nobody has answered it yet
    with db.begin() as session:
        assert rewording.outdated(session, read)
    assert finish(db, read) == f"pending: {KEY}"
    with db.begin() as session:
        read = answers.get(session, read.id)
        assert not rewording.outdated(session, read)
    assert finish(db, read) == f"answered: {KEY}"


def test_an_edit_that_a_vote_has_overtaken_is_given_up(db: Database) -> None:
    read = ask(db)
    reword(db)
    with db.begin() as session:
        votes.cast(session, read.id, Person("T1", "UNOOR"), VoteValue.UP)
    assert finish(db, read) == f"answered: {ASKED.text}"  # what was voted on
    assert reword(db) is None


def test_a_finished_question_is_asked_again_for_a_minute(db: Database) -> None:
    read = ask(db)
    finish(db, read)
    assert reword(db, later=timedelta(minutes=2)) is None
    assert reword(db, ASKED.text) is None
    assert reword(db) == read.id
    with pytest.raises(NotAsked):
        reword(db, ts="2.0")


@pytest.mark.parametrize(("ts", "recent"), [("1000.5", True), ("930.0", False), ("odd", False)])
def test_what_was_written_within_a_minute_is_recent(ts: str, recent: bool) -> None:
    assert rewording.is_recent(ts, datetime.fromtimestamp(1001, UTC)) is recent
