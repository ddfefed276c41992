"""Renew README.md's pictures from a demo in which an answer has been mended.

    mend demo                                    (in another terminal; live through README.md's five steps)
    python -m docs.pictures http://127.0.0.1:8300

The browser is that of the tests (tests/chromium.py), so the pictures look the same wherever they are taken.
"""

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright

from sandbox.client import Workspace
from tests.chromium import launch

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """`place` is a channel, with a thread or `home` behind a slash; `shows` is a text that must be in it."""

    name: str
    who: str
    place: str
    shows: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"] = "light"


async def pictures(page: str) -> list[Picture]:
    """The thread that was told of its mended answer last, the admin's App Home, and the thread on a phone.

    Raises:
        SystemExit: nothing has been mended in this demo.
    """
    async with Workspace(page) as workspace:
        ada = workspace.person("ada")
        home = next(channel["id"] for channel in await ada.channels() if channel["kind"] == "im")
        thread = await mended_thread(workspace)
    return [
        Picture("demo", "mia", thread, "Mended in", (1360, 860)),
        Picture("home", "ada", f"{home}/home", "For admins", (1360, 860)),
        Picture("phone", "mia", thread, "Mended in", (390, 844), "dark"),
    ]


async def mended_thread(workspace: Workspace) -> str:
    mia = workspace.person("mia")
    for channel in await mia.channels():
        for message in reversed(await mia.messages(channel["id"])):
            if message.by_app and message.thread_ts and "Mended in" in message.plain:
                return f"{channel['id']}/{message.thread_ts}"
    raise SystemExit("Nothing has been mended in this demo yet: flag an answer, approve its correction, and retrain.")


async def take(browser: Browser, page: str, picture: Picture, folder: Path) -> None:
    """Write the picture into the folder."""
    width, height = picture.size
    window = await browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if width < 500 else 1,
        color_scheme=picture.scheme,
        reduced_motion="reduce",
    )
    await window.goto(f"{page}/?as={picture.who}#{picture.place}")
    shown = window.locator(".message:visible, .home:visible").filter(has_text=picture.shows)
    await shown.last.scroll_into_view_if_needed()
    await settled(window)
    await window.screenshot(path=folder / f"{picture.name}.png")
    await window.close()


# Images load when they come near the screen; those of a pane that is not drawn never do.
SETTLED = """() => {
  const onScreen = (one) => [...one.getClientRects()].some((box) => box.bottom > 0 && box.top < innerHeight);
  const waiting = [...document.images].filter((one) => onScreen(one) && !one.complete);
  return !waiting.length && !document.querySelector(".cursor, .message.marked");
}"""


async def settled(window: Page) -> None:
    """No message is being written, no mark stands out any more, and every image that is seen is there."""
    await window.wait_for_function(SETTLED)


async def take_all(page: str, folder: Path = HERE) -> None:
    wanted = await pictures(page)
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        for picture in wanted:
            await take(browser, page, picture, folder)
        await browser.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Renew README.md's pictures.")
    arguments.add_argument("page", help="address of a running demo's page")
    asyncio.run(take_all(arguments.parse_args().page.rstrip("/")))
