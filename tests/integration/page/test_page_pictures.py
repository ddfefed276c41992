"""README.md's pictures, taken of a workspace in which an answer has been mended."""

import struct
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from docs.pictures import take_all
from sandbox.client import Workspace
from tests.integration.page.conftest import DOT

GENERAL = "C0GENERAL1"


def sizes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Width and height, as a PNG's header has them."""
    return {path.stem: struct.unpack(">II", path.read_bytes()[16:24]) for path in folder.glob("*.png")}


async def test_every_picture_is_taken_in_its_size(ws: Workspace, bot: AsyncWebClient, url: str, tmp_path: Path) -> None:
    mia = ws.person("mia")
    root = await mia.say("general", "who are you?")
    told = {"type": "section", "text": {"type": "mrkdwn", "text": "Mended in `pip-v1`"}}
    await bot.chat_postMessage(channel=GENERAL, thread_ts=root, text="Mended", blocks=[told])
    # On a phone the channel behind a thread is not drawn, and so its pictures are not loaded.
    await bot.files_upload_v2(file=DOT, filename="loss.png", title="Loss", channel=GENERAL)
    await mia.wait_for("general", lambda m: bool(m.files) and bool(m.files[0]["mimetype"]))
    home = [{"type": "header", "text": {"type": "plain_text", "text": "For admins"}}]
    await bot.views_publish(user_id=await ws.user_id("ada"), view={"type": "home", "blocks": home})

    await take_all(url, tmp_path)

    assert sizes(tmp_path) == {"demo": (1360, 860), "home": (1360, 860), "phone": (780, 1688)}
