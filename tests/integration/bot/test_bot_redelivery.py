"""Slack sends again what it is unsure of. Whatever comes three times, in whatever order, counts once."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from bot.app import build_app
from bot.boot import make_client
from bot.case_blocks import fingerprint
from bot.listening import Listening
from bot.parts import Parts, wire
from bot.people import Me
from bot.rhythm import Rhythm
from feedback import pauses, previews, runs
from feedback.database import Database
from feedback.models import Answer, AnswerMessage, Case, Event, Run, Vote
from feedback.persona import load_persona
from feedback.states import AnswerStatus, CaseStatus, RunStatus
from settings import DatabaseSettings, RedisSettings, ServingSettings, Settings, SlackSettings
from tests.integration.bot.conftest import NOWHERE, PERSONA, with_slack
from tests.integration.bot.stand_in_model import StandInModel
from tests.unit.bot.fakes import FakeSlack

Body = dict[str, Any]
BOT, MIA, ADA = "UBOT", "UMIA", "UADA"
NUMBERS = itertools.count(1)


class Story:
    """The deliveries of one story; those of an answer's message are written when it is known."""

    NAMES = ("mention", "message", "thumb_up", "reaction", "correction", "edit", "reaction_gone", "retrain",
             "confirm", "approve", "direct", "pause", "resume", "rollback", "home")  # fmt: skip

    def __init__(self, slack: FakeSlack) -> None:
        self.number = next(NUMBERS)
        self.ts = f"{self.number}.100000"
        self._slack = slack
        self._made: dict[str, Body] = {}

    def body(self, name: str, db: Database) -> Body:
        """The same body each time it is asked for."""
        if name not in self._made:
            self._made[name] = getattr(self, f"_{name}")(db)
        return self._made[name]

    def _event(self, name: str, **event: Any) -> Body:
        return {"type": "event_callback", "team_id": "T1", "event_id": f"Ev-{name}-{self.number}", "event": event,
                "authorizations": [{"team_id": "T1", "user_id": BOT, "is_bot": True}]}  # fmt: skip

    def _mention(self, db: Database) -> Body:
        text = f"<@{BOT}> question {self.number}"
        return self._event("mention", type="app_mention", user=MIA, channel="C1", ts=self.ts, text=text)

    def _message(self, db: Database) -> Body:
        text = f"<@{BOT}> question {self.number}"
        event = {
            "type": "message",
            "channel_type": "channel",
            "user": MIA,
            "channel": "C1",
            "ts": self.ts,
            "text": text,
        }
        return self._event("message", **event)

    def _direct(self, db: Database) -> Body:
        event = {"type": "message", "channel_type": "im", "user": MIA, "channel": "D1", "ts": self.ts, "text": "hello"}
        return self._event("direct", **event)

    def _edit(self, db: Database) -> Body:
        old = {"user": MIA, "ts": self.ts, "text": f"<@{BOT}> question {self.number}"}
        new = old | {"text": f"<@{BOT}> other question {self.number}"}
        event = {"type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel",
                 "message": new, "previous_message": old, "ts": f"{self.number}.2"}  # fmt: skip
        return self._event("edit", **event)

    def _answer_ts(self, db: Database) -> str:
        with db.begin() as session:
            query = select(AnswerMessage.ts).join(Answer, Answer.id == AnswerMessage.answer_id)
            return session.scalars(query.where(Answer.question_ts == self.ts, Answer.channel_id == "C1")).one()

    def _reaction(self, db: Database, kind: str = "reaction_added") -> Body:
        item = {"type": "message", "channel": "C1", "ts": self._answer_ts(db)}
        return self._event(kind, type=kind, user=MIA, reaction="-1::skin-tone-2", item_user=BOT, item=item)

    def _reaction_gone(self, db: Database) -> Body:
        return self._reaction(db, "reaction_removed")

    def _home(self, db: Database) -> Body:
        return self._event("home", type="app_home_opened", user=MIA, channel="D1", tab="home")

    def _interaction(self, name: str, user: str, **more: Any) -> Body:
        return {
            "team": {"id": "T1"},
            "user": {"id": user, "team_id": "T1"},
            "trigger_id": f"{name}-{self.number}",
            **more,
        }

    def _thumb_up(self, db: Database) -> Body:
        ts = self._answer_ts(db)
        action = {"type": "feedback_buttons", "action_id": "mend_feedback", "block_id": "b", "value": "up"}
        container = {"type": "message", "message_ts": ts, "channel_id": "C1", "thread_ts": self.ts}
        message = {"ts": ts, "text": "x", "thread_ts": self.ts}
        return self._interaction("up", MIA, type="block_actions", actions=[action], container=container,
                                 channel={"id": "C1"}, message=message)  # fmt: skip

    def _correction(self, db: Database) -> Body:
        where = f'{{"channel": "C1", "ts": "{self._answer_ts(db)}", "thread_ts": "{self.ts}"}}'
        values = {"text": {"text": {"type": "plain_text_input", "value": f"correction {self.number}"}}}
        view = {"id": f"V{self.number}", "type": "modal", "callback_id": "mend_correction", "private_metadata": where,
                "state": {"values": values}}  # fmt: skip
        return self._interaction("correct", MIA, type="view_submission", view=view)

    def _approve(self, db: Database) -> Body:
        with db.begin() as session:
            case = session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()
        action = {"type": "button", "action_id": "mend_approve", "block_id": "b",
                  "value": f"{case.id}:{fingerprint(case)}"}  # fmt: skip
        view = {"id": f"R{self.number}", "type": "modal", "callback_id": "mend_review",
                "private_metadata": '{"skipped": []}', "blocks": [], "state": {"values": {}}}  # fmt: skip
        container = {"type": "view", "view_id": view["id"]}
        return self._interaction("approve", ADA, type="block_actions", actions=[action], view=view, container=container)

    def _command(self, word: str) -> Body:
        return {"command": "/mend", "text": word, "team_id": "T1", "channel_id": "C1", "user_id": ADA,
                "trigger_id": f"{word}-{self.number}", "response_url": "http://127.0.0.1:1/"}  # fmt: skip

    def _retrain(self, db: Database) -> Body:
        return self._command("retrain")

    def _confirm(self, db: Database) -> Body:
        """The click on the preview, as it stood when it was drawn."""
        with db.begin() as session:
            shown = previews.read(session, "pip", str(Settings().serving.base_model)).shown
        action = {"type": "button", "action_id": "mend_confirm_run", "block_id": "b", "value": shown}
        container = {"type": "message", "message_ts": f"{self.number}.7", "channel_id": "C1", "is_ephemeral": True}
        return self._interaction("confirm", ADA, type="block_actions", actions=[action], container=container,
                                 channel={"id": "C1"}, response_url="http://127.0.0.1:1/")  # fmt: skip

    def _pause(self, db: Database) -> Body:
        return self._command("pause")

    def _resume(self, db: Database) -> Body:
        return self._command("resume")

    def _rollback(self, db: Database) -> Body:
        return self._command("rollback")


