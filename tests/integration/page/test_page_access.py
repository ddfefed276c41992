"""Each screen against the rules of axe: contrast, names, roles; light and dark, laptop and phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import Workspace
from tests.integration.page.conftest import LAPTOP, PHONE, window
from tests.node import packages

# WCAG 2.2 A and AA, and what axe counts as good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RICH = "**bold** and `code`\n\n> quoted, see https://a.example\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nfence\n```"
HOME = [
    {"type": "header", "text": {"type": "plain_text", "text": "Home"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": "Some *words*"}},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "go", "style": "primary", "text": {"type": "plain_text", "text": "Go"}},
            {"type": "button", "action_id": "no", "style": "danger", "text": {"type": "plain_text", "text": "No"}},
        ],
    },
]


async def complaints(page: Page, screen: str) -> list[str]:
    found: list[dict[str, Any]] = await page.evaluate(
        "async (tags) => (await axe.run(document, {runOnly: tags})).violations", RULES
    )
    return [
        f"{screen}: {one['id']}: {node['html'][:120]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


async def furnish(ws: Workspace, bot: AsyncWebClient) -> tuple[str, str]:
    """A thread with everything that can hang on a message; its first message and the answer."""
    mia, ada = ws.person("mia"), ws.person("ada")
    ts = await mia.say("general", f"{await ws.mention()} **hello**")
    answer = await mia.wait_for("general", lambda m: m.by_app and not m.streaming, thread_ts=ts)
    await bot.chat_postMessage(channel="C0GENERAL1", thread_ts=ts, markdown_text=RICH)
    await bot.chat_postEphemeral(channel="C0GENERAL1", thread_ts=ts, user=await ws.user_id("mia"), text="for you")
    await ada.react("general", answer.ts, "tada")
    await mia.react("general", answer.ts, "tada")
    await ws.person("gus").say("general", "from a guest")
    await ws.person("ada").say("help", "unread")
    await bot.views_publish(user_id=await ws.user_id("mia"), view={"type": "home", "blocks": HOME})
    return ts, answer.ts


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
async def test_every_screen_keeps_the_rules(
    url: str, ws: Workspace, bot: AsyncWebClient, size: tuple[int, int], scheme: str
) -> None:
    ts, answer = await furnish(ws, bot)
    found: list[str] = []
    async with window(size, scheme) as page:
        await page.add_init_script(path=packages() / "axe-core" / "axe.min.js")
        await page.goto(f"{url}/?as=mia#C0GENERAL1/{ts}")
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread.get_by_text("for you")).to_be_visible()
        found += await complaints(page, "thread")

        message = thread.locator(f'[data-ts="{answer}"]')
        await message.focus()
        await message.get_by_role("button", name="Add a reaction").click()
        found += await complaints(page, "picker")
        await page.keyboard.press("Escape")

        await thread.get_by_role("button", name="Bad").click()
        modal = page.get_by_role("dialog")
        await modal.get_by_role("button", name="Send").click()
        await expect(modal.get_by_text("Please complete this required field.")).to_be_visible()
        found += await complaints(page, "modal")
        await page.keyboard.press("Escape")
        await expect(modal).to_be_hidden()

        close = "Back to the channel" if size == PHONE else "Close thread"
        await page.get_by_role("button", name=close).click()
        box = page.get_by_role("textbox", name="Message general")
        await box.fill("/")
        await expect(page.get_by_role("option").first).to_be_visible()
        found += await complaints(page, "commands")
        await box.fill("")

        if size == PHONE:
            await page.get_by_role("button", name="All channels").click()
            found += await complaints(page, "places")
        await page.get_by_role("navigation").get_by_role("button", name="Echo").click()
        await page.get_by_role("tab", name="Home").click()
        await expect(page.get_by_role("button", name="Go")).to_be_visible()
        found += await complaints(page, "home")

        await page.get_by_role("button", name="Traffic and faults").locator("visible=true").first.click()
        await expect(page.get_by_text("views.publish").last).to_be_visible()
        found += await complaints(page, "traffic")
        await page.get_by_role("tab", name="Faults").click()
        await page.get_by_role("button", name="No streaming").click()
        await expect(page.get_by_role("list", name="Active faults")).to_be_visible()
        found += await complaints(page, "faults")
    assert found == [], "\n".join(found)
