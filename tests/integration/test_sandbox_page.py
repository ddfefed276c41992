"""The browser page, in headless Chromium, with a real Bolt app behind it."""

import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import Workspace
from sandbox.options import Timing
from sandbox.server import serve
from tests.chromium import launch
from tests.integration.sandbox_bolt_app import Heard, running_echo

MANIFEST = Path(__file__).with_name("sandbox_app.yaml")


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


@pytest.fixture
async def page(url: str) -> AsyncIterator[Page]:
    """A laptop's window acting as Mia. An error on the page fails the test."""
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        window = await browser.new_page(viewport={"width": 1280, "height": 800})
        window.set_default_timeout(10_000)
        window.on("pageerror", lambda error: problems.append(str(error)))
        window.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await window.goto(f"{url}/?as=mia#C0GENERAL1")
        await expect(window.get_by_role("heading", name="Sandbox")).to_be_visible()
        yield window
        await browser.close()
    assert problems == []


async def test_the_story_by_keyboard_alone(page: Page, ws: Workspace, bot: AsyncWebClient) -> None:
    await page.get_by_role("link", name="Skip to the message box").focus()
    await page.keyboard.press("Enter")
    box = page.get_by_role("combobox", name="Message general")
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


async def test_a_command_is_completed_and_answered(page: Page, bot: AsyncWebClient) -> None:
    box = page.get_by_role("combobox", name="Message general")
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
    await page.get_by_role("menuitem", name="tada").click()
    await expect(message.get_by_role("button", name="tada, 1 person")).to_have_attribute("aria-pressed", "true")
    assert list((await ada.message("general", ts)).reactions) == ["tada"]
    await ada.edit("general", ts, "hello again")
    await expect(message.get_by_text("hello again")).to_be_visible()
    await ada.delete("general", ts)
    await expect(page.get_by_text("hello again")).to_be_hidden()


async def test_one_window_can_act_as_another_person(page: Page, ws: Workspace) -> None:
    await page.get_by_text("Ada Lindqvist").click()
    await expect(page.get_by_role("radio", name="Ada Lindqvist admin")).to_be_checked()
    await page.get_by_role("combobox", name="Message general").fill("I am Ada")
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