def users_info(slack: FakeSlack) -> None:
    original = slack.handle

    def handle(method: str, args: Body) -> Body:
        if method == "users.info":
            return {"user": {"id": args["user"], "team_id": "T1"}}
        return original(method, args)

    slack.handle = handle  # type: ignore[method-assign]


async def deliver(app: AsyncApp, body: Body) -> None:
    """Hand a body to Bolt and wait for all that it starts."""
    before = asyncio.all_tasks()
    response = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
    assert response.status == 200
    while started := {task for task in asyncio.all_tasks() - before if not _serves_http(task)}:
        await asyncio.wait(started)


def _serves_http(task: asyncio.Task[Any]) -> bool:
    """The fake's own connections stay open between two calls."""
    return "RequestHandler" in getattr(task.get_coro(), "__qualname__", "")


def snapshot(db: Database, since: int) -> dict[str, Any]:
    """What the record holds of this story, and how it looks to people."""
    with db.begin() as session:
        return {
            "answers": [(a.question, a.status, a.text) for a in session.scalars(select(Answer).order_by(Answer.id))][
                since:
            ],
            "votes": [(v.user_id, v.value) for v in session.scalars(select(Vote).order_by(Vote.id))],
            "cases": [(c.status, c.correction) for c in session.scalars(select(Case).order_by(Case.id))],
            "runs": [(r.status, r.requested_by) for r in session.scalars(select(Run).order_by(Run.id))],
            "events": len(list(session.scalars(select(Event.id)))),
        }


