"""HTTP mode: signatures are checked, old requests refused, and a request that comes again changes nothing."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import select

from bot.app import running
from bot.boot import BotSetupError
from feedback.database import Database
from feedback.models import Answer
from sandbox.client import Workspace
from sandbox.server import bind
from settings import Settings
from tests.integration.bot.conftest import QUICK, finished_answer, with_slack

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture
def http_settings(settings: Settings) -> Settings:
    listener = bind(0)
    port = listener.getsockname()[1]
    listener.close()
    http = {"mode": "http", "signing_secret": SecretStr(SECRET), "http_port": port, "app_token": SecretStr("")}
    return with_slack(settings, **http)


@pytest.fixture
async def slack(http_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running(http_settings, QUICK),
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{http_settings.slack.http_port}", trust_env=False, timeout=30
        ) as client,
    ):
        yield client


async def send(
    client: httpx.AsyncClient, body: dict[str, Any], *, secret: str = SECRET, age: float = 0
) -> httpx.Response:
    content, stamp = json.dumps(body), str(int(time.time() - age))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=content)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": str(signature),
    }
    return await client.post("/slack/events", content=content, headers=headers)


async def question(ws: Workspace, ts: str) -> dict[str, Any]:
    info = await ws.info()
    event = {
        "type": "app_mention",
        "user": await ws.user_id("mia"),
        "channel": next(c["id"] for c in await ws.person("mia").channels() if c["name"] == "general"),
        "text": f"{await ws.mention()} over http",
        "ts": ts,
    }
    team = info["team"]["id"]
    authorization = {"team_id": team, "user_id": await ws.bot_id(), "is_bot": True}
    return {
        "type": "event_callback",
        "team_id": team,
        "event_id": "Ev1",
        "event": event,
        "authorizations": [authorization],
    }


async def test_a_signed_event_is_answered_once_however_often_it_comes(
    slack: httpx.AsyncClient, ws: Workspace, db: Database
) -> None:
    mia = ws.person("mia")
    ts = await mia.say("general", "over http")  # no socket is open, so that Slack's own event goes nowhere
    body = await question(ws, ts)
    for _ in range(3):
        assert (await send(slack, body)).status_code == 200
    await mia.wait_for("general", finished_answer, thread_ts=ts)
    assert len([m for m in await mia.messages("general", ts) if m.by_app]) == 1


async def test_unsigned_and_old_requests_are_refused(slack: httpx.AsyncClient, ws: Workspace, db: Database) -> None:
    body = await question(ws, "1.0")
    assert (await send(slack, body, secret="another")).status_code == 401
    assert (await send(slack, body, age=600)).status_code == 401
    assert (await slack.post("/slack/events", json=body)).status_code == 401
    with db.begin() as session:
        assert list(session.scalars(select(Answer))) == []


async def test_the_addresss_owner_is_verified_where_the_bot_listens_and_nowhere_else(
    slack: httpx.AsyncClient, http_settings: Settings
) -> None:
    reply = await send(slack, {"type": "url_verification", "challenge": "abc"})
    assert reply.json() == {"challenge": "abc"}
    # Another address of this machine: whoever listens on all of them answers here as well.
    with pytest.raises(httpx.ConnectError):
        await slack.post(f"http://127.0.0.2:{http_settings.slack.http_port}/slack/events")


async def test_without_a_signing_secret_it_does_not_start(http_settings: Settings) -> None:
    with pytest.raises(BotSetupError, match="MEND_SLACK__SIGNING_SECRET"):
        async with running(with_slack(http_settings, signing_secret=SecretStr("")), QUICK):
            pass
