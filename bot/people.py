"""Who somebody is to Mend, judged from Slack's own record of them. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from feedback.votes import Person
from settings import SlackSettings

User = dict[str, Any]


@dataclass(frozen=True)
class Me:
    """The bot itself, as auth.test names it."""

    user_id: str
    team_id: str
    enterprise_id: str = ""

    @property
    def home(self) -> str:
        """The organisation, or the workspace where there is none: the first half of every ``Person``."""
        return self.enterprise_id or self.team_id


@dataclass(frozen=True)
class Standing:
    """What a person may do. ``why_not`` is a polite sentence for somebody who may not teach.

    ``group_unknown``: Slack did not say whether they are in the group of admins.
    """

    person: Person
    may_teach: bool
    is_admin: bool
    why_not: str = ""
    group_unknown: bool = False


UNKNOWN_TO_US = "I could not check who you are just now, so I left everything as it is. Please try again in a minute."
NOT_A_PERSON = "Only people can teach me."
NOT_A_MEMBER = "Thank you for telling me. I may only learn from members of this workspace, so I have not kept it."
SHARED = (
    "Thank you for telling me. People of another organisation are in this channel, so I keep nothing here that I would"
    " learn from. You can tell me in a channel of our own."
)


def judge(user: User, me: Me, settings: SlackSettings, group: Collection[str]) -> Standing:
    """Decide from a user object of users.info. What is not known for sure is a no."""
    enterprise = user.get("enterprise_user") or {}
    team = str(user.get("team_id") or "")
    home = str(enterprise.get("enterprise_id") or user.get("enterprise_id") or team)
    person = Person(home, str(user.get("id") or ""))
    if user.get("deleted") or user.get("is_bot") or user.get("bot_id") or user.get("id") in {None, "", "USLACKBOT"}:
        return Standing(person, False, False, NOT_A_PERSON)
    outside = user.get("is_stranger") or not team or (team != me.team_id and home != me.home)
    guest = user.get("is_restricted") or user.get("is_ultra_restricted")
    if outside or guest:
        return Standing(person, settings.guests_may_teach, False, "" if settings.guests_may_teach else NOT_A_MEMBER)
    return Standing(person, True, _is_admin(user, enterprise, settings, group))


def _is_admin(user: User, enterprise: User, settings: SlackSettings, group: Collection[str]) -> bool:
    if user["id"] in settings.admins or user["id"] in group:
        return True
    flags = ("is_admin", "is_owner", "is_primary_owner")
    return settings.workspace_admins and any(user.get(flag) or enterprise.get(flag) for flag in flags)
