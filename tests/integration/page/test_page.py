"""The browser page, in headless Chromium, with a real Bolt app behind it."""

import random
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import Workspace
from sandbox.server import serve
from tests.integration.page.conftest import DOT, LAPTOP, MANIFEST, window


async def test_the_story_by_keyboard_alone(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    await page.get_by_role("link", name="Skip to the message box").focus()
    await page.keyboard.press("Enter")
    box = page.get_by_role("textbox", name="Message general")
    await box.focus()
    await page.keyboard.type("@ec")
    await expect(page.get_by_role("option", name="Echo")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Tab")
    await page.keyboard.type("say **this**")
    await page.keyboard.press("Enter")

    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.locator("strong", has_text="this")).to_be_visible()
    bad = thread.get_by_role("button", name="Bad")
    await bad.focus()
    await page.keyboard.press("Enter")

    modal = page.get_by_role("dialog", name="Say it better")
    words = modal.get_by_label("Words")
    await expect(words).to_be_focused()
    await modal.get_by_role("button", name="Send").press("Enter")
    await expect(modal.get_by_text("Please complete this required field.")).to_be_visible()
    await expect(words).to_be_focused()
    await expect(words).to_have_attribute("aria-invalid", "true")
    await page.keyboard.type("same")
    await modal.get_by_role("button", name="Send").press("Enter")
    await expect(modal.get_by_text("That is the same.")).to_be_visible()
    await words.fill("better")
    await modal.get_by_role("button", name="Send").press("Enter")
    await expect(modal).to_be_hidden()
    await expect(bad).to_have_attribute("aria-pressed", "true")
    note = page.locator(".message.ephemeral", has_text="noted: better")
    await expect(note.get_by_text("Only visible to you")).to_be_visible()
    await note.get_by_role("button", name="Dismiss").press("Enter")
    await expect(note).to_be_hidden()

    await page.get_by_role("navigation").get_by_role("button", name="Echo").press("Enter")
    await page.get_by_role("button", name="Say hello").press("Enter")
    await expect(page.get_by_role("log", name="Messages in Echo").get_by_text("echo hello")).to_be_visible()


async def test_a_command_is_completed_and_answered(page: Page, bot: AsyncWebClient) -> None:
    box = page.get_by_role("textbox", name="Message general")
    await box.focus()
    await page.keyboard.type("/ec")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("/echo ")
    await page.keyboard.type("hello")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("you said hello", exact=True)).to_be_visible()
    await expect(page.get_by_text("and everyone hears it", exact=True)).to_be_visible()


async def test_what_others_do_shows_at_once(page: Page, ws: Workspace) -> None:
    ada = ws.person("ada")
    await ada.say("help", "over here")
    await expect(page.get_by_role("button", name="help 1 unread")).to_be_visible()
    ts = await ada.say("general", "hello")
    message = page.get_by_role("article", name="Ada Lindqvist").filter(has_text="hello")
    await message.hover()
    await message.get_by_role("button", name="Add a reaction").click()
    await page.get_by_role("button", name="tada", exact=True).first.click()
    await expect(message.get_by_role("button", name="tada, 1 person")).to_have_attribute("aria-pressed", "true")
    assert list((await ada.message("general", ts)).reactions) == ["tada"]
    await ada.edit("general", ts, "hello again")
    await expect(message.get_by_text("hello again")).to_be_visible()
    await ada.delete("general", ts)
    await expect(page.get_by_text("hello again")).to_be_hidden()


async def test_one_window_can_act_as_another_person(page: Page, ws: Workspace) -> None:
    await page.get_by_text("Ada Lindqvist").click()
    await expect(page.get_by_role("radio", name="Ada Lindqvist admin")).to_be_checked()
    await page.get_by_role("textbox", name="Message general").fill("I am Ada")
    await page.keyboard.press("Enter")
    message = await ws.person("mia").wait_for("general", lambda m: m.text == "I am Ada")
    assert message.user == "U0ADA00001"


