"""Clicks: thumbs, the buttons of private notes and of news, the review window, the run's message, App Home."""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import case_blocks, home, modals, run_blocks
from bot.blocks import FEEDBACK, UP
from bot.listeners.events import publish_home
from bot.parts import Parts
from bot.permissions import Denied
from bot.private import whisper
from bot.reviewing import FORGETFUL
from bot.spot import Body, of_click, value_of
from bot.voting import Ballot
from feedback.database import DatabaseUnavailable
from feedback.states import VoteValue


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of clicks."""
    _register_votes(app, parts)
    _register_news(app, parts)
    _register_review(app, parts)
    _register_home(app, parts)

    async def on_anything_else(ack: AsyncAck) -> None:
        await ack()

    app.action(re.compile(".*"))(on_anything_else)


def _user(body: Body) -> str:
    return str(body["user"]["id"])


def _delivery(body: Body) -> str:
    """Tells a click from the same click sent again."""
    return f"click:{body['trigger_id']}"


def _register_votes(app: AsyncApp, parts: Parts) -> None:
    async def on_thumb(ack: AsyncAck, body: Body) -> None:
        await ack()
        spot, user = of_click(body), _user(body)
        value = VoteValue.UP if value_of(body) == UP else VoteValue.DOWN
        if value is VoteValue.DOWN:  # the window first: what opens it is good for three seconds only
            shown = str((body.get("message") or {}).get("text") or "")
            if not await parts.correcting.open(body["trigger_id"], user, spot, shown=shown):
                return
        await parts.voting.vote(Ballot(spot, user, value, _delivery(body)))

    async def on_correct(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.correcting.open(body["trigger_id"], _user(body), of_click(body), answer_id=int(value_of(body)))

    async def on_withdraw(ack: AsyncAck, body: Body) -> None:
        await ack()
        answer_id, _, value = value_of(body).partition(":")
        ballot = Ballot(of_click(body), _user(body), VoteValue(value), _delivery(body), withdrawn=True)
        await parts.voting.take_back(int(answer_id), VoteValue(value), ballot)

    app.action(re.compile(rf"^{FEEDBACK}"))(on_thumb)
    app.action(case_blocks.CORRECT)(on_correct)
    app.action(case_blocks.WITHDRAW_VOTE)(on_withdraw)


def _register_news(app: AsyncApp, parts: Parts) -> None:
    async def on_ask_again(ack: AsyncAck, body: Body) -> None:
        await ack()
        team = str((body["user"].get("team_id")) or parts.me.team_id)
        await parts.asking_again.ask(int(value_of(body)), _user(body), team, _delivery(body))

    async def on_still_wrong(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.correcting.reopen(body["trigger_id"], _user(body), of_click(body), int(value_of(body)))

    async def on_cancel(ack: AsyncAck, body: Body) -> None:
        await ack()
        try:
            said = await parts.retraining.cancel(_user(body), int(value_of(body)))
        except Denied as denied:
            said = str(denied)
        await whisper(parts.client, of_click(body).ear(_user(body)), said)

    app.action(case_blocks.ASK_AGAIN)(on_ask_again)
    app.action(case_blocks.STILL_WRONG)(on_still_wrong)
    app.action(run_blocks.CANCEL_RUN)(on_cancel)


def _register_review(app: AsyncApp, parts: Parts) -> None:
    async def on_review(ack: AsyncAck, body: Body) -> None:
        await ack()
        user, view = _user(body), body["view"]
        named, _, shown = value_of(body).partition(":")
        case_id = int(named)
        action, about = body["actions"][0]["action_id"], modals.read(view)
        try:
            if action in {modals.REVISE, modals.TURN_DOWN}:
                case = await parts.reviewing.case(user, case_id)
                window = modals.edit if action == modals.REVISE else modals.reject
                pushed = window(case, {"case": case_id, "root": view["id"], **about})
                await parts.client.views_push(trigger_id=body["trigger_id"], view=pushed)
                return
            notice = ""
            if action == modals.APPROVE:
                notice = await parts.reviewing.approve(user, case_id, shown, _delivery(body))
            skipped = [*about["skipped"], case_id] if action == modals.SKIP else about["skipped"]
            following = await parts.reviewing.window(user, skipped, notice)
        except Denied as denied:
            following = modals.notice("Review", str(denied))
        except DatabaseUnavailable:
            following = modals.with_notice(view, FORGETFUL)
        await parts.client.views_update(view_id=view["id"], view=following)

    for action_id in modals.REVIEW_ACTIONS:
        app.action(action_id)(on_review)


def _register_home(app: AsyncApp, parts: Parts) -> None:
    async def on_open_review(ack: AsyncAck, body: Body) -> None:
        await ack()
        await open_review(parts, body["trigger_id"], _user(body))

    async def on_start_run(ack: AsyncAck, body: Body) -> None:
        await ack()
        user = _user(body)
        try:
            said = await parts.retraining.retrain(user, parts.settings.slack.record_channel or user, _delivery(body))
        except Denied as denied:
            said = str(denied)
        await parts.client.views_open(trigger_id=body["trigger_id"], view=modals.notice("Retrain", said))
        await publish_home(parts, user)

    async def on_withdraw_case(ack: AsyncAck, body: Body) -> None:
        await ack()
        await parts.correcting.withdraw(_user(body), int(value_of(body)))
        await publish_home(parts, _user(body))

    app.action(home.OPEN_REVIEW)(on_open_review)
    app.action(home.START_RUN)(on_start_run)
    app.action(case_blocks.WITHDRAW_CASE)(on_withdraw_case)


async def open_review(parts: Parts, trigger_id: str, user: str) -> None:
    """Open the review window on the first case that waits."""
    view: dict[str, Any]
    try:
        view = await parts.reviewing.window(user)
    except DatabaseUnavailable:
        view = modals.notice("Review", FORGETFUL)
    except Denied as denied:
        view = modals.notice("Review", str(denied))
    await parts.client.views_open(trigger_id=trigger_id, view=view)
