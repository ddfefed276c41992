"""Having a figure drawn: in a child process that is gone when it is done, so that the bot stays small."""

import asyncio
import os
import sys
from pathlib import Path

from bot.figures import Figure

SECONDS = 90.0  # the first drawing on a machine also lists its fonts
PNG = b"\x89PNG\r\n\x1a\n"
ROOT = Path(__file__).resolve().parent.parent


class NotDrawn(Exception):
    """A figure could not be drawn; the message says why."""


async def draw(figure: Figure, folder: Path) -> bytes:
    """The figure as a PNG. ``folder`` is where matplotlib keeps its list of fonts.

    Raises:
        NotDrawn: the child failed, or took too long.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.pictures",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "MPLCONFIGDIR": str(folder), "MPLBACKEND": "agg"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            drawn, said = await child.communicate(figure.as_json.encode())
    except TimeoutError:
        raise NotDrawn(f"drawing took more than {SECONDS:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0 or not drawn.startswith(PNG):
        last = said.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise NotDrawn(f"the drawing process ended with {child.returncode}: {last[0]}")
    return drawn
