"""An unmodified Bolt app against the sandbox, over real HTTP and real Socket Mode."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import SandboxError, Workspace
from sandbox.options import Timing
from sandbox.server import serve
from tests.integration.sandbox_bolt_app import Heard, running_echo

MANIFEST = Path(__file__).with_name("sandbox_app.yaml")
PATIENT = Timing(ack_timeout=30.0, redelivery=(0.0, 0.1), trigger_life=30.0, file_delay=0.05)
HASTY = replace(PATIENT, ack_timeout=1.0)


@pytest.fixture
def timing() -> Timing:
    return PATIENT


@pytest.fixture
def url(timing: Timing) -> Iterator[str]:
    with serve(MANIFEST, timing=timing) as base_url:
        yield base_url


@pytest.fixture
async def ws(url: str) -> AsyncIterator[Workspace]:
    async with Workspace(url) as workspace:
        yield workspace


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def bot(url: str, ws: Workspace, heard: Heard) -> AsyncIterator[AsyncWebClient]:
    async with running_echo(url, heard) as client:
        await ws.wait_until_connected()
        yield client


async def test_a_mention_is_answered_by_a_stream_and_feedback_opens_a_modal(
    ws: Workspace, bot: AsyncWebClient, heard: Heard
) -> None:
    mia = ws.person("mia")
    ts = await mia.say("general", f"{await ws.mention()} one two <three>")
    answer = await mia.wait_for("general", lambda m: m.by_app and not m.streaming, thread_ts=ts)
    assert "one two" in answer.plain
    assert answer.thread_ts == ts

    await mia.click("general", answer.ts, "feedback", "negative")
    view = await mia.wait_for_view()
    assert view.title == "Say it better"
    assert view.private_metadata == answer.ts
    assert await mia.submit(view, {"words": {"text": ""}}) == {"words": "Please complete this required field."}
    assert await mia.submit(view, {"words": {"text": "same"}}) == {"words": "That is the same."}
    assert [v.id for v in await mia.views()] == [view.id]
    assert await mia.submit(view, {"words": {"text": "better"}}) is None
    assert await mia.views() == []

    note = await mia.wait_for("general", lambda m: m.ephemeral)
    assert note.plain == "noted: better"
    assert note.ts not in [m.ts for m in await ws.person("ada").messages("general")]
    click = heard.of_type("block_actions")[0]
    assert click["actions"][0]["type"] == "feedback_buttons"
    assert click["actions"][0]["value"] == "bad"
    assert click["container"]["thread_ts"] == ts


async def test_a_mention_arrives_as_two_events_with_one_ts(ws: Workspace, bot: AsyncWebClient, heard: Heard) -> None:
    mia = ws.person("mia")
    ts = await mia.say("general", f"{await ws.mention()} hi")
    await mia.wait_for("general", lambda m: m.by_app and not m.streaming, thread_ts=ts)
    bodies = [body for body in heard.bodies if body["event"].get("ts") == ts]
    assert sorted(body["event"]["type"] for body in bodies) == ["app_mention", "message"]
    assert len({body["event_id"] for body in bodies}) == 2


async def test_a_closed_modal_is_reported(ws: Workspace, bot: AsyncWebClient, heard: Heard) -> None:
    mia = ws.person("mia")
    ts = await mia.say("general", f"{await ws.mention()} hi")
    answer = await mia.wait_for("general", lambda m: m.by_app and not m.streaming, thread_ts=ts)
    await mia.click("general", answer.ts, "feedback", "positive")
    await mia.close(await mia.wait_for_view())
    assert [body["is_cleared"] for body in heard.of_type("view_closed")] == [False]


async def test_slash_commands_answer_at_once_and_through_the_response_url(ws: Workspace, bot: AsyncWebClient) -> None:
    mia = ws.person("mia")
    answer = await mia.command("general", "/echo", "hello @ada & co")
    assert answer is not None
    assert answer.ephemeral
    assert answer.text == "you said hello <@U0ADA00001|ada> &amp; co"
    seen = await ws.person("ada").wait_for("general", lambda m: m.text == "and everyone hears it")
    assert not seen.ephemeral
    plain = await mia.command("general", "/plain", "hello <@U0ADA00001> & co")
    assert plain is not None
    assert plain.text == "hello @ada & co"
    with pytest.raises(SandboxError, match="unknown_command"):
        await mia.command("general", "/nothing")


async def test_a_direct_message_is_answered_and_edits_and_reactions_are_told(
    ws: Workspace, bot: AsyncWebClient, heard: Heard
) -> None:
    mia = ws.person("mia")
    ts = await mia.say("dm", "a < b & c", app_context={"entities": []})
    answer = await mia.wait_for("dm", lambda m: m.by_app)
    assert answer.text == "echo a &lt; b &amp; c"
    await mia.react("dm", answer.ts, "thumbsdown")
    await mia.unreact("dm", answer.ts, "thumbsdown")
    await mia.edit("dm", ts, "changed")
    await mia.delete("dm", ts)
    await mia.open_home()
    await mia.look_at("general")
    await heard.until(lambda: len(heard.events("app_context_changed")) == 1)
    added = heard.events("reaction_added")[0]
    assert (added["reaction"], added["item_user"], added["item"]["ts"]) == (
        "thumbsdown",
        await ws.bot_id(),
        answer.ts,
    )
    assert len(heard.events("reaction_removed")) == 1
    assert heard.events("app_home_opened")[0]["tab"] == "home"
    subtypes = [event.get("subtype") for event in heard.events("message")]
    assert subtypes == [None, "message_changed", "message_deleted"]
    assert heard.events("message")[0]["app_context"] == {"entities": []}


@pytest.mark.parametrize("timing", [HASTY])
async def test_an_event_that_is_not_acknowledged_is_delivered_again(
    ws: Workspace, bot: AsyncWebClient, heard: Heard
) -> None:
    await ws.fault("drop_acks", times=1)
    mia = ws.person("mia")
    await mia.say("general", "hello")
    await heard.until(lambda: len(heard.bodies) >= 2)
    assert len({body["event_id"] for body in heard.bodies}) == 1
    sent = await ws.traffic(kind="event")
    assert [entry["attempt"] for entry in sent][:2] == [0, 1]
    assert len({entry["envelope_id"] for entry in sent}) == len(sent)


async def test_a_duplicate_looks_like_a_first_delivery(ws: Workspace, bot: AsyncWebClient, heard: Heard) -> None:
    await ws.fault("duplicate", times=1)
    await ws.person("mia").say("general", "hello")
    await heard.until(lambda: len(heard.bodies) == 2)
    assert [entry["attempt"] for entry in await ws.traffic(kind="event")] == [0, 0]


async def test_an_app_without_an_answer_costs_the_person_an_error(ws: Workspace) -> None:
    with pytest.raises(SandboxError, match="dispatch_failed"):
        await ws.person("mia").command("general", "/echo", "anyone?")


async def test_an_event_waits_for_an_app_that_comes_late(ws: Workspace, url: str, heard: Heard) -> None:
    await ws.person("mia").say("general", "early")
    async with running_echo(url, heard):
        await heard.until(lambda: len(heard.bodies) == 1)


async def test_the_app_comes_back_after_a_disconnect(ws: Workspace, bot: AsyncWebClient, heard: Heard) -> None:
    await ws.fault("disconnect", reason="refresh_requested")
    await ws.wait_until_connected()
    await ws.person("mia").say("general", "still there?")
    await heard.until(lambda: len(heard.bodies) == 1)


async def test_rate_limits_and_missing_methods_reach_the_app(ws: Workspace, bot: AsyncWebClient) -> None:
    await ws.fault("rate_limit", method="chat.postMessage", times=1, retry_after=7)
    with pytest.raises(SlackApiError) as limited:
        await bot.chat_postMessage(channel="C0GENERAL1", text="hi")
    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "7"
    await bot.chat_postMessage(channel="C0GENERAL1", text="hi")
    await ws.fault("no_streaming")
    with pytest.raises(SlackApiError) as missing:
        await bot.chat_startStream(channel="C0GENERAL1", thread_ts="1.0")
    assert missing.value.response["error"] == "unknown_method"
    assert (await ws.counts())["chat.postMessage"] == 2


async def test_a_picture_is_uploaded_shared_and_used_in_a_block(ws: Workspace, bot: AsyncWebClient) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(64)
    done = await bot.files_upload_v2(
        file=picture, filename="table.png", title="Table", channel="C0GENERAL1", initial_comment="see"
    )
    mia = ws.person("mia")
    message = await mia.wait_for("general", lambda m: bool(m.files))
    assert message.text == "see"
    assert await ws.read_file(message.files[0]) == picture
    info = await bot.files_info(file=done["file"]["id"])
    assert info["file"]["mimetype"] == "image/png"
    block = {"type": "image", "slack_file": {"id": info["file"]["id"]}, "alt_text": "a table"}
    await bot.chat_postMessage(channel="C0GENERAL1", text="table", blocks=[block])


async def test_stop_reaches_the_app_as_stopped_by_user(ws: Workspace, bot: AsyncWebClient) -> None:
    mia = ws.person("mia")
    ts = await mia.say("dm", "go")
    dm = await mia.open_dm()
    stream = await bot.chat_stream(channel=dm, thread_ts=ts, buffer_size=1)
    await stream.append(markdown_text="once upon")
    live = await mia.wait_for("dm", lambda m: m.streaming)
    assert live.plain == "once upon"
    await mia.stop("dm", live.ts)
    with pytest.raises(SlackApiError) as stopped:
        await stream.append(markdown_text=" a time")
    assert stopped.value.response["error"] == "stopped_by_user"
