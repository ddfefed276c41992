"""What an app may answer to clicks, submissions and commands: response URLs, stacks of modals, several sockets."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import HTTPStatusError
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from sandbox.client import SandboxError, Workspace
from sandbox.options import Timing
from sandbox.server import serve

MANIFEST = Path(__file__).with_name("sandbox_app.yaml")
GENERAL = "C0GENERAL1"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(action_id: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain(action_id), "value": "v"}


def modal(title: str, **fields: Any) -> dict[str, Any]:
    row = {"type": "actions", "block_id": "row", "elements": [button("push"), button("redo")]}
    return {
        "type": "modal",
        "callback_id": "step",
        "title": plain(title),
        "submit": plain("Next"),
        "blocks": [row],
        **fields,
    }


PANEL: list[dict[str, Any]] = [
    {"type": "actions", "block_id": "panel", "elements": [button("replace"), button("remove"), button("open")]},
    {
        "type": "section",
        "block_id": "choose",
        "text": {"type": "mrkdwn", "text": "pick"},
        "accessory": {
            "type": "overflow",
            "action_id": "more",
            "options": [{"text": plain("A"), "value": "a"}, {"text": plain("B"), "value": "b"}],
        },
    },
]


def build_panel(client: AsyncWebClient) -> AsyncApp:
    app = AsyncApp(client=client)

    @app.event("message")
    async def on_message() -> None:
        """Acknowledged and ignored."""

    @app.action("replace")
    async def on_replace(ack: Any, respond: Any) -> None:
        await ack()
        await respond("replaced", replace_original=True)

    @app.action("remove")
    async def on_remove(ack: Any, respond: Any) -> None:
        await ack()
        await respond(delete_original=True)

    @app.action("more")
    async def on_more(ack: Any, respond: Any, action: dict[str, Any]) -> None:
        await ack()
        await respond(f"chose {action['selected_option']['value']}")

    @app.action("open")
    async def on_open(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("One"))

    @app.action("push")
    async def on_push(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=modal("Two"))

    @app.action("redo")
    async def on_redo(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        view = body["view"]
        await client.views_update(view_id=view["id"], hash=view["hash"], view=modal("Changed"))

    @app.view("step")
    async def on_step(ack: Any, view: dict[str, Any]) -> None:
        match view["title"]["text"]:
            case "One":
                await ack(response_action="update", view=modal("Updated"))
            case "Two":
                await ack(response_action="push", view=modal("Three"))
            case _:
                await ack(response_action="clear")

    @app.command("/echo")
    async def on_echo(ack: Any, respond: Any) -> None:
        await ack()
        for number in range(6):
            await respond(f"answer {number}")

    return app


@asynccontextmanager
async def running(url: str) -> AsyncIterator[AsyncWebClient]:
    client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
    handler = AsyncSocketModeHandler(build_panel(client), app_token="xapp-sandbox")
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield client
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
def url() -> Iterator[str]:
    with serve(MANIFEST, timing=Timing(ack_timeout=30.0, redelivery=(0.0,), trigger_life=30.0)) as base_url:
        yield base_url


@pytest.fixture
async def ws(url: str) -> AsyncIterator[Workspace]:
    async with Workspace(url) as workspace:
        yield workspace


@pytest.fixture
async def bot(url: str, ws: Workspace) -> AsyncIterator[AsyncWebClient]:
    async with running(url) as client:
        await ws.wait_until_connected()
        yield client


async def posted_panel(bot: AsyncWebClient) -> str:
    return str((await bot.chat_postMessage(channel=GENERAL, text="panel", blocks=PANEL))["ts"])


async def test_a_response_url_answers_replaces_and_removes(ws: Workspace, bot: AsyncWebClient) -> None:
    mia, ts = ws.person("mia"), await posted_panel(bot)
    await mia.click(GENERAL, ts, "more", "b")
    chosen = await mia.wait_for(GENERAL, lambda m: m.text == "chose b")
    assert chosen.ephemeral
    await mia.click(GENERAL, ts, "replace")
    await mia.wait_for(GENERAL, lambda m: m.ts == ts and m.text == "replaced")
    other = await posted_panel(bot)
    await mia.click(GENERAL, other, "remove")
    await mia.wait_for(GENERAL, lambda m: m.ts == ts)
    assert other not in [m.ts for m in await mia.messages(GENERAL)]


async def test_a_response_url_ends_after_five_answers(ws: Workspace, bot: AsyncWebClient) -> None:
    mia = ws.person("mia")
    await mia.command("general", "/echo")
    await mia.wait_for("general", lambda m: m.text == "answer 4")

    async def sixth() -> list[str | None] | None:
        sent = [entry.get("error") for entry in await ws.traffic(kind="hook")]
        return sent if len(sent) == 6 else None

    assert await mia.until(sixth, {"traffic"}, 30) == [None] * 5 + ["used_url"]


async def test_modals_are_updated_pushed_and_cleared(ws: Workspace, bot: AsyncWebClient) -> None:
    mia, ts = ws.person("mia"), await posted_panel(bot)
    await mia.click(GENERAL, ts, "open")
    one = await mia.wait_for_view(lambda v: v.title == "One")
    await mia.click_view(one, "push")
    two = await mia.wait_for_view(lambda v: v.title == "Two")
    assert two.raw["root_view_id"] == one.id
    assert two.raw["previous_view_id"] == one.id
    assert await mia.submit(two) is None
    three = await mia.wait_for_view(lambda v: v.title == "Three")
    await mia.close(three)
    await mia.click_view(two, "redo")
    changed = await mia.wait_for_view(lambda v: v.title == "Changed")
    assert changed.id == two.id
    await mia.close(changed)
    assert await mia.submit(one) is None
    updated = await mia.wait_for_view(lambda v: v.title == "Updated")
    assert await mia.submit(updated) is None
    assert await mia.views() == []


async def test_a_trigger_is_too_old_after_its_time() -> None:
    with serve(MANIFEST, timing=Timing(trigger_life=0.0)) as url:
        async with Workspace(url) as ws, running(url) as bot:
            await ws.wait_until_connected()
            await ws.person("mia").command("general", "/echo")
            trigger_id = (await ws.traffic(kind="command"))[0]["payload"]["trigger_id"]
            with pytest.raises(SlackApiError) as late:
                await bot.views_open(trigger_id=trigger_id, view=modal("Late"))
            assert late.value.response["error"] == "expired_trigger_id"


async def test_what_is_not_there_cannot_be_clicked(ws: Workspace, bot: AsyncWebClient) -> None:
    mia, ts = ws.person("mia"), await posted_panel(bot)
    for action_id, value in (("nothing", None), ("more", "z")):
        with pytest.raises(SandboxError, match="invalid_choice"):
            await mia.click(GENERAL, ts, action_id, value)


async def test_a_delay_makes_the_app_wait(ws: Workspace, bot: AsyncWebClient) -> None:
    await ws.fault("delay", method="auth.test", ms=200, times=1)
    await bot.auth_test()
    took = [entry["ms"] for entry in await ws.traffic(kind="api") if entry["name"] == "auth.test"]
    assert took[-1] >= 200


async def opened(client: AsyncWebClient) -> str:
    return str((await client.apps_connections_open(app_token="xapp-sandbox"))["url"])


async def test_envelopes_are_shared_among_sockets_and_an_eleventh_is_refused(ws: Workspace, url: str) -> None:
    client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
    async with AsyncExitStack() as open_ones:
        for number in range(1, 11):
            socket = await open_ones.enter_async_context(connect(await opened(client), proxy=None))
            assert json.loads(await socket.recv())["num_connections"] == number
        async with connect(await opened(client), proxy=None) as eleventh:
            assert json.loads(await eleventh.recv())["reason"] == "too_many_websockets"
        for number in range(40):
            await ws.person("mia").say("general", f"message {number}")

        async def sent() -> list[Any] | None:
            """The sockets of all; what waits to be sent has none yet."""
            used = [entry["socket"] for entry in await ws.traffic(kind="event") if "socket" in entry]
            return used if len(used) >= 40 else None

        used = await ws.person("mia").until(sent, {"traffic"}, timeout=30)
        assert 5 <= len(set(used)) <= 10


async def test_a_ticket_is_good_for_one_socket(ws: Workspace, url: str) -> None:
    client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/api/")
    address = await opened(client)
    async with connect(address, proxy=None) as socket:
        assert json.loads(await socket.recv())["type"] == "hello"
        await socket.send("not JSON")
        await (await socket.ping(b"sdk-ping-pong:1"))
    with pytest.raises(InvalidStatus):
        await connect(address, proxy=None)
    unreadable = [entry for entry in await ws.traffic(kind="socket") if entry["name"] == "unreadable"]
    assert len(unreadable) == 1


async def test_a_file_is_read_back_only_with_the_token(ws: Workspace, url: str, bot: AsyncWebClient) -> None:
    done = await bot.files_upload_v2(content="a,b\n1,2\n", filename="table.csv", channel=GENERAL)
    message = await ws.person("mia").wait_for(GENERAL, lambda m: bool(m.files))
    assert await ws.read_file(message.files[0]) == b"a,b\n1,2\n"
    with pytest.raises(SlackApiError) as error:
        await bot.files_completeUploadExternal(files=[{"id": "F0NOTHING01"}])
    assert error.value.response["error"] == "file_not_found"
    assert done["file"]["url_private"].startswith(url)


async def test_a_deleted_file_is_gone_and_its_message_says_so(ws: Workspace, bot: AsyncWebClient) -> None:
    done = await bot.files_upload_v2(content="a,b\n", filename="table.csv", channel=GENERAL)
    await ws.person("mia").wait_for(GENERAL, lambda m: bool(m.files))
    await bot.files_delete(file=done["file"]["id"])
    message = await ws.person("mia").wait_for(GENERAL, lambda m: m.files[0]["mode"] == "tombstone")
    with pytest.raises(HTTPStatusError, match="404"):
        await ws.read_file(message.files[0])
    for call, file_id, code in (
        (bot.files_delete, done["file"]["id"], "file_deleted"),
        (bot.files_info, done["file"]["id"], "file_deleted"),
        (bot.files_delete, "F0NOTHING01", "file_not_found"),
    ):
        with pytest.raises(SlackApiError) as refused:
            await call(file=file_id)
        assert refused.value.response["error"] == code
