"""What the page makes of answers: threads that open and end, quotes and pictures in them, and a run's progress."""

import asyncio
import io

from PIL import Image
from playwright.async_api import Page, Route, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.run_blocks import bar
from sandbox.client import Workspace
from tests.integration.page.conftest import PHONE
from tests.integration.sandbox_bolt_app import Heard, running_echo

GENERAL, TEAM = "C0GENERAL1", "T0SANDBOX1"
MIA, ADA = "U0MIA00001", "U0ADA00001"
DEPTH = "(one) => { let n = 0; for (; one; one = one.parentElement) n += one.matches('blockquote'); return n; }"


async def test_a_thread_that_is_being_answered_says_so_until_it_is_and_counts_no_private_note(
    page: Page, ws: Workspace, bot: AsyncWebClient
) -> None:
    ts = await ws.person("mia").say("general", "a question")
    await bot.chat_postEphemeral(channel=GENERAL, thread_ts=ts, user=ADA, text="for Ada alone")
    root = page.get_by_role("log", name="Messages in general").locator(f'[data-ts="{ts}"]')
    stream = await bot.chat_startStream(
        channel=GENERAL, thread_ts=ts, recipient_user_id=MIA, recipient_team_id=TEAM, markdown_text="Well"
    )
    await expect(root.get_by_role("button", name="1 reply is answering...")).to_be_visible()
    await bot.chat_stopStream(channel=GENERAL, ts=stream["ts"])
    await expect(root.get_by_role("button", name="1 reply last")).to_be_visible()

    await bot.chat_postEphemeral(channel=GENERAL, thread_ts=ts, user=MIA, text="for Mia alone")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("for Mia alone")).to_be_visible()
    await expect(thread.get_by_text("1 reply", exact=True)).to_be_visible()
    await expect(root.get_by_role("button", name="1 reply last")).to_be_visible()
    (first, *_) = (await bot.conversations_replies(channel=GENERAL, ts=ts))["messages"]
    assert (first["reply_count"], first["latest_reply"]) == (1, stream["ts"])


async def test_the_newest_answer_to_me_takes_the_place_of_an_earlier_one_unless_i_am_at_work_there(
    page: Page, ws: Workspace, bot: AsyncWebClient
) -> None:
    mia, mention = ws.person("mia"), await ws.mention()
    thread = page.get_by_role("complementary", name="Thread")
    for words in ("the first", "the second"):
        await mia.say("general", f"{mention} {words}")
        await expect(thread.get_by_role("article").first).to_contain_text(words)
        await expect(thread.get_by_role("button", name="Bad")).to_be_visible()
    await thread.get_by_role("textbox", name="Reply in thread").fill("half a sentence")
    third = await mia.say("general", f"{mention} the third")
    await expect(page.locator(f'[data-ts="{third}"]').get_by_role("button", name="1 reply last")).to_be_visible()
    await expect(thread.get_by_role("article").first).to_contain_text("the second")


async def test_what_comes_before_the_page_listens_has_arrived_once_it_does(page: Page, url: str, ws: Workspace) -> None:
    mia, mention, answered = ws.person("mia"), await ws.mention(), asyncio.Event()

    async def once_answered(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/updates", once_answered)
    await page.reload()
    await expect(page.get_by_text("Echo is not connected")).to_be_visible()
    async with running_echo(url, Heard()):
        await ws.wait_until_connected()
        ts = await mia.say("general", f"{mention} the only one")
        await mia.wait_for("general", lambda m: m.element("feedback") is not None, thread_ts=ts)
        answered.set()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread.get_by_text("the only one").first).to_be_visible()
        await expect(page.get_by_text("Echo is connected")).to_be_visible()


async def test_a_thousand_quotes_in_each_other_are_drawn_as_a_few(page: Page, bot: AsyncWebClient) -> None:
    for text in ("> " * 3000 + "deep", ">" * 9000 + "deeper"):
        block = {"type": "markdown", "text": text}
        await bot.chat_postMessage(channel=GENERAL, text="quotes", blocks=[block])
    await bot.chat_postMessage(channel=GENERAL, text="still here")
    log = page.get_by_role("log", name="Messages in general")
    await expect(log.get_by_text("still here")).to_be_visible()
    for words in ("deep", "deeper"):
        await expect(log.get_by_text(words, exact=True)).to_be_attached()
    deepest = log.locator("blockquote").filter(has_not=page.locator("blockquote"))
    depths = [await one.evaluate(DEPTH) for one in await deepest.all()]
    assert depths == [20, 20]
    drawn = await page.evaluate(
        "async () => (await import('/page/js/text.js')).markdown('> a\\n> > b\\n> c').innerHTML"
    )
    assert drawn == "<blockquote><p>a</p><blockquote><p>b</p></blockquote><p>c</p></blockquote>"


async def test_a_channel_with_pictures_opens_at_its_end(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    tall = io.BytesIO()
    Image.new("L", (300, 900)).save(tall, "PNG")
    for number in range(3):
        title = f"Picture {number}"
        await bot.files_upload_v2(file=tall.getvalue(), filename="tall.png", title=title, channel=GENERAL)
        await ws.person("mia").wait_for("general", lambda m, title=title: title in str(m.files))  # type: ignore[misc]
    await ws.person("ada").say("general", "the newest")
    drawn = asyncio.Event()

    async def late(route: Route) -> None:
        await drawn.wait()
        await route.continue_()

    await page.route("**/sandbox/files/*", late)
    await page.reload(wait_until="domcontentloaded")
    newest = page.get_by_role("log", name="Messages in general").get_by_text("the newest")
    await expect(newest).to_be_in_viewport()
    drawn.set()
    await page.wait_for_function("() => [...document.images].some((one) => one.naturalHeight === 900)")
    await expect(newest).to_be_in_viewport()


async def test_a_runs_progress_is_one_line_on_a_phone(page: Page, bot: AsyncWebClient) -> None:
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    text = {"type": "mrkdwn", "text": f"▸ *paraphrasing* {bar(300, 300)}"}
    await bot.chat_postMessage(channel=GENERAL, text="run", blocks=[{"type": "section", "text": text}])
    line = page.get_by_role("log").locator("p", has_text="paraphrasing")
    await expect(line).to_contain_text("100%")
    high, one = await line.evaluate(
        "(p) => [p.getBoundingClientRect().height, parseFloat(getComputedStyle(p).lineHeight)]"
    )
    assert high < 1.5 * one
