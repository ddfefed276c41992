"""What a Web API method is: a function, the scopes that open it, and the kind of token it takes.

Not imitated: scopes of user tokens, and scopes that Slack asks for only with some arguments.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.arguments import Arguments
from sandbox.errors import ApiError
from sandbox.payload import Payload
from sandbox.world import World

Handler = Callable[[World, Arguments], Awaitable[Payload]]


@dataclass(frozen=True)
class Method:
    """Any one of `scopes` is enough; none are needed when empty. `token`: bot, app or any."""

    handler: Handler
    scopes: tuple[str, ...] = ()
    token: str = "bot"


def require_scope(world: World, *scopes: str) -> None:
    if scopes and not any(world.granted(scope) for scope in scopes):
        provided = ",".join(sorted(world.manifest.scopes or ()))
        raise ApiError("missing_scope", needed=",".join(scopes), provided=provided)