async def test_a_phone_shows_one_thing_at_a_time(page: Page, ws: Workspace) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    root = await ws.person("ada").say("general", "root")
    await ws.person("ada").say("general", "a reply", thread_ts=root)
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("complementary", name="Thread")).to_be_visible()
    await expect(page.get_by_role("main")).to_be_hidden()
    await page.get_by_role("button", name="Back to the channel").click()
    await page.get_by_role("button", name="All channels").click()
    await expect(page.get_by_role("navigation", name="Workspace")).to_be_visible()
    await expect(page.get_by_role("main")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_link_to_a_reply_opens_its_thread_there_on_a_phone_as_well(page: Page, ws: Workspace, url: str) -> None:
    root = await ws.person("ada").say("general", "root")
    replies = [await ws.person("ada").say("general", f"reply {n}", thread_ts=root) for n in range(40)]
    await page.set_viewport_size({"width": 390, "height": 500})
    await page.goto(f"{url}/?as=mia&again#C0GENERAL1/{replies[9]}")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("reply 9", exact=True)).to_be_in_viewport()
    await expect(thread.get_by_text("reply 39")).not_to_be_in_viewport()


async def test_whoever_reads_the_newest_still_does_when_a_picture_has_loaded(page: Page, ws: Workspace) -> None:
    for number in range(12):
        await ws.person("ada").say("general", f"message {number}")
    log = page.get_by_role("log", name="Messages in general")
    await expect(log.get_by_text("message 11")).to_be_in_viewport()
    grown = "(node) => { node.querySelector('.message').style.minHeight = '900px'; }"
    await log.evaluate(grown)
    await expect(log.get_by_text("message 11")).to_be_in_viewport()
    # The browser tells of a scroll at its next frame, by when a picture may have come.
    await log.evaluate("(node) => { node.scrollTop -= 5; node.querySelector('.message').style.minHeight = '1800px'; }")
    await expect(log.get_by_text("message 11")).to_be_in_viewport()
    await log.evaluate("(node) => { node.scrollTop = 0; }")
    await ws.person("ada").say("general", "one more")
    await expect(log.get_by_text("one more")).to_be_attached()
    await expect(log.get_by_text("one more")).not_to_be_in_viewport()


async def test_a_picture_has_its_words_and_a_deleted_one_leaves_them(
    page: Page, bot: AsyncWebClient, ws: Workspace
) -> None:
    done = await bot.files_upload_v2(
        file=DOT, filename="loss.png", title="Loss", alt_txt="A falling line", channel="C0GENERAL1"
    )
    log = page.get_by_role("log", name="Messages in general")
    shared = log.get_by_role("figure").get_by_role("img", name="A falling line")
    await expect(shared).to_be_visible()
    file = {"id": done["file"]["id"]}
    block = {"type": "image", "slack_file": file, "alt_text": "A line that falls to 0.12"}
    await bot.chat_postMessage(channel="C0GENERAL1", text="loss", blocks=[block])
    await expect(log.get_by_role("img", name="A line that falls to 0.12")).to_be_visible()
    await bot.files_delete(file=file["id"])
    await expect(log.get_by_text("This file was deleted.")).to_be_visible()
    await page.reload()
    await expect(log.get_by_text("This picture was deleted. A line that falls to 0.12")).to_be_visible()


async def test_a_sandbox_that_stops_and_comes_back_is_told(tmp_path: Path) -> None:
    async with window(LAPTOP) as page:
        with serve(MANIFEST, state=tmp_path) as url:
            async with Workspace(url) as ws:
                await ws.person("ada").say("general", "kept")
            await page.goto(url)
            await expect(page.get_by_text("Echo is not connected")).to_be_visible()
        await expect(page.get_by_text("The sandbox does not answer; trying again")).to_be_visible()
        with serve(MANIFEST, state=tmp_path, port=int(url.rpartition(":")[2])):
            await expect(page.get_by_text("Echo is not connected")).to_be_visible()
            await expect(page.get_by_role("log").get_by_text("kept")).to_be_visible()


