"""A way to PostgreSQL that a test can cut: connections break, and new ones are refused until it is mended.

It can be cut at the worst moments as well: before a statement that something outside has led to, or after a transaction
is committed and before anybody hears of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url


class CuttableLine:
    """Passes bytes on to the database behind ``url``; ``via`` is the address to use instead."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._unsaid: bytes | None = None
        self._unheard: bytes | None = None

    @property
    def via(self) -> str:
        through = self._target.set(host="127.0.0.1", port=self._port, query={})
        return through.render_as_string(hide_password=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["CuttableLine"]:
        await self.mend()
        try:
            yield self
        finally:
            await self.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._cut()

    def _cut(self) -> None:
        self._unsaid = self._unheard = None
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_before(self, statement: bytes) -> None:
        """Cut the line instead of passing this statement on."""
        self._unsaid = statement

    def cut_after_commit_of(self, statement: bytes) -> None:
        """Pass the commit of the next transaction with this statement on, and cut the line instead of the answer."""
        self._unheard = statement

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder = self._target.query.get("host")
        if folder:
            path = f"{folder}/.s.PGSQL.{self._target.query.get('port') or self._target.port or 5432}"
            there, back = await asyncio.open_unix_connection(path)
        else:
            there, back = await asyncio.open_connection(self._target.host, self._target.port)
        self._writers |= {writer, back}
        with suppress(ConnectionError):
            await self._both_ways(reader, back, there, writer)
        for end in (writer, back):
            end.transport.abort()
            self._writers.discard(end)

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        seen = committing = False

        def asked(data: bytes) -> None:
            nonlocal seen, committing
            if self._unsaid is not None and self._unsaid in data:
                self._cut()
            seen = seen or (self._unheard is not None and self._unheard in data)
            committing = seen and b"COMMIT" in data

        def answered(data: bytes) -> None:
            if committing:
                self._cut()

        await asyncio.gather(_pump(reader, back, asked), _pump(there, writer, answered))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]) -> None:
    while data := await reader.read(65536):
        look(data)
        if writer.is_closing():
            return
        writer.write(data)
        await writer.drain()
    writer.close()
