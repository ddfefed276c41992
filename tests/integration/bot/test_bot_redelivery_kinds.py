"""Redelivery of the kinds of event that test_bot_redelivery.py's story does not reach: three times each, in any order.

One story is of a case that is rewritten by an admin, mended, asked again and found still wrong; the other of one that
is turned down and taken back.
"""

import asyncio
import json
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.app import build_app
from bot.case_blocks import fingerprint
from bot.listening import Listening
from feedback.database import Database
from feedback.models import Answer, Case
from feedback.states import CaseStatus
from settings import Settings
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.bot.test_bot_redelivery import ADA, MIA, Body, Story, deliver, making_parts, snapshot
from tests.integration.bot.test_bot_redelivery import story_settings as story_settings


class Kinds(Story):
    """The same people and questions; the bodies of further kinds."""

    NAMES: ClassVar[tuple[str, ...]]
    ENDS: ClassVar[CaseStatus]

    def _case(self, db: Database) -> Case:
        with db.begin() as session:
            return session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()

    def _click(self, name: str, action_id: str, value: str, db: Database, user: str = MIA) -> Body:
        ts = self._answer_ts(db)
        action = {"type": "button", "action_id": action_id, "block_id": "b", "value": value}
        container = {"type": "message", "message_ts": ts, "channel_id": "C1", "thread_ts": self.ts}
        message = {"ts": ts, "text": "x", "thread_ts": self.ts}
        return self._interaction(name, user, type="block_actions", actions=[action], container=container,
                                 channel={"id": "C1"}, message=message)  # fmt: skip

    def _decision(self, name: str, callback_id: str, words: str, db: Database) -> Body:
        about = {"case": self._case(db).id, "root": f"R{self.number}", "skipped": []}
        view = {"id": f"{name}{self.number}", "type": "modal", "callback_id": callback_id,
                "private_metadata": json.dumps(about),
                "state": {"values": {"text": {"text": {"type": "plain_text_input", "value": words}}}}}  # fmt: skip
        return self._interaction(name, ADA, type="view_submission", view=view)

    def _deleted(self, db: Database) -> Body:
        old = {"user": MIA, "ts": f"{self.number}.9", "text": "something else"}
        return self._event("deleted", type="message", subtype="message_deleted", channel="C1", channel_type="channel",
                           previous_message=old, deleted_ts=old["ts"], ts=f"{self.number}.91")  # fmt: skip

    def _private(self, db: Database) -> Body:
        return self._event("private", type="message", channel_type="group", user=MIA, channel="G1",
                           ts=f"{self.number}.8", text="among ourselves")  # fmt: skip

    def _context(self, db: Database) -> Body:
        return self._event("context", type="app_context_changed", user=MIA, channel="D1", context={"entities": []})

    def _pane(self, db: Database) -> Body:
        return self._event("pane", type="app_home_opened", user=MIA, channel="D1", tab="messages")

    def _older_view(self, db: Database) -> Body:
        thread = {"user_id": MIA, "context": {}, "channel_id": "D1", "thread_ts": f"{self.number}.7"}
        return self._event("older", type="assistant_thread_started", assistant_thread=thread)

    def _thumb_down(self, db: Database) -> Body:
        body = self._thumb_up(db)
        return {**body, "trigger_id": f"down-{self.number}", "actions": [{**body["actions"][0], "value": "down"}]}

    def _closed(self, db: Database) -> Body:
        about = {"channel": "C1", "ts": self._answer_ts(db), "thread_ts": self.ts, "answer": None, "thumb": True}
        view = {"id": f"C{self.number}", "type": "modal", "callback_id": "mend_correction",
                "private_metadata": json.dumps(about), "state": {"values": {}}}  # fmt: skip
        return self._interaction("closed", MIA, type="view_closed", view=view, is_cleared=False)

    def _write(self, db: Database) -> Body:
        return self._click("write", "mend_correct", str(self._case(db).answer_id), db)

    def _revise(self, db: Database) -> Body:
        return self._decision("revise", "mend_edit", f"revised {self.number}", db)

    def _reject(self, db: Database) -> Body:
        return self._decision("reject", "mend_reject", "That is not so.", db)

    def _ask_again(self, db: Database) -> Body:
        """The click comes under the news that the case is mended; a training is not part of this story."""
        with db.begin() as session:
            session.get_one(Case, self._case(db).id).status = CaseStatus.MENDED
        return self._click("again", "mend_ask_again", str(self._case(db).id), db)

    def _still_wrong(self, db: Database) -> Body:
        return self._click("still", "mend_still_wrong", str(self._case(db).id), db)

    def _reopened(self, db: Database) -> Body:
        body = self._correction(db)
        values = {"text": {"text": {"type": "plain_text_input", "value": f"again {self.number}"}}}
        about = {**json.loads(body["view"]["private_metadata"]), "seen": fingerprint(self._case(db))}
        view = {**body["view"], "id": f"W{self.number}", "private_metadata": json.dumps(about),
                "state": {"values": values}}  # fmt: skip
        return {**body, "trigger_id": f"reopened-{self.number}", "view": view}

    def _vote_taken_back(self, db: Database) -> Body:
        return self._click("vote-back", "mend_withdraw_vote", f"{self._case(db).answer_id}:down", db)

    def _case_taken_back(self, db: Database) -> Body:
        return self._click("case-back", "mend_withdraw_case", str(self._case(db).id), db)

    def _cancel(self, db: Database) -> Body:
        return self._command("cancel")

    def _status(self, db: Database) -> Body:
        return self._command("status")


class Reopened(Kinds):
    NAMES = ("mention", "context", "pane", "older_view", "thumb_down", "write", "correction", "deleted", "private",
             "revise", "ask_again", "still_wrong", "reopened", "cancel", "status")  # fmt: skip
    ENDS = CaseStatus.CORRECTED


class TakenBack(Kinds):
    NAMES = ("mention", "thumb_down", "closed", "correction", "reject", "vote_taken_back", "status")
    ENDS = CaseStatus.REJECTED


class Withdrawn(Kinds):
    NAMES = ("mention", "thumb_down", "correction", "case_taken_back", "reaction_gone")
    ENDS = CaseStatus.WITHDRAWN


@pytest.mark.parametrize("kind", [Reopened, TakenBack, Withdrawn])
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(again=st.data())
def test_every_kind_counts_once(
    again: st.DataObject, story_settings: Settings, db: Database, model: StandInModel, kind: type[Kinds]
) -> None:
    model.pace = 0.0
    order: list[str] = []
    for name in kind.NAMES:
        order.append(name)
        order += again.draw(st.lists(st.sampled_from(order), max_size=3), label=f"sent again after {name}")
    order += again.draw(st.permutations(list(kind.NAMES) * 2), label="all of them twice more")

    async def tell() -> None:
        async with making_parts(story_settings) as (parts, slack):
            app, story = build_app(parts, Listening()), kind(slack)
            seen: set[str] = set()
            for name in order:
                body = story.body(name, db)
                before = state(db, slack.messages)
                await deliver(app, body)
                if name in seen:
                    assert state(db, slack.messages) == before, f"{name} counted twice"
                seen.add(name)
            with db.begin() as session:
                case = session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()
                answered = session.scalars(select(Answer.id).where(Answer.thread_ts == story.ts)).all()
            assert case.status is kind.ENDS
            assert len(answered) == (2 if "ask_again" in kind.NAMES else 1)

    asyncio.run(tell())


def state(db: Database, messages: dict[Any, Any]) -> tuple[dict[str, Any], dict[Any, Any]]:
    return snapshot(db, 0), dict(messages)
