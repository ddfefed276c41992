"""What is kept for later is kept whole and in order, and what belongs to others stays theirs."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from bot import listings, streaming
from bot.answering import NEVER_POSTED, UNPOSTED
from bot.parts import Parts, wire
from bot.people import Me
from bot.rhythm import Rhythm
from bot.spot import Spot
from bot.voting import VOTE, Ballot, _key, _pack
from feedback import adapters, answers, cases, runs
from feedback.adapters import Saved
from feedback.answers import Outcome, Question
from feedback.database import Database
from feedback.models import Answer, Vote
from feedback.persona import load_persona
from feedback.states import AnswerStatus, RunStatus, VoteValue
from settings import DatabaseSettings, RedisSettings, ServingSettings, Settings, SlackSettings
from tests.integration.bot.conftest import NOWHERE, PERSONA
from tests.integration.bot.stand_in_model import StandInModel
from tests.unit.bot.fakes import FakeSlack, slack_error

DOWN, UP = VoteValue.DOWN, VoteValue.UP
QUICK = Rhythm(retry_in=0.0)


@pytest.fixture
def slack() -> FakeSlack:
    slack = FakeSlack(int(time.time()) - 1000)
    slack.replies["users.info"] = {"user": {"id": "UMIA", "team_id": "T1"}}
    return slack


@pytest.fixture
async def parts(
    slack: FakeSlack, model: StandInModel, db: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[Parts]:
    settings = Settings(
        home=tmp_path,
        persona_dir=PERSONA,
        slack=SlackSettings(bot_token="x", app_token="x"),
        database=DatabaseSettings(url=database_url),
        redis=RedisSettings(url=NOWHERE),
        serving=ServingSettings(urls=[model.url], device="cuda", adapters_dir=tmp_path / "adapters"),
    )
    persona = load_persona(PERSONA / "persona.yaml")
    parts = wire(settings, Me("UBOT", "T1"), persona, slack.client, QUICK)
    yield parts
    await parts.close()


def take_question(db: Database) -> int:
    with db.begin() as session:
        question = Question("pip", "T1", "C1", "1.0", "1.0", "UMIA", "T1", "Who are you?")
        answer_id = answers.take_question(session, question, lease=QUICK.lease_time)
        assert answer_id is not None
        return answer_id


@pytest.fixture
def spot(db: Database) -> Spot:
    """The message of an answer."""
    answer_id = take_question(db)
    with db.begin() as session:
        answers.add_message(session, answer_id, "T1", "C1", "1.5")
        answers.finish(session, answer_id, Outcome(status=AnswerStatus.ANSWERED, text="I am SmolLM."))
    return Spot("C1", "1.5")


def keep(parts: Parts, *ballots: Ballot) -> None:
    for ballot in ballots:
        parts.unsaved.keep(VOTE, _key(ballot), _pack(ballot))


def votes(db: Database) -> list[VoteValue]:
    with db.begin() as session:
        return list(session.scalars(select(Vote.value)))


async def test_taking_an_older_thumb_back_does_not_undo_the_newer_one(parts: Parts, db: Database, spot: Spot) -> None:
    keep(parts, Ballot(spot, "UMIA", DOWN, "e1"), Ballot(spot, "UMIA", UP, "e2", withdrawn=True))
    await parts.save_kept()
    assert votes(db) == [DOWN] and parts.unsaved.entries() == []


async def test_the_last_of_kept_votes_counts(parts: Parts, db: Database, spot: Spot) -> None:
    keep(parts, *(Ballot(spot, "UMIA", value, f"e{n}") for n, value in enumerate([DOWN, UP, DOWN, UP])))
    await parts.save_kept()
    assert votes(db) == [UP]


async def test_a_kept_vote_counts_before_a_later_one_that_is_not_kept(parts: Parts, db: Database, spot: Spot) -> None:
    keep(parts, Ballot(spot, "UMIA", DOWN, "e1"), Ballot(spot, "UADA", DOWN, "e2"))
    await parts.voting.vote(Ballot(spot, "UMIA", UP, "e3", withdrawn=True))
    assert votes(db) == [DOWN]
    assert [entry.data["user"] for entry in parts.unsaved.entries()] == ["UADA"]
    await parts.voting.vote(Ballot(spot, "UMIA", UP, "e4"))
    assert votes(db) == [UP]


async def test_a_kept_vote_waits_until_slack_says_whose_it_is(
    parts: Parts, db: Database, spot: Spot, slack: FakeSlack
) -> None:
    keep(parts, Ballot(spot, "UMIA", DOWN, "e1"))
    slack.errors["users.info"] = [aiohttp.ClientConnectionError("away")]
    await parts.save_kept()
    assert votes(db) == [] and len(parts.unsaved.entries()) == 1
    await parts.save_kept()
    assert votes(db) == [DOWN] and parts.unsaved.entries() == []


async def retried(parts: Parts, db: Database, answer_id: int) -> Answer:
    """The question after one more try at it."""
    with db.begin() as session:
        answers.renew_lease(session, answer_id, lease=timedelta(0))
    await parts.intake.retry()
    await asyncio.gather(*parts.intake._running.values())
    with db.begin() as session:
        return answers.get(session, answer_id)


@pytest.fixture
def refusing(slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> FakeSlack:
    """Slack takes plain lines of ours, and no answer."""
    handle = slack.handle

    def refuse(method: str, args: dict[str, Any]) -> dict[str, Any]:
        if method == "chat.startStream" or (method == "chat.postMessage" and args.get("blocks")):
            raise slack_error("internal_error")
        return handle(method, args)

    slack.handle = refuse  # type: ignore[method-assign]
    monkeypatch.setattr(streaming, "FINAL_ATTEMPTS", 2)  # a second each
    return slack


async def test_an_answer_that_slack_did_not_take_is_given_later(
    parts: Parts, db: Database, refusing: FakeSlack
) -> None:
    answer_id = take_question(db)
    for _ in range(2):
        tried = await retried(parts, db, answer_id)
        assert tried.status is AnswerStatus.PENDING
    assert list(refusing.messages.values()) == [UNPOSTED], "said once"
    del refusing.handle  # type: ignore[method-assign]  # it takes answers again
    tried = await retried(parts, db, answer_id)
    said = list(refusing.messages.values())
    assert tried.status is AnswerStatus.ANSWERED and said == [UNPOSTED, "You asked: Who are you?"]


async def test_an_answer_that_slack_does_not_take_for_too_long_is_given_up_with_a_word(
    parts: Parts, db: Database, refusing: FakeSlack
) -> None:
    answer_id = take_question(db)
    with db.begin() as session:
        patience = timedelta(seconds=parts.settings.slack.patience)
        answers.get(session, answer_id).created_at -= patience + timedelta(minutes=1)
    for _ in range(2):
        given_up = await retried(parts, db, answer_id)
        assert (given_up.status, given_up.text) == (AnswerStatus.FAILED, None)
        assert given_up.error == "Slack did not take the answer"
    assert list(refusing.messages.values()) == [NEVER_POSTED], "said once, and nothing is tried after it"


async def test_an_answer_that_can_be_posted_nowhere_is_not_called_answered(
    parts: Parts, db: Database, slack: FakeSlack
) -> None:
    slack.errors["chat.startStream"] = [slack_error("is_archived")]
    tried = await retried(parts, db, take_question(db))
    assert tried.status is AnswerStatus.FAILED and slack.messages == {}


def add_adapter(db: Database, persona: str, name: str) -> None:
    with db.begin() as session:
        run = runs.start(session, persona, "base", 1, by="x")
        for stage in ("paraphrasing", "building", "training", "probing", "rejected"):
            runs.advance(session, run.id, RunStatus(stage))
        adapter = adapters.add(session, persona, run.id, None, Saved(name, 1, "0" * 64, 8, "base", "f"))
        adapters.reject(session, adapter, why="gate")


async def test_other_personas_adapters_stay_on_shared_replicas(parts: Parts, db: Database, model: StandInModel) -> None:
    add_adapter(db, "pip", "pip-v1-00000001")
    add_adapter(db, "pip-v", "pip-v-v1-00000001")
    add_adapter(db, "bee", "bee-v1-00000001")
    others = {"pip-v-v1-00000001", "bee-v1-00000001", "ant-v1-00000001", "pip-v9-of-another-record", "base"}
    model.models.update({name: "/x" for name in [*others, "pip-v1-00000001"]})
    await parts.reconcile()
    assert set(model.models) == others


async def test_a_checkpoint_that_was_passed_over_stays_while_its_run_may_ask_it_again(
    parts: Parts, db: Database, model: StandInModel
) -> None:
    with db.begin() as session:
        run = runs.start(session, "pip", "base", 1, by="x")
        for stage in ("paraphrasing", "building", "training", "probing"):
            runs.advance(session, run.id, RunStatus(stage))
        rival = adapters.add(session, "pip", run.id, None, Saved("pip-v1-00000001", 1, "0" * 64, 8, "base", "f"))
        adapters.reject(session, rival, why="passed over")
    model.models["pip-v1-00000001"] = "/x"
    await parts.reconcile()
    assert "pip-v1-00000001" in model.models
    with db.begin() as session:
        runs.advance(session, run.id, RunStatus.REJECTED)
    await parts.reconcile()
    assert "pip-v1-00000001" not in model.models


def test_the_list_of_cases_begins_with_the_newest(db: Database) -> None:
    with db.begin() as session:
        for number in range(1005):
            cases.import_case(session, "pip", f"question {number}?", f"answer {number}", by="cli")
        seen = listings.read(session, "pip")
        assert [case.question for case in seen.cases][:2] == ["question 1004?", "question 1003?"]
        assert len(seen.cases) == 10