@pytest.fixture
def story_settings(model: StandInModel, database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        slack=SlackSettings(bot_token="xoxb-fake", admins=[ADA]),
        database=DatabaseSettings(url=database_url),
        redis=RedisSettings(url=NOWHERE),
        serving=ServingSettings(urls=[model.url], device="cuda"),
    )


async def answer_over_http(slack: FakeSlack, request: web.Request) -> web.Response:
    """Bolt gives every listener a client of its own, so the fake has to be reached by address."""
    args: Body = dict(request.query)
    if request.content_type == "application/json":
        args |= await request.json()
    else:
        args |= {
            key: json.loads(value) if value[:1] in "[{" else value for key, value in (await request.post()).items()
        }
    try:
        return web.json_response({"ok": True, **slack.handle(request.match_info["method"], args)})
    except SlackApiError as error:
        return web.json_response(error.response.data)


@asynccontextmanager
async def making_parts(story_settings: Settings) -> AsyncIterator[tuple[Parts, FakeSlack]]:
    slack = FakeSlack(first_ts=1000 * next(NUMBERS))
    slack.replies["auth.test"] = {"user_id": BOT, "team_id": "T1", "bot_id": "B1", "url": "", "team": "", "user": ""}
    users_info(slack)
    persona = load_persona(PERSONA / "persona.yaml")
    http = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return await answer_over_http(slack, request)

    http.router.add_route("*", "/api/{method}", answer)
    async with TestServer(http) as server, aiohttp.ClientSession() as session:
        here = with_slack(story_settings, api_url=str(server.make_url("/api/")))
        parts = wire(here, Me(BOT, "T1"), persona, make_client(here.slack, session), Rhythm())
        yield parts, slack
        await parts.close()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(again=st.data())
def test_what_comes_three_times_counts_once(
    again: st.DataObject, story_settings: Settings, db: Database, model: StandInModel
) -> None:
    model.pace = 0.0
    order: list[str] = []
    for name in Story.NAMES:
        order.append(name)
        copies = again.draw(st.lists(st.sampled_from(order), max_size=3), label=f"sent again after {name}")
        order += copies
    order += again.draw(st.permutations(list(Story.NAMES)), label="all of them once more")

    async def tell() -> None:
        async with making_parts(story_settings) as (parts, slack):
            await tell_to(build_app(parts, Listening()), Story(slack), slack)

    async def tell_to(app: AsyncApp, story: Story, slack: FakeSlack) -> None:
        seen: set[str] = set()
        before: dict[str, Any] = {}
        for name in order:
            if name in seen:
                before = snapshot(db, 0), dict(slack.messages)  # type: ignore[assignment]
            await deliver(app, story.body(name, db))
            if name in seen:
                assert (snapshot(db, 0), dict(slack.messages)) == before, f"{name} counted twice"
            seen.add(name)
        check(story)

    def check(story: Story) -> None:
        with db.begin() as session:
            asked = list(session.scalars(select(Answer).where(Answer.question_ts == story.ts)))
            assert sorted(one.question for one in asked) == ["hello", f"question {story.number}"]
            assert {one.status for one in asked} == {AnswerStatus.ANSWERED}
            case = session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()
            assert case.correction == f"correction {story.number}"
            votes = session.scalars(select(Vote.value).join(Answer).where(Answer.question_ts == story.ts))
            assert list(votes) == []
            run = runs.active(session, "pip")
            assert run is not None
            assert case.status is CaseStatus.APPROVED
            assert pauses.current(session, "pip") is None
            runs.close(session, run.id, RunStatus.CANCELLED)

    asyncio.run(tell())
