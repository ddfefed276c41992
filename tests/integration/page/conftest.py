"""A sandbox, a real Bolt app on it, and its page in headless Chromium."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import Workspace
from sandbox.options import Timing
from sandbox.server import serve
from tests.chromium import launch
from tests.integration.sandbox_bolt_app import Heard, running_echo

MANIFEST = Path(__file__).parents[1] / "sandbox_app.yaml"
# A PNG of one grey pixel.
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
)
expect.set_options(timeout=20_000)  # milliseconds; other tests train beside these
LAPTOP, PHONE = (1280, 800), (390, 844)


@pytest.fixture
def url() -> Iterator[str]:
    with serve(MANIFEST, timing=Timing(file_delay=0.0)) as base_url:
        yield base_url


@pytest.fixture
async def ws(url: str) -> AsyncIterator[Workspace]:
    async with Workspace(url) as workspace:
        yield workspace


@pytest.fixture
async def bot(url: str, ws: Workspace) -> AsyncIterator[AsyncWebClient]:
    async with running_echo(url, Heard()) as client:
        await ws.wait_until_connected()
        yield client


def _is_error(line: ConsoleMessage) -> bool:
    refused = "status of 400" in line.text or "net::ERR_CONNECTION" in line.text
    refused |= "status of 404" in line.text and "/sandbox/files/" in line.location["url"]  # a deleted picture
    return line.type == "error" and not refused


@asynccontextmanager
async def window(size: tuple[int, int], scheme: str = "light") -> AsyncIterator[Page]:
    """An error on the page fails the test; a refusal that a person is told of (status 400, no sandbox) is none."""
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if _is_error(line) else None)
        yield page
        await browser.close()
    assert problems == []


@pytest.fixture
async def page(url: str) -> AsyncIterator[Page]:
    """A laptop's window acting as Mia."""
    async with window(LAPTOP) as laptop:
        await laptop.goto(f"{url}/?as=mia#C0GENERAL1")
        await expect(laptop.get_by_role("log", name="Messages in general")).to_be_visible()
        yield laptop
