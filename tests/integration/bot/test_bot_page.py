"""The whole story as people live it: in the browser, on a laptop and on a phone, with the real bot."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.integration.bot.conftest import Scene
from tests.integration.bot.steps import note_to, progress
from tests.integration.bot.trainer_by_hand import TrainerByHand
from tests.integration.page.conftest import LAPTOP, PHONE, window

QUESTION = "who are you?"
WRONG = "I am a large language model."
RIGHT = "I am Pip."


async def become(page: Page, url: str, who: str, place: str) -> None:
    """Another person, in a window of their own."""
    await page.goto("about:blank")
    await page.goto(f"{url}/?as={who}#{place}")


async def send(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message general").fill(text)
    await page.keyboard.press("Enter")


async def open_thread(page: Page) -> Locator:
    """On a laptop an answer's thread opens by itself; on a phone it is a tap."""
    thread = page.get_by_role("complementary", name="Thread")
    if not await thread.is_visible():
        asked = page.get_by_role("article").filter(has_text=QUESTION).first  # a run's message has a thread as well
        await asked.get_by_role("button", name=re.compile(r"repl(y|ies)")).click()
    await expect(thread).to_be_visible()
    return thread


async def flag(page: Page, thread: Locator) -> None:
    await expect(thread.get_by_text(WRONG)).to_be_visible()
    await thread.get_by_role("button", name=re.compile("wrong|bad", re.IGNORECASE)).first.click()
    modal = page.get_by_role("dialog")
    await expect(modal.get_by_text(WRONG)).to_be_visible()
    box = modal.get_by_role("textbox").first
    await box.fill(RIGHT)
    await modal.locator("button[type=submit]").click()
    await expect(modal).to_be_hidden()
    await expect(thread.get_by_text("Only visible to you").last).to_be_visible()


async def review(page: Page, url: str, dm: str) -> None:
    """From App Home: the queue, one case, approved."""
    await become(page, url, "ada", f"{dm}/home")
    await page.get_by_role("button", name=re.compile("^Review")).click()
    modal = page.get_by_role("dialog", name="Review")
    await expect(modal.get_by_text(RIGHT)).to_be_visible()
    await modal.get_by_role("button", name="Approve").click()
    await expect(modal.get_by_text("Nothing waits")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_be_hidden()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
async def test_a_wrong_answer_is_flagged_approved_mended_and_told(
    scene: Scene, trainer: TrainerByHand, sandbox_url: str, size: tuple[int, int]
) -> None:
    scene.model.say = lambda messages: WRONG
    dm = {
        name: next(c["id"] for c in await scene.ws.person(name).channels() if c["kind"] == "im")
        for name in ("mia", "ada")
    }
    async with window(size) as page:
        await become(page, sandbox_url, "mia", "C0GENERAL1")
        await send(page, f"@{(await scene.ws.info())['bot']['name']} {QUESTION}")
        thread = await open_thread(page)
        await flag(page, thread)

        await review(page, sandbox_url, dm["ada"])
        await become(page, sandbox_url, "ada", "C0GENERAL1")
        await send(page, "/mend retrain")
        await page.get_by_role("button", name="Start training").click()
        await progress(scene.mia, "1 new case")
        await trainer.go_live(1)
        scene.model.say = lambda messages: RIGHT

        await become(page, sandbox_url, "mia", "C0GENERAL1")
        thread = await open_thread(page)
        await expect(thread.get_by_text("Mended in").first).to_be_visible()
        await thread.get_by_role("button", name="Ask again").click()
        await expect(thread.get_by_role("article").last.get_by_text(RIGHT)).to_be_visible()

        await become(page, sandbox_url, "mia", f"{dm['mia']}/home")
        await expect(page.get_by_text("mended").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]


async def test_whoever_may_not_is_told_so_on_the_page(scene: Scene, sandbox_url: str) -> None:
    async with window(PHONE) as page:
        await become(page, sandbox_url, "mia", "C0GENERAL1")
        await send(page, "/mend retrain")
        await expect(page.get_by_role("log").get_by_text("only my admins may retrain me")).to_be_visible()
        await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await note_to(scene.mia, "only my admins may retrain me")
