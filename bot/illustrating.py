"""Pictures under the message of a run that is over. A message that Slack refuses with them gets their tables."""

import logging

from bot.gallery import Gallery
from bot.progress_messages import ProgressMessages, read
from bot.slack_errors import REFUSALS, code, passes
from feedback import pictures
from feedback.database import AsyncDatabase

log = logging.getLogger(__name__)


class Illustrating:
    """Draws for one run after the other; a run whose message has its pictures is not looked at again."""

    def __init__(self, database: AsyncDatabase, gallery: Gallery, progress: ProgressMessages, persona: str) -> None:
        self._database, self._gallery, self._progress, self._persona = database, gallery, progress, persona

    async def round(self) -> None:
        """Give every message that lacks them its pictures; nothing while another process is at it."""
        async with self._database.alone(f"mend-illustrating-{self._persona}") as mine:
            if not mine:
                return
            for run_id in await self._database.run(pictures.runs_without, self._persona):
                await self._illustrate(run_id)

    async def _illustrate(self, run_id: int) -> None:
        _, news = await self._database.run(read, run_id)
        drawn = {figure.kind: await self._gallery.file_of(figure) for figure in news.figures}
        files = {kind: file_id for kind, file_id in drawn.items() if file_id}
        if news.figures:
            try:
                await self._progress.redraw(run_id, files)
            except REFUSALS as error:
                extra = {"action": "pictures_refused", "run_id": run_id, "error": code(error) or repr(error)}
                log.warning("pictures refused", extra=extra)
                if passes(error):
                    return  # the next round tries again
                files = await self._in_text(run_id, files) if code(error) == "invalid_blocks" else files
        await self._database.run(pictures.set_of_run, run_id, files)

    async def _in_text(self, run_id: int, files: dict[str, str]) -> dict[str, str]:
        for file_id in files.values():
            await self._gallery.discard(file_id)
        await self._progress.redraw(run_id, {})
        return {}
