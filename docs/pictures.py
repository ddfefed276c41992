"""Renew README.md's picture from a demo in which an answer has been mended.

    mend demo                                    (in another terminal; live through README.md's five steps)
    python docs/pictures.py http://127.0.0.1:8300

Needs a Chromium of the system (Debian: apt install chromium), because Playwright's own is a download.
"""

import argparse
import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

from sandbox.client import Workspace

HERE = Path(__file__).parent
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


async def mended_thread(page: str) -> tuple[str, str]:
    """The channel's id and the thread that was told of its mended answer last.

    Raises:
        SystemExit: nothing has been mended in this demo.
    """
    async with Workspace(page) as workspace:
        mia = workspace.person("mia")
        for channel in await mia.channels():
            for message in reversed(await mia.messages(channel["id"])):
                if message.by_app and message.thread_ts and "Mended in" in message.plain:
                    return channel["id"], message.thread_ts
    raise SystemExit("Nothing has been mended in this demo yet: flag an answer, approve its correction, and retrain.")


async def take(page: str, browser: str) -> None:
    """Write demo.png (laptop) beside this file."""
    channel, thread = await mended_thread(page)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=QUIET)
        window = await chromium.new_page(viewport={"width": 1360, "height": 860})
        await window.goto(f"{page}/?as=mia#{channel}/{thread}")
        await window.get_by_text("Mended in").last.scroll_into_view_if_needed()
        await window.screenshot(path=HERE / "demo.png")
        await chromium.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Renew README.md's picture.")
    arguments.add_argument("page", help="address of a running demo's page")
    arguments.add_argument("--browser", default="/usr/bin/chromium", help="Chromium to use")
    given = arguments.parse_args()
    asyncio.run(take(given.page.rstrip("/"), given.browser))
