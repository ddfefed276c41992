"""users.*, usergroups.*, bots.info, team.info. Not imitated: profiles' custom fields, presence, time zones."""

from sandbox.api.lookup import person_by_id
from sandbox.api.method import Method
from sandbox.api.paging import page
from sandbox.arguments import Arguments
from sandbox.directory import APP_ID, BOT_ID, BOT_USER_ID, Person, UserGroup
from sandbox.errors import ApiError
from sandbox.payload import Payload
from sandbox.world import World


async def user_info(world: World, args: Arguments) -> Payload:
    return {"user": person_payload(person_by_id(world, args.text("user", "user_not_found")))}


async def user_list(world: World, args: Arguments) -> Payload:
    chosen, cursor = page(list(world.directory.people.values()), args, 100)
    return {"members": [person_payload(p) for p in chosen], "response_metadata": {"next_cursor": cursor}}


async def usergroup_list(world: World, args: Arguments) -> Payload:
    with_users = args.flag("include_users")
    groups = world.directory.usergroups.values()
    return {"usergroups": [_group_payload(group, with_users=with_users) for group in groups]}


async def usergroup_users(world: World, args: Arguments) -> Payload:
    group = world.directory.usergroups.get(args.text("usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group.members)}


async def team_info(world: World, args: Arguments) -> Payload:
    team = world.directory.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}}


async def bot_info(world: World, args: Arguments) -> Payload:
    if args.optional_text("bot") not in (None, "", BOT_ID):
        raise ApiError("bot_not_found")
    bot = {"id": BOT_ID, "deleted": False, "name": world.manifest.bot_name, "updated": 0, "app_id": APP_ID}
    return {"bot": {**bot, "user_id": BOT_USER_ID, "icons": {}}}


def person_payload(person: Person) -> Payload:
    return {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "color": person.color,
        "deleted": person.deleted,
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": False,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_stranger": person.is_stranger,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "profile": {
            "real_name": person.real_name,
            "display_name": person.name,
            "title": person.title,
            "team": person.team_id,
        },
    }


def _group_payload(group: UserGroup, *, with_users: bool) -> Payload:
    shown: Payload = {"id": group.id, "handle": group.handle, "name": group.name, "is_usergroup": True}
    return {**shown, "users": list(group.members)} if with_users else shown


METHODS = {
    "users.info": Method(user_info, ("users:read",)),
    "users.list": Method(user_list, ("users:read",)),
    "usergroups.list": Method(usergroup_list, ("usergroups:read",)),
    "usergroups.users.list": Method(usergroup_users, ("usergroups:read",)),
    "team.info": Method(team_info, ("team:read",)),
    "bots.info": Method(bot_info, ("users:read",)),
}