async def test_a_phone_says_whom_one_acts_as(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="You act as Mia Torres; change").click()
    await page.get_by_text("Ada Lindqvist").click()
    await page.get_by_role("button", name="general", exact=True).click()
    await expect(page.get_by_role("button", name="You act as Ada Lindqvist; change")).to_be_visible()


async def test_what_is_new_is_marked_until_it_is_seen(page: Page, ws: Workspace) -> None:
    ada = ws.person("ada")
    await page.get_by_role("button", name="help", exact=True).click()
    await page.get_by_role("button", name="general", exact=True).click()
    await ada.say("help", "first")
    await ada.say("help", "second")
    await expect(page).to_have_title("(2) #general - Sandbox")
    await page.get_by_role("button", name="help 2 unread").click()
    log = page.get_by_role("log", name="Messages in help")
    await expect(log.locator(".day.new + .message")).to_contain_text("first")
    await expect(log.locator(".day.new")).to_have_count(1)
    await expect(page).to_have_title("#help - Sandbox")
    await page.get_by_role("button", name="general", exact=True).click()
    await page.get_by_role("button", name="help", exact=True).click()
    await expect(log.get_by_text("second")).to_be_visible()
    await expect(log.locator(".day.new")).to_have_count(0)


async def test_guests_and_people_from_outside_are_named_as_such(page: Page, ws: Workspace) -> None:
    await ws.person("gus").say("general", "from a guest")
    await expect(page.get_by_role("article", name="Gus Okafor")).to_contain_text("guest")
    await ws.person("xan").say("partners", "from outside")
    await page.get_by_role("button", name="partners").click()
    await expect(page.get_by_role("article", name="Xan Petrov")).to_contain_text("external")


