"""The drawer for those who develop the app: what passed, and trouble on demand."""

import pytest
from playwright.async_api import Page, expect
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import Workspace


async def open_drawer(page: Page, tab: str = "Traffic") -> None:
    await page.get_by_role("navigation").get_by_role("button", name="Traffic and faults").press("Enter")
    await page.get_by_role("tab", name=tab).click()


async def test_it_shows_events_acks_and_calls_and_what_was_in_them(
    page: Page, ws: Workspace, bot: AsyncWebClient
) -> None:
    await ws.person("mia").say("general", f"{await ws.mention()} wherefore")
    await open_drawer(page)
    drawer = page.get_by_role("complementary", name="Traffic and faults")
    for way, kind, name in (
        ("to the app", "event", "app_mention"),
        ("from the app", "ack", "app_mention"),
        ("from the app", "api", "chat.stopStream"),
    ):
        row = drawer.locator("summary", has_text=kind).filter(has_text=name).first
        await expect(row).to_contain_text(way)
    await expect(drawer.get_by_role("list", name="API calls by method")).to_contain_text("chat.startStream 1")

    await drawer.get_by_role("button", name="event").click()
    await expect(drawer.locator("summary", has_text="chat.stopStream")).to_have_count(0)
    await drawer.get_by_role("searchbox", name="Find in the traffic").fill("app_mention")
    await expect(drawer.locator("summary")).to_have_count(1)
    await expect(drawer.get_by_role("searchbox")).to_be_focused()
    await drawer.locator("summary").press("Enter")
    await expect(drawer.locator("pre")).to_contain_text("wherefore")
    await expect(drawer.locator("pre")).not_to_contain_text("token")


async def test_escape_closes_it_and_the_focus_goes_back(page: Page) -> None:
    await open_drawer(page)
    await page.get_by_role("tab", name="Traffic").press("ArrowRight")
    await expect(page.get_by_role("tab", name="Faults")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("complementary", name="Traffic and faults")).to_be_hidden()
    await expect(page.get_by_role("navigation").get_by_role("button", name="Traffic and faults")).to_be_focused()


async def test_streaming_can_be_switched_off_and_on_again(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    ts = await ws.person("mia").say("general", "a question")
    stream = {"channel": "C0GENERAL1", "thread_ts": ts, "recipient_user_id": "U0MIA00001", "recipient_team_id": "T1"}
    await open_drawer(page, "Faults")
    await page.get_by_role("button", name="No streaming").click()
    await expect(page.get_by_role("list", name="Active faults")).to_contain_text("no_streaming")
    with pytest.raises(SlackApiError, match="unknown_method"):
        await bot.chat_startStream(**stream)
    await page.get_by_role("button", name="Clear all").click()
    await expect(page.get_by_text("No fault is active.")).to_be_visible()
    await bot.chat_startStream(**stream)


async def test_a_rate_limit_is_filled_in_and_spent(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    await open_drawer(page, "Faults")
    await page.get_by_label("Fault", exact=True).select_option("rate_limit")
    await page.get_by_label("method").fill("auth.test")
    await page.get_by_label("retry after").fill("7")
    await page.get_by_role("button", name="Make it happen").click()
    await expect(page.get_by_role("list", name="Active faults")).to_contain_text("rate_limit auth.test (1 more)")
    with pytest.raises(SlackApiError) as refused:
        await bot.auth_test()
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"
    await bot.auth_test()
    await page.get_by_label("times").fill("")
    await page.get_by_role("button", name="Make it happen").click()
    await expect(page.get_by_role("list", name="Active faults")).to_contain_text("until cleared")


async def test_a_mistaken_fault_is_refused_with_the_reason(page: Page) -> None:
    await open_drawer(page, "Faults")
    await page.get_by_label("times").fill("0")
    await page.get_by_role("button", name="Make it happen").click()
    await expect(page.get_by_role("alert")).to_contain_text("times must be 1 or more")


async def test_the_app_is_disconnected_and_comes_back(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    await expect(page.get_by_text("Echo is connected")).to_be_visible()
    await open_drawer(page, "Faults")
    await page.get_by_role("button", name="Disconnect").click()
    await page.get_by_role("tab", name="Traffic").click()
    await expect(page.locator("summary", has_text="disconnect").first).to_be_visible()
    await ws.wait_until_connected()
    await expect(page.get_by_text("Echo is connected")).to_be_visible()
