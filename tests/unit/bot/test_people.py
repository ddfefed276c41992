"""Who may do what: what is not known for sure is a no."""

from typing import Any

import pytest

from bot.people import Me, judge
from bot.permissions import Denied, Permissions, Unchecked
from bot.private import Ear, whisper
from settings import SlackSettings
from tests.unit.bot.fakes import FakeSlack, slack_error

ME = Me("UBOT", "T1")


def user(**more: Any) -> dict[str, Any]:
    return {"id": "UMIA", "team_id": "T1"} | more


def standing(
    settings: SlackSettings | None = None, group: frozenset[str] = frozenset(), me: Me = ME, **more: Any
) -> tuple[bool, bool]:
    found = judge(user(**more), me, settings or SlackSettings(admins=["UADA"]), group)
    return found.may_teach, found.is_admin


def test_a_member_may_teach_and_a_named_admin_more() -> None:
    assert standing() == (True, False)
    assert standing(id="UADA") == (True, True)
    assert standing(group=frozenset({"UMIA"})) == (True, True)


@pytest.mark.parametrize("flag", ["is_admin", "is_owner", "is_primary_owner"])
def test_workspace_admins_count_where_that_is_switched_on(flag: str) -> None:
    assert standing(**{flag: True}) == (True, False)
    on = SlackSettings(workspace_admins=True)
    assert standing(on, **{flag: True}) == (True, True)
    assert standing(on, enterprise_user={"enterprise_id": "E1", flag: True}) == (True, True)


@pytest.mark.parametrize(
    "more",
    [
        {"deleted": True},
        {"is_bot": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"team_id": "T9"},
        {"team_id": None},
        {"id": None},
    ],
)
def test_guests_outsiders_and_bots_may_nothing_even_when_named(more: dict[str, Any]) -> None:
    named = SlackSettings(admins=["UMIA"], workspace_admins=True)
    assert standing(named, **({"is_admin": True} | more)) == (False, False)


def test_guests_may_teach_where_that_is_switched_on_and_are_never_admins() -> None:
    on = SlackSettings(admins=["UMIA"], guests_may_teach=True)
    assert standing(on, is_restricted=True) == (True, False)
    assert standing(on, is_bot=True) == (False, False)


def test_a_colleague_of_another_workspace_of_the_organisation_is_a_member() -> None:
    me = Me("UBOT", "T1", "E1")
    found = judge(user(team_id="T2", enterprise_user={"enterprise_id": "E1"}), me, SlackSettings(), frozenset())
    assert found.may_teach and str(found.person) == "E1/UMIA"


async def test_when_slack_does_not_say_who_it_is_it_is_a_no() -> None:
    slack = FakeSlack()
    slack.errors["users.info"] = [slack_error("user_not_found")]
    permissions = Permissions(slack.client, ME, SlackSettings(admins=["UADA"]))
    with pytest.raises(Denied, match="could not check"):
        await permissions.admin("UADA", "retrain me")
    slack.replies["users.info"] = {"user": user(id="UADA")}
    assert str(await permissions.admin("UADA", "retrain me")) == "T1/UADA"


async def test_a_group_that_slack_does_not_tell_of_makes_nobody_an_admin_and_hinders_nobody_else() -> None:
    slack = FakeSlack()
    slack.replies["users.info"] = {"user": user()}
    slack.errors["usergroups.users.list"] = [slack_error("no_such_subteam") for _ in range(4)]
    settings = SlackSettings(admin_group="S1")
    permissions = Permissions(slack.client, ME, settings)
    assert (await permissions.teacher("UMIA")).user_id == "UMIA"
    with pytest.raises(Unchecked):
        await permissions.admin("UMIA", "retrain me")
    named = Permissions(slack.client, ME, settings.model_copy(update={"admins": ["UMIA"]}))
    assert (await named.admin("UMIA", "retrain me")).user_id == "UMIA"
    slack.errors.clear()
    slack.replies["usergroups.users.list"] = {"users": ["UMIA"]}
    assert (await permissions.admin("UMIA", "retrain me")).user_id == "UMIA"  # not kept for half a minute


async def test_a_refusal_names_the_admins_where_slack_draws_names_only() -> None:
    slack = FakeSlack()
    slack.replies["users.info"] = {"user": user()}
    with pytest.raises(Denied) as refused:
        await Permissions(slack.client, ME, SlackSettings(admins=["UADA"])).admin("UMIA", "retrain me")
    assert refused.value.plain == "Sorry, only my admins may retrain me."
    await whisper(slack.client, Ear("C1", "UMIA"), str(refused.value))
    assert slack.calls[-1][1]["text"] == "Sorry, only my admins may retrain me. You can ask <@UADA>."


async def test_a_standing_is_kept_for_seconds_only() -> None:
    now = [0.0]
    slack = FakeSlack()
    slack.replies["users.info"] = {"user": user(id="UADA")}
    slack.replies["usergroups.users.list"] = {"users": ["UADA"]}
    permissions = Permissions(slack.client, ME, SlackSettings(admin_group="S1"), clock=lambda: now[0])
    await permissions.admin("UADA", "x")
    await permissions.admin("UADA", "x")
    assert slack.counted("users.info") == 1
    slack.replies["usergroups.users.list"] = {"users": []}
    now[0] = 400.0
    with pytest.raises(Denied, match="only my admins may x"):
        await permissions.admin("UADA", "x")


async def test_a_group_that_cannot_be_read_shuts_out_nobody_but_those_who_are_admins_by_it() -> None:
    slack = FakeSlack()
    slack.errors["usergroups.users.list"] = [slack_error("missing_scope") for _ in range(4)]
    settings = SlackSettings(admins=["UADA"], admin_group="S1")
    for name in ("UADA", "UMIA"):
        slack.replies["users.info"] = {"user": user(id=name)}
        assert str(await Permissions(slack.client, ME, settings).teacher(name)) == f"T1/{name}"
    slack.replies["users.info"] = {"user": user(id="UADA")}
    assert str(await Permissions(slack.client, ME, settings).admin("UADA", "retrain me")) == "T1/UADA"
    slack.replies["users.info"] = {"user": user()}
    with pytest.raises(Denied, match="could not check"):
        await Permissions(slack.client, ME, settings).admin("UMIA", "retrain me")
