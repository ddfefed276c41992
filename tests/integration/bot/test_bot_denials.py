"""Who may not, does not: every click, window and command asks again who somebody is, says no politely, and logs it.

The requests are made by hand, as somebody could who has got at a button that was drawn for another.
"""

import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from sqlalchemy import select

from bot import listeners
from bot.app import build_app
from bot.case_blocks import fingerprint
from bot.listening import Listening
from bot.listings import COMMANDS
from bot.parts import Parts
from feedback import adapters, answers, cases, runs
from feedback.adapters import Saved
from feedback.database import Database
from feedback.models import Adapter, Case, Event, Pause, Run, Vote
from settings import Settings
from tests.integration.bot import test_bot_redelivery as by_hand
from tests.integration.bot.conftest import with_slack
from tests.integration.bot.test_bot_redelivery import ADA, MIA, deliver, making_parts, story_settings
from tests.integration.test_record import make_answer
from tests.unit.bot.fakes import FakeSlack

__all__ = ["story_settings"]  # a fixture

Body = dict[str, Any]
GUS, XAN, ROB = "UGUS", "UXAN", "UROB"
PEOPLE: dict[str, Body] = {
    ADA: {},
    MIA: {},
    GUS: {"is_restricted": True},
    XAN: {"team_id": "T9", "is_stranger": True},
    ROB: {"is_bot": True},
}
NO_ADMINS = (MIA, GUS, XAN, ROB)
NOT_FROM_YOU = "I may only learn from members"
NO_MEMBERS = {GUS: NOT_FROM_YOU, XAN: NOT_FROM_YOU, ROB: "Only people can teach me"}
ANSWER_TS = "1.01"  # of the answer that ``make_answer`` records

# What needs a right, by who is refused. What is left out needs none: see ``FREE``.
FOR_ADMINS = {"mend_approve", "mend_revise", "mend_turn_down", "mend_skip", "mend_take_back", "mend_see_approved",
              "mend_see_waiting", "mend_confirm_run", "mend_confirm_rollback", "mend_cancel_run", "mend_open_review",
              "mend_start_run", "mend_take_case_back", "mend_promote_canary", "mend_stop_canary"}  # fmt: skip
FOR_MEMBERS = {"mend_feedback", "mend_correct", "mend_withdraw_vote", "mend_still_wrong", "mend_withdraw_case"}
# Asking is free, and so is closing one's own note, or not to wait for what one has asked.
FREE = {"mend_ask_again", "mend_dismiss", "mend_stop_waiting"}
ADMIN_WINDOWS, MEMBER_WINDOWS = (
    {"mend_edit", "mend_reject", "mend_confirm_run_window", "mend_take_case_back_window"},
    {"mend_correction"},
)
ADMIN_COMMANDS = {"retrain", "rollback", "cancel", "review", "pause", "resume", "undo", "cases", "follow", "canary"}
FREE_COMMANDS = {"status", "adapters", "probes", "help"}


class Routes:
    """Stands in for Bolt's app where the listeners register, and notes for what."""

    def __init__(self) -> None:
        self.actions: set[str] = set()
        self.views: set[str] = set()

    def action(self, key: str | re.Pattern[str]) -> Callable[[Any], Any]:
        name = key if isinstance(key, str) else key.pattern.removeprefix("^")
        self.actions |= {name} - {".*"}
        return lambda listener: listener

    def view(self, key: str) -> Callable[[Any], Any]:
        self.views.add(key)
        return lambda listener: listener

    def view_closed(self, key: str) -> Callable[[Any], Any]:
        """Closing one's own window changes nothing."""
        return lambda listener: listener

    def event(self, key: object) -> Callable[[Any], Any]:
        return lambda listener: listener

    command = event


@dataclass(frozen=True)
class Stage:
    """A bot at whose record there is something to do for every button."""

    app: AsyncApp
    parts: Parts
    slack: FakeSlack
    db: Database

    @property
    def hook(self) -> str:
        return f"{self.parts.settings.slack.api_url}respond"


