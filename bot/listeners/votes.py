"""Thumbs by button, and taking one back."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.blocks import DOWN, FEEDBACK, UP
from bot.case_blocks import WITHDRAW_VOTE
from bot.correcting import Opened
from bot.parts import Parts
from bot.spot import Body, delivery_of, note_of, of_click, time_of, user_of, value_of
from bot.voting import Ballot
from feedback.states import VoteValue

THUMBS = {UP: VoteValue.UP, DOWN: VoteValue.DOWN}


def register(app: AsyncApp, parts: Parts) -> None:
    """Routes of votes."""

    async def on_thumb(ack: AsyncAck, body: Body) -> None:
        await ack()
        spot, user = of_click(body), user_of(body)
        value = THUMBS.get(value_of(body))
        if value is None:  # no button of ours
            return
        if value is VoteValue.DOWN:  # the window first: what opens it is good for three seconds only
            shown = str((body.get("message") or {}).get("text") or "")
            if not await parts.correcting.open(body["trigger_id"], user, spot, Opened(shown=shown, thumb=True)):
                return
        ballot = Ballot(spot, user, value, delivery_of(body), clicked=True, at=time_of(body))
        await parts.voting.vote(ballot, quiet=value is VoteValue.DOWN)

    async def on_withdraw(ack: AsyncAck, body: Body) -> None:
        await ack()
        answer_id, _, value = value_of(body).partition(":")
        ballot = Ballot(
            of_click(body), user_of(body), VoteValue(value), delivery_of(body), withdrawn=True, at=time_of(body)
        )
        await parts.voting.take_back(int(answer_id), VoteValue(value), ballot, note_of(body))

    app.action(re.compile(rf"^{FEEDBACK}"))(on_thumb)
    app.action(WITHDRAW_VOTE)(on_withdraw)