async def test_stop_ends_a_stream_at_the_apps_next_word(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    ts = await ws.person("mia").say("general", "a long story, please")
    stream = await bot.chat_startStream(
        channel="C0GENERAL1", thread_ts=ts, recipient_user_id="U0MIA00001", recipient_team_id="T0SANDBOX1",
        markdown_text="Once upon"
    )  # fmt: skip
    thread = page.get_by_role("complementary", name="Thread")
    answer = thread.locator(f'[data-ts="{stream["ts"]}"]')
    await expect(answer.locator(".cursor")).to_be_visible()
    await answer.get_by_role("button", name="Stop").press("Enter")
    await expect(answer.get_by_text("This answer was stopped.")).to_be_visible()
    with pytest.raises(SlackApiError, match="stopped_by_user"):
        await bot.chat_appendStream(channel="C0GENERAL1", ts=stream["ts"], markdown_text=" a time")
    await expect(answer.locator(".body")).to_have_text("Once upon")


async def test_only_the_one_who_asked_can_stop(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    ts = await ws.person("mia").say("general", "a question")
    await bot.chat_startStream(
        channel="C0GENERAL1", thread_ts=ts, recipient_user_id="U0ADA00001", recipient_team_id="T0SANDBOX1",
        markdown_text="For Ada"
    )  # fmt: skip
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("is writing...")).to_be_visible()
    await expect(thread.get_by_role("button", name="Stop")).to_have_count(0)
    await expect(thread.get_by_text("For Ada")).to_have_count(0)


async def test_a_reaction_is_found_by_a_word_and_by_arrow_keys_in_a_skin_tone(page: Page, ws: Workspace) -> None:
    ts = await ws.person("ada").say("general", "hello")
    message = page.locator(f'[data-ts="{ts}"]')
    await message.focus()
    opener = message.get_by_role("button", name="Add a reaction")
    await opener.press("Enter")
    picker = page.get_by_role("dialog", name="Reactions")
    search = picker.get_by_role("searchbox", name="Find an emoji")
    await expect(search).to_be_focused()
    await page.keyboard.type("qwertz")
    await expect(picker.get_by_text("No emoji is called")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(picker).to_have_count(0)
    await expect(opener).to_be_focused()

    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await expect(picker.get_by_role("button", name="+1", exact=True).first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowRight")
    await expect(picker.get_by_role("button", name="smiley", exact=True)).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await expect(picker.get_by_role("radio", name="Light", exact=True)).to_be_checked()
    await page.keyboard.press("Tab")
    await expect(search).to_be_focused()
    await page.keyboard.type("thumbs up")
    await expect(picker.get_by_role("status")).to_contain_text("found")
    chosen = picker.get_by_role("button", name="+1, skin-tone-2")
    await expect(chosen).to_have_text("\U0001f44d\U0001f3fb")
    await page.keyboard.press("Enter")
    await expect(message.get_by_role("button", name="+1::skin-tone-2, 1 person")).to_be_visible()
    assert list((await ws.person("ada").message("general", ts)).reactions) == ["+1::skin-tone-2"]

    found = await page.evaluate(
        """async (typed) => {
          const { find, emoji } = await import("/page/js/emoji.js");
          return [typed.map((words) => find(words)[0]?.name ?? null), emoji("wave::skin-tone-6"), emoji("nothing")];
        }""",
        ["thumbsup", ":tada:", "happy", "check mark", "ROCKET", "  ", "no such thing"],
    )
    names, toned, unknown = found
    assert names == ["+1", "tada", "grinning", "white_check_mark", "rocket", None, None]
    assert toned == "\U0001f44b\U0001f3ff" and unknown == ":nothing:"


async def test_a_screen_reader_hears_what_arrives(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    heard = page.get_by_role("status").first
    await ws.person("ada").say("help", "over here")
    await expect(heard).to_have_text("Ada Lindqvist in help: over here")
    await ws.person("mia").say("general", f"{await ws.mention()} aloud")
    await expect(heard).to_contain_text("Echo: ")
    await expect(heard).to_contain_text("aloud")
    await expect(page.get_by_role("log", name="Messages in general")).to_be_visible()


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[click](javascript:alert(1)) <javascript:alert(1)|click>",
    "```\n<b>x</b>\n```",
    "| a | b |\n|---|---|\n| <i>c</i> | ![x](http://a.example/x.png) |",
]


async def test_no_text_becomes_markup(page: Page) -> None:
    """Hostile texts, and random ones made of everything that means something in Markdown or mrkdwn."""
    generator = random.Random(7)
    pieces = [
        "*",
        "_",
        "`",
        "```",
        "~",
        "\n",
        "<",
        ">",
        "&lt;",
        "[a](b)",
        "http://a.example",
        "|",
        "- ",
        "1. ",
        "# ",
        "x ",
    ]
    texts = HOSTILE + ["".join(generator.choices(pieces, k=12)) for _ in range(400)]
    found = await page.evaluate(
        """async (texts) => {
          const { markdown, mrkdwn } = await import("/page/js/text.js");
          const tags = new Set(), links = new Set();
          for (const text of texts) for (const render of [markdown, mrkdwn]) {
            const node = render(text);
            for (const element of node.querySelectorAll("*")) tags.add(element.tagName.toLowerCase());
            for (const link of node.querySelectorAll("a")) links.add(`${link.protocol} ${link.rel}`);
          }
          return [[...tags], [...links]];
        }""",
        texts,
    )
    tags, links = found
    allowed = {"p", "br", "strong", "em", "s", "code", "pre", "a", "span", "ul", "ol", "li", "blockquote", "hr"}
    allowed |= {"h3", "h4", "h5", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(tags) <= allowed
    assert links == ["http: noopener noreferrer nofollow"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** *i* ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>"),
        ("a &lt;b&gt; &amp; c", "<p>a &lt;b&gt; &amp; c</p>"),
        ("- one\n- two\n  - three", "<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul>"),
        ("snake_case_name and 2*3*4", "<p>snake_case_name and 2*3*4</p>"),
        ("```py\nx = '<'\n```", "<pre tabindex=\"0\"><code>x = '&lt;'</code></pre>"),
        ("# T\ntext", "<h3>T</h3><p>text</p>"),
    ],
)
async def test_markdown_is_drawn(page: Page, text: str, html: str) -> None:
    script = "async (text) => (await import('/page/js/text.js')).markdown(text).innerHTML"
    assert await page.evaluate(script, text) == html