def fill(db: Database) -> None:
    """Adapter 1 is live, case 1 waits, case 2 is trained on by run 2, case 3 is approved."""
    with db.begin() as session:
        run = runs.start(session, "pip", "base", 1, by=f"T1/{ADA}")
        saved = Saved("pip-v1-00000001", 1, "0" * 64, 8, "base", "f")
        adapters.promote(session, adapters.add(session, "pip", run.id, None, saved), by="worker", why="gate")
        for stage in ("paraphrasing", "building", "training", "probing", "deploying", "live"):
            runs.advance(session, run.id, runs.RunStatus(stage))
        waiting = cases.flag(session, make_answer(session), by=f"T1/{GUS}")
        cases.correct(session, waiting.id, "I am Pip.", None, by=f"T1/{MIA}")
        trained = cases.import_case(session, "pip", "Lunch?", "At noon.", by="cli:ada")
        cases.approve(session, trained.id, by=f"T1/{ADA}")
        runs.start(session, "pip", "base", 1, by=f"T1/{ADA}")
        approved = cases.import_case(session, "pip", "Tea?", "At four.", by="cli:ada")
        cases.approve(session, approved.id, by=f"T1/{ADA}")


def snapshot(db: Database) -> list[Any]:
    with db.begin() as session:
        return [
            [(case.id, case.status, case.correction) for case in session.scalars(select(Case).order_by(Case.id))],
            [(run.id, run.status, run.cancel_requested_by) for run in session.scalars(select(Run).order_by(Run.id))],
            [(one.id, one.status) for one in session.scalars(select(Adapter).order_by(Adapter.id))],
            [vote.user_id for vote in session.scalars(select(Vote))],
            [pause.paused_by for pause in session.scalars(select(Pause))],
            len(list(session.scalars(select(Event.id)))),
        ]


@pytest.fixture
async def stage(story_settings: Settings, db: Database) -> AsyncIterator[Stage]:
    fill(db)
    async with making_parts(story_settings) as (parts, slack):
        handle = slack.handle

        def of_everybody(method: str, args: Body) -> Body:
            if method == "users.info":
                return {"user": {"id": args["user"], "team_id": "T1", **PEOPLE[args["user"]]}}
            if method == "respond":
                slack.calls.append((method, args))
                return {}
            return handle(method, args)

        slack.handle = of_everybody  # type: ignore[method-assign]
        yield Stage(build_app(parts, Listening()), parts, slack, db)


def test_every_route_is_known_here() -> None:
    routes = Routes()
    listeners.register(routes, _NoParts())  # type: ignore[arg-type]
    assert routes.actions == FOR_ADMINS | FOR_MEMBERS | FREE
    assert routes.views == ADMIN_WINDOWS | MEMBER_WINDOWS
    assert set(COMMANDS) == ADMIN_COMMANDS | FREE_COMMANDS


class _NoParts:
    """Registering needs the command's name alone."""

    settings = Settings()


def values(db: Database) -> dict[str, str]:
    """The value of each button as it is drawn, where it is not the waiting case's id."""
    with db.begin() as session:
        shown = fingerprint(cases.get(session, 1))
    return {"mend_approve": f"1:{shown}",
            "mend_feedback": "down", "mend_withdraw_vote": "1:down", "mend_cancel_run": "2",
            "mend_confirm_rollback": "1:2", "mend_confirm_run": "0" * 16, "mend_take_back": "3"}  # fmt: skip


def click(stage: Stage, action_id: str, user: str) -> Body:
    approved = action_id == "mend_take_back"
    view = {"id": "V1", "type": "modal", "callback_id": "mend_review", "blocks": [], "state": {"values": {}},
            "private_metadata": json.dumps({"skipped": [], "approved": approved})}  # fmt: skip
    in_message = action_id in FOR_MEMBERS - {"mend_withdraw_case"} or "confirm" in action_id or "cancel" in action_id
    container = {"type": "message", "message_ts": ANSWER_TS, "channel_id": "C1", "thread_ts": "1.0"}
    action = {"type": "button", "action_id": action_id, "block_id": "b", "value": values(stage.db).get(action_id, "1")}
    where = {"container": container, "channel": {"id": "C1"}} if in_message else {"view": view}
    return {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": user, "team_id": "T1"}, "actions": [action],
            "trigger_id": f"{action_id}-{user}", "response_url": stage.hook, **where}  # fmt: skip


def submission(callback_id: str, user: str) -> Body:
    about = {"case": 1, "root": "V0", "skipped": [], "channel": "C1", "ts": ANSWER_TS, "thread_ts": "1.0", "shown": "0"}
    state = {"values": {"text": {"text": {"type": "plain_text_input", "value": "I am Max."}}}}
    view = {"id": f"{callback_id}-{user}", "type": "modal", "callback_id": callback_id, "state": state,
            "private_metadata": json.dumps(about)}  # fmt: skip
    return {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": user, "team_id": "T1"}, "view": view,
            "trigger_id": f"{callback_id}-{user}"}  # fmt: skip


