"""auth.test and apps.connections.open. Not imitated: token rotation, revoking, user tokens."""

from sandbox.api.method import Method
from sandbox.arguments import Arguments
from sandbox.directory import APP_ID, BOT_ID, BOT_USER_ID
from sandbox.payload import Payload
from sandbox.world import World


async def test(world: World, args: Arguments) -> Payload:
    team = world.directory.team
    return {
        "url": f"{world.base_url}/",
        "team": team.name,
        "user": world.directory.bot.name,
        "team_id": team.id,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": False,
    }


async def open_connection(world: World, args: Arguments) -> Payload:
    base = world.base_url.replace("http://", "ws://", 1)
    return {"url": f"{base}/link/?ticket={world.hub.issue_ticket()}&app_id={APP_ID}"}


METHODS = {
    "auth.test": Method(test, token="any"),
    "apps.connections.open": Method(open_connection, token="app"),
}
