"""The Web API as slack_sdk's own client calls it, without a Bolt app."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.client import SandboxError, Workspace
from sandbox.manifest import parse_manifest
from sandbox.options import Timing
from sandbox.server import serve
from tests.integration.sandbox_bolt_app import FEEDBACK

MANIFEST = Path(__file__).with_name("sandbox_app.yaml")
GENERAL = "C0GENERAL1"
TIMING = Timing(ack_timeout=0.1, redelivery=(), stream_life=300, file_delay=0.0)


@pytest.fixture
def url() -> Iterator[str]:
    with serve(MANIFEST, timing=TIMING) as base_url:
        yield base_url


@pytest.fixture
async def ws(url: str) -> AsyncIterator[Workspace]:
    async with Workspace(url) as workspace:
        yield workspace


@pytest.fixture
def bot(url: str) -> AsyncWebClient:
    return AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


async def call(url: str, method: str, **options: Any) -> dict[str, Any]:
    options.setdefault("headers", {}).setdefault("Authorization", "Bearer xoxb-sandbox")
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.request(options.pop("verb", "POST"), f"{url}/api/{method}", **options)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"channel": GENERAL, "text": "hi", "team_id": "T0"}},
        {"data": {"channel": GENERAL, "text": "hi"}},
        {"params": {"channel": GENERAL, "text": "hi"}},
        {"params": {"channel": GENERAL, "text": "hi", "token": "xoxb-sandbox"}, "headers": {"Authorization": ""}},
        {"data": {"channel": GENERAL, "text": "hi"}, "files": {"unused": b""}},
        {"params": {"channel": GENERAL, "text": "hi"}, "verb": "GET"},
        {"data": {"channel": GENERAL, "text": "hi", "blocks": json.dumps([{"type": "divider"}])}},
    ],
)
async def test_every_form_of_arguments_is_understood(url: str, options: dict[str, Any]) -> None:
    body = await call(url, "chat.postMessage", **options)
    assert body["ok"], body
    assert body["message"]["text"] == "hi"


async def test_refusals_have_slacks_words(url: str, bot: AsyncWebClient) -> None:
    assert (await call(url, "chat.fly"))["error"] == "unknown_method"
    assert (await call(url, "auth.test", headers={"Authorization": "Bearer nonsense"}))["error"] == "invalid_auth"
    assert (await call(url, "auth.test", headers={"Authorization": ""}))["error"] == "not_authed"
    assert (await call(url, "chat.postMessage", content=b"{", headers={"Content-Type": "application/json"}))[
        "error"
    ] == "invalid_json"
    assert await refused(bot.apps_connections_open(app_token="xoxb-sandbox")) == "not_allowed_token_type"
    assert await refused(bot.chat_postMessage(channel="C0NOWHERE1", text="a")) == "channel_not_found"
    assert await refused(bot.chat_update(channel=GENERAL, ts="1.0", text="a")) == "message_not_found"
    assert await refused(bot.chat_postMessage(channel=GENERAL, text="a", thread_ts="1.0")) == "thread_not_found"
    assert await refused(bot.users_info(user="U0NOBODY00")) == "user_not_found"


async def test_a_missing_scope_names_what_is_needed(bot: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await bot.usergroups_users_list(usergroup="S0ADMINS01")
    assert error.value.response["error"] == "missing_scope"
    assert error.value.response["needed"] == "usergroups:read"
    assert "chat:write" in error.value.response["provided"]


async def test_invalid_blocks_say_where(bot: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await bot.chat_postMessage(channel=GENERAL, text="a", blocks=[{"type": "hologram"}])
    assert error.value.response["error"] == "invalid_blocks"
    details = error.value.response["response_metadata"]["messages"]
    assert details == ["[ERROR] unsupported type: hologram [json-pointer:/blocks/0/type]"]


async def test_who_is_there_can_be_asked(bot: AsyncWebClient) -> None:
    me = await bot.auth_test()
    assert me["team_id"] == "T0SANDBOX1"
    ada = (await bot.users_info(user="U0ADA00001"))["user"]
    assert ada["is_admin"]
    assert not ada["is_bot"]
    xan = (await bot.users_info(user="U0XAN00001"))["user"]
    assert xan["is_stranger"]
    assert xan["team_id"] != me["team_id"]
    members = (await bot.conversations_members(channel=GENERAL, limit=3))["members"]
    assert len(members) == 3
    listed = await bot.conversations_list(limit=2)
    assert [channel["name"] for channel in listed["channels"]] == ["general", "help"]
    rest = await bot.conversations_list(limit=2, cursor=listed["response_metadata"]["next_cursor"])
    assert [channel["name"] for channel in rest["channels"]] == ["partners"]
    opened = await bot.conversations_open(users=["U0MIA00001"])
    assert opened["channel"]["id"] == "D0MIA00001"


async def test_messages_are_changed_deleted_and_read_back(ws: Workspace, bot: AsyncWebClient) -> None:
    first = await bot.chat_postMessage(channel=GENERAL, text="first")
    reply = await bot.chat_postMessage(channel=GENERAL, text="reply", thread_ts=first["ts"])
    await bot.chat_update(channel=GENERAL, ts=reply["ts"], text="better")
    thread = await bot.conversations_replies(channel=GENERAL, ts=first["ts"])
    assert [m["text"] for m in thread["messages"]] == ["first", "better"]
    assert thread["messages"][0]["reply_count"] == 1
    assert "edited" in thread["messages"][1]
    history = await bot.conversations_history(channel=GENERAL)
    assert [m["ts"] for m in history["messages"]] == [first["ts"]]
    link = (await bot.chat_getPermalink(channel=GENERAL, message_ts=reply["ts"]))["permalink"]
    assert f"p{reply['ts'].replace('.', '')}?thread_ts={first['ts']}" in link
    await bot.chat_delete(channel=GENERAL, ts=first["ts"])
    assert (await ws.person("mia").message(GENERAL, first["ts"])).text == "This message was deleted."
    await bot.chat_delete(channel=GENERAL, ts=reply["ts"])
    assert len(await ws.person("mia").messages(GENERAL)) == 1


async def test_an_app_changes_only_its_own_messages(ws: Workspace, bot: AsyncWebClient) -> None:
    ts = await ws.person("mia").say("general", "mine")
    assert await refused(bot.chat_update(channel=GENERAL, ts=ts, text="a")) == "cant_update_message"
    assert await refused(bot.chat_delete(channel=GENERAL, ts=ts)) == "cant_delete_message"


async def test_text_and_markdown_have_limits(bot: AsyncWebClient) -> None:
    assert await refused(bot.chat_postMessage(channel=GENERAL, markdown_text="x" * 12_001)) == "msg_too_long"
    assert await refused(bot.chat_postMessage(channel=GENERAL, text="a", markdown_text="b")) == "markdown_text_conflict"
    ts = (await bot.chat_postMessage(channel=GENERAL, text="a"))["ts"]
    assert await refused(bot.chat_update(channel=GENERAL, ts=ts, text="x" * 4001)) == "msg_too_long"
    assert await refused(bot.api_call("chat.postMessage", json={"channel": GENERAL})) == "no_text"


async def test_a_stream_grows_and_stops_with_blocks(ws: Workspace, bot: AsyncWebClient) -> None:
    mia = ws.person("mia")
    ts = await mia.say("general", "go")
    started = await bot.chat_startStream(
        channel=GENERAL, thread_ts=ts, recipient_team_id="T0SANDBOX1", recipient_user_id="U0MIA00001"
    )
    where = {"channel": GENERAL, "ts": started["ts"]}
    await bot.chat_appendStream(**where, chunks=[{"type": "markdown_text", "text": "half"}])
    assert (await mia.message("general", started["ts"])).text == "half"
    assert (await ws.person("ada").message("general", started["ts"])).text == ""
    assert await refused(bot.chat_update(**where, text="no")) == "streaming_state_conflict"
    with pytest.raises(SandboxError, match="not_recipient"):
        await ws.person("ada").stop("general", started["ts"])
    await bot.chat_stopStream(**where, chunks=[], blocks=[FEEDBACK])
    seen = await ws.person("ada").message("general", started["ts"])
    assert (seen.text, seen.streaming) == ("half", False)
    assert seen.element("feedback") is not None
    assert await refused(bot.chat_appendStream(**where, markdown_text="x")) == "message_not_in_streaming_state"
    await bot.chat_update(**where, text="all of it")


async def test_streams_are_refused_as_slack_refuses_them(ws: Workspace, bot: AsyncWebClient) -> None:
    ts = await ws.person("mia").say("general", "go")
    where: dict[str, Any] = {"channel": GENERAL, "thread_ts": ts}
    team: dict[str, Any] = {"recipient_team_id": "T0SANDBOX1"}
    assert await refused(bot.chat_startStream(**where)) == "missing_recipient_team_id"
    assert await refused(bot.chat_startStream(**where, **team)) == "missing_recipient_user_id"
    where |= team | {"recipient_user_id": "U0MIA00001"}
    both: dict[str, Any] = {"markdown_text": "a", "chunks": [{"type": "markdown_text", "text": "b"}]}
    assert await refused(bot.chat_startStream(**where, **both)) == "invalid_arguments"
    assert await refused(bot.chat_startStream(**where, chunks=[{"type": "song"}])) == "invalid_chunks"
    assert await refused(bot.chat_startStream(**where, markdown_text="x" * 12_001)) == "msg_too_long"
    stream = (await bot.chat_startStream(**where, markdown_text="é" * 5000))["ts"]
    assert await refused(bot.chat_appendStream(channel=GENERAL, ts=stream, markdown_text="é" * 501)) == "msg_too_long"
    late = bot.chat_appendStream(channel=GENERAL, ts=stream, markdown_text="x")
    assert await refused(late) == "message_not_in_streaming_state"


async def test_an_old_stream_has_ended(ws: Workspace) -> None:
    with serve(MANIFEST, timing=Timing(stream_life=0.0, redelivery=())) as url:
        bot = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
        async with Workspace(url) as other:
            ts = await other.person("mia").say("dm", "go")
        stream = (await bot.chat_startStream(channel="D0MIA00001", thread_ts=ts, markdown_text="a"))["ts"]
        late = bot.chat_stopStream(channel="D0MIA00001", ts=stream)
        assert await refused(late) == "message_not_in_streaming_state"


async def test_a_status_shows_until_the_answer(ws: Workspace, bot: AsyncWebClient) -> None:
    mia = ws.person("mia")
    ts = await mia.say("general", "hello")
    await bot.assistant_threads_setStatus(
        channel_id=GENERAL, thread_ts=ts, status="is thinking...", loading_messages=["Reading...", "Thinking..."]
    )
    status = (await mia.statuses("general"))[0]
    assert (status["status"], status["loading_messages"]) == ("is thinking...", ["Reading...", "Thinking..."])
    await bot.chat_postMessage(channel=GENERAL, thread_ts=ts, text="done")
    assert await mia.statuses("general") == []


async def test_suggested_prompts_are_those_of_the_manifest_until_the_app_sets_its_own(
    ws: Workspace, bot: AsyncWebClient
) -> None:
    mia = ws.person("mia")
    assert (await mia.prompts())["prompts"] == [{"title": "Say hello", "message": "hello"}]
    dm = await mia.open_dm()
    prompts = [{"title": "New", "message": "new"}]
    ts = await mia.say("dm", "hi")
    await bot.assistant_threads_setSuggestedPrompts(channel_id=dm, thread_ts=ts, prompts=prompts)
    assert (await mia.prompts())["prompts"][0]["title"] == "Say hello"
    await bot.assistant_threads_setSuggestedPrompts(channel_id=dm, title="Try", prompts=prompts)
    assert await mia.prompts() == {"title": "Try", "prompts": prompts}
    many = bot.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=prompts * 5)
    assert await refused(many) == "invalid_arguments"


async def test_a_home_is_published_and_guarded_by_its_hash(ws: Workspace, bot: AsyncWebClient) -> None:
    view = {"type": "home", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Queue"}}]}
    first = await bot.views_publish(user_id="U0MIA00001", view=view)
    home = await ws.person("mia").wait_for_home()
    assert home.plain == "Queue"
    second = await bot.views_publish(user_id="U0MIA00001", view=view, hash=first["view"]["hash"])
    assert second["view"]["id"] == first["view"]["id"]
    stale = bot.views_publish(user_id="U0MIA00001", view=view, hash=first["view"]["hash"])
    assert await refused(stale) == "hash_conflict"
    assert await ws.person("ada").home() is None


async def test_reactions_of_the_app(ws: Workspace, bot: AsyncWebClient) -> None:
    ts = await ws.person("mia").say("general", "hi")
    await bot.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    assert await refused(bot.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")) == "already_reacted"
    assert await refused(bot.reactions_add(channel=GENERAL, timestamp=ts, name="no name")) == "invalid_name"
    got = await bot.reactions_get(channel=GENERAL, timestamp=ts)
    assert got["message"]["reactions"][0]["name"] == "eyes"
    await bot.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")
    assert await refused(bot.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")) == "no_reaction"


async def test_ephemeral_messages_reach_one_member(ws: Workspace, bot: AsyncWebClient) -> None:
    await bot.chat_postEphemeral(channel=GENERAL, user="U0MIA00001", text="psst")
    mia = ws.person("mia")
    whisper = (await mia.messages("general"))[0]
    assert whisper.ephemeral
    assert await ws.person("ada").messages("general") == []
    assert (await bot.conversations_history(channel=GENERAL))["messages"] == []
    await mia.delete("general", whisper.ts)
    assert await mia.messages("general") == []
    outsider = bot.chat_postEphemeral(channel=GENERAL, user="U0XAN00001", text="psst")
    assert await refused(outsider) == "user_not_in_channel"


async def test_feedback_buttons_can_be_refused(ws: Workspace, bot: AsyncWebClient) -> None:
    await ws.fault("refuse_feedback")
    assert await refused(bot.chat_postMessage(channel=GENERAL, text="a", blocks=[FEEDBACK])) == "invalid_blocks"
    await ws.clear_faults()
    await bot.chat_postMessage(channel=GENERAL, text="a", blocks=[FEEDBACK])


async def test_without_scopes_or_tabs_in_the_manifest(ws: Workspace) -> None:
    document = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    del document["oauth_config"]
    document["features"]["app_home"] = {"home_tab_enabled": False, "messages_tab_enabled": False}
    with serve(parse_manifest(document)) as url:
        bot = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
        assert (await bot.usergroups_users_list(usergroup="S0ADMINS01"))["users"] == ["U0ADA00001"]
        assert await refused(bot.chat_postMessage(channel="D0MIA00001", text="a")) == "messages_tab_disabled"
        assert await refused(bot.views_publish(user_id="U0MIA00001", view={"type": "home", "blocks": []})) == (
            "not_enabled"
        )


async def test_a_foreign_page_cannot_act_here(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        form = await http.post(f"{url}/sandbox/people/mia/say", data={"channel": "general", "text": "hi"})
        assert form.status_code == 400
        rebound = await http.get(f"{url}/sandbox/workspace", headers={"Host": "evil.example"})
        assert rebound.status_code == 400


async def test_people_see_and_do_only_what_they_may(ws: Workspace) -> None:
    gus, xan = ws.person("gus"), ws.person("xan")
    assert [channel["id"] for channel in await xan.channels()] == ["C0PARTNER1", "D0XAN00001"]
    with pytest.raises(SandboxError, match="not_in_channel"):
        await xan.say("general", "hi")
    ts = await gus.say("general", "hi")
    with pytest.raises(SandboxError, match="cant_update_message"):
        await ws.person("mia").edit("general", ts, "changed")
    with pytest.raises(SandboxError, match="user_not_found"):
        await ws.person("nobody").say("general", "hi")
