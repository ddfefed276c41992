"""What `/mend status`, `adapters`, `cases` and `probes` answer."""

from bot import listings
from bot.permissions import Permissions
from bot.replies import Reply
from feedback.automatic import Rules
from feedback.database import AsyncDatabase


class Reporting:
    """Reads the record for somebody who asks how things stand."""

    def __init__(self, database: AsyncDatabase, permissions: Permissions, rules: Rules, persona: str) -> None:
        self._database, self._permissions, self._rules, self._persona = database, permissions, rules, persona

    async def status(self) -> str:
        """Which version answers, what waits, what is going on."""
        return listings.status(await self._overview())

    async def adapters(self) -> str:
        """Every version."""
        return listings.adapter_list((await self._overview()).adapters)

    async def cases(self, user: str, number: str = "") -> Reply:
        """The newest cases, or the one with a number; they show what people asked, and who.

        Raises:
            Denied: the user is no admin.
        """
        await self._permissions.admin(user, "see every case")
        if number.isdecimal():
            found = await self._database.run(listings.read_case, self._persona, int(number))
            return listings.case_list(found, int(number))
        return listings.case_list((await self._overview()).cases)

    async def probes(self, user: str) -> str:
        """What the live version said to its probes; admins alone are shown those that were members' questions."""
        standing = await self._permissions.standing(user)
        name, results = await self._database.run(listings.read_probes, self._persona)
        return listings.probe_list(name, results, everything=standing.is_admin)

    async def _overview(self) -> listings.Overview:
        return await self._database.run(listings.read, self._persona, self._rules)