def command(stage: Stage, word: str, user: str) -> Body:
    text = f"undo <@{MIA}>" if word == "undo" else word
    return {"command": "/mend", "text": text, "team_id": "T1", "channel_id": "C1", "user_id": user,
            "trigger_id": f"{word}-{user}", "response_url": stage.hook}  # fmt: skip


async def refused(stage: Stage, body: Body, caplog: pytest.LogCaptureFixture) -> str:
    """Deliver what has to be refused; all that its person is told."""
    before, calls = snapshot(stage.db), len(stage.slack.calls)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        if body.get("type") == "view_submission":
            reply = await stage.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
            told = str(reply.body or "")
        else:
            told = ""
        await deliver(stage.app, body)
    assert snapshot(stage.db) == before
    actions = {getattr(record, "action", "") for record in caplog.records}
    assert actions & {"admin_denied", "teaching_denied"} and "listener_crashed" not in actions
    return told + str(stage.slack.calls[calls:])


@pytest.mark.parametrize("action_id", sorted(FOR_ADMINS))
async def test_an_admins_button_is_for_admins(stage: Stage, caplog: pytest.LogCaptureFixture, action_id: str) -> None:
    for user in NO_ADMINS:
        assert "only my admins may" in await refused(stage, click(stage, action_id, user), caplog)


@pytest.mark.parametrize("action_id", sorted(FOR_MEMBERS))
async def test_a_members_button_is_for_members(stage: Stage, caplog: pytest.LogCaptureFixture, action_id: str) -> None:
    for user, polite in NO_MEMBERS.items():
        assert polite in await refused(stage, click(stage, action_id, user), caplog)


@pytest.mark.parametrize("callback_id", sorted(ADMIN_WINDOWS))
async def test_an_admins_window_is_for_admins(stage: Stage, caplog: pytest.LogCaptureFixture, callback_id: str) -> None:
    for user in NO_ADMINS:
        assert "only my admins may" in await refused(stage, submission(callback_id, user), caplog)


@pytest.mark.parametrize("word", sorted(ADMIN_COMMANDS))
async def test_an_admins_command_is_for_admins(stage: Stage, caplog: pytest.LogCaptureFixture, word: str) -> None:
    for user in NO_ADMINS:
        assert "only my admins may" in await refused(stage, command(stage, word, user), caplog)


async def test_corrections_and_reactions_are_for_members(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    for user, polite in NO_MEMBERS.items():
        assert polite in await refused(stage, submission("mend_correction", user), caplog)
        event = {"type": "reaction_added", "user": user, "reaction": "-1", "item_user": by_hand.BOT,
                 "item": {"type": "message", "channel": "C1", "ts": ANSWER_TS}}  # fmt: skip
        body = {"type": "event_callback", "team_id": "T1", "event_id": f"Ev-{user}", "event": event,
                "authorizations": [{"team_id": "T1", "user_id": by_hand.BOT, "is_bot": True}]}  # fmt: skip
        assert polite in await refused(stage, body, caplog)


async def test_the_same_requests_of_an_admin_are_carried_out(stage: Stage) -> None:
    """Or the refusals above would prove nothing."""
    for action_id in ("mend_cancel_run", "mend_confirm_rollback", "mend_take_back", "mend_approve"):
        before = snapshot(stage.db)
        await deliver(stage.app, click(stage, action_id, ADA))
        assert snapshot(stage.db) != before, action_id
    before = snapshot(stage.db)
    await deliver(stage.app, command(stage, "undo", ADA))
    assert snapshot(stage.db) != before


async def test_guests_teach_where_that_is_switched_on(story_settings: Settings, db: Database) -> None:
    with db.begin() as session:
        make_answer(session)
    async with making_parts(with_slack(story_settings, guests_may_teach=True)) as (parts, fake):
        handle = fake.handle

        def as_guest(method: str, args: Body) -> Body:
            if method == "users.info":
                return {"user": {"id": args["user"], "team_id": "T1", "is_restricted": True}}
            return handle(method, args)

        fake.handle = as_guest  # type: ignore[method-assign]
        await deliver(build_app(parts, Listening()), submission("mend_correction", GUS))
    with db.begin() as session:
        assert [case.correction for case in session.scalars(select(Case))] == ["I am Max."]
        assert answers.find(session, "T1", "C1", ANSWER_TS) is not None
