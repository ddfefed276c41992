"""Asking Slack who somebody is. Every command, click and submission asks; when Slack does not answer, it is a no."""

import logging
import time
from dataclasses import dataclass, replace

from slack_sdk.web.async_client import AsyncWebClient

from bot.limits import Clock
from bot.people import SHARED, UNKNOWN_TO_US, Me, Standing, judge
from bot.slack_errors import REFUSALS, code
from feedback.models import Answer
from feedback.votes import Person
from settings import SlackSettings

log = logging.getLogger(__name__)

STANDING_KEPT = 30.0  # seconds; so long can somebody who is no longer an admin still act as one
GROUP_KEPT = 300.0


class Denied(Exception):
    """Somebody may not do what they asked for; the message is for them, in mrkdwn that is ours.

    ``plain`` is the same for where Slack draws no mention of anybody, such as at a field of a window.
    """

    def __init__(self, mrkdwn: str, plain: str = "") -> None:
        super().__init__(mrkdwn)
        self.plain = plain or mrkdwn


class Unchecked(Denied):
    """Nobody knows whether they may: Slack did not say who they are."""

    def __init__(self) -> None:
        super().__init__(UNKNOWN_TO_US)


@dataclass(frozen=True)
class _Kept:
    until: float
    standing: Standing


class Permissions:
    """Standings, kept for seconds."""

    def __init__(self, client: AsyncWebClient, me: Me, settings: SlackSettings, clock: Clock = time.monotonic) -> None:
        self._client, self._me, self._settings, self._clock = client, me, settings, clock
        self._standings: dict[str, _Kept] = {}
        self._group: frozenset[str] = frozenset()
        self._group_until = 0.0

    async def standing(self, user_id: str) -> Standing:
        """What a user may do."""
        now = self._clock()
        self._standings = {user: kept for user, kept in self._standings.items() if kept.until > now}
        if kept := self._standings.get(user_id):
            return kept.standing
        try:
            user = (await self._client.users_info(user=user_id))["user"]
        except REFUSALS as error:
            log.warning("standing unknown", extra={"action": "standing_unknown", "error": code(error) or repr(error)})
            return Standing(Person(self._me.home, user_id), False, False, UNKNOWN_TO_US)
        group = await self._admin_group()
        found = judge(user, self._me, self._settings, group or ())
        if group is None and not found.is_admin:
            return replace(found, group_unknown=True)
        self._standings[user_id] = _Kept(now + STANDING_KEPT, found)
        return found

    async def teacher(self, user_id: str) -> Person:
        """The person behind a user who may flag and correct.

        Raises:
            Denied: they may not.
        """
        standing = await self.standing(user_id)
        _refuse_unknown(standing)
        if not standing.may_teach:
            log.info("denied", extra={"action": "teaching_denied", "person": str(standing.person)})
            raise Denied(standing.why_not)
        return standing.person

    def place(self, answer: Answer) -> None:
        """See to it that something may be taught where an answer was given.

        Raises:
            Denied: people of another organisation are there, and that is not switched on.
        """
        if answer.shared and not self._settings.shared_channels_may_teach:
            log.info("denied", extra={"action": "shared_channel_denied", "answer_id": answer.id})
            raise Denied(SHARED)

    async def admin(self, user_id: str, what: str) -> Person:
        """The person behind a user who may ``what`` (for the refusal: "Only my admins may ...").

        Raises:
            Denied: they are no admin.
        """
        standing = await self.standing(user_id)
        _refuse_unknown(standing)
        if standing.group_unknown:
            raise Unchecked
        if not standing.is_admin:
            log.info("denied", extra={"action": "admin_denied", "person": str(standing.person), "what": what})
            no = f"Sorry, only my admins may {what}."
            raise Denied(no + _who(self._settings), no)
        return standing.person

    async def _admin_group(self) -> frozenset[str] | None:
        """Who is in the group of admins; None: Slack does not say, so that nobody is for being in it."""
        if self._settings.admin_group and self._clock() >= self._group_until:
            try:
                users = (await self._client.usergroups_users_list(usergroup=self._settings.admin_group))["users"]
            except REFUSALS as error:
                log.warning("group unknown", extra={"action": "group_unknown", "error": code(error) or repr(error)})
                return None
            self._group, self._group_until = frozenset(users), self._clock() + GROUP_KEPT
        return self._group


def _refuse_unknown(standing: Standing) -> None:
    if standing.why_not == UNKNOWN_TO_US:
        raise Unchecked


def _who(settings: SlackSettings) -> str:
    names = " ".join(f"<@{user_id}>" for user_id in settings.admins[:3])
    return f" You can ask {names}." if names else ""
