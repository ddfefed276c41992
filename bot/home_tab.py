"""Drawing somebody's App Home anew."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.home import collect_home, home
from bot.permissions import Permissions
from feedback.automatic import Rules
from feedback.database import AsyncDatabase
from feedback.persona import Persona


class HomeTab:
    """Publishes it, for whoever opens it and after what they do in it."""

    def __init__(
        self,
        database: AsyncDatabase,
        client: AsyncWebClient,
        permissions: Permissions,
        persona: Persona,
        rules: Rules,
    ) -> None:
        self._database, self._client, self._permissions = database, client, permissions
        self._persona, self._rules = persona, rules

    async def publish(self, user: str) -> None:
        """Draw it as things stand now."""
        standing = await self._permissions.standing(user)
        seen = await self._database.run(
            collect_home, self._persona.slug, self._persona.name, str(standing.person), standing.is_admin, self._rules
        )
        await self._client.views_publish(user_id=user, view=home(seen))
