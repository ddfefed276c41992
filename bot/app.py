"""The Slack bot: ``build_app`` is the switchboard, ``main`` runs it until a signal comes."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.request import getproxies

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot import listeners
from bot.boot import BotSetupError, check_app_token, introduce, make_client
from bot.listening import Listening
from bot.mishaps import on_error
from bot.parts import Parts, wire
from bot.rhythm import Rhythm
from bot.supervision import keep_running
from feedback.persona import load_persona
from settings import Settings

log = logging.getLogger(__name__)

DEFAULT_RHYTHM = Rhythm()


def build_app(parts: Parts, listening: Listening) -> AsyncApp:
    """Bolt with every route, and who keeps account of the listeners."""
    slack = parts.settings.slack
    app = AsyncApp(
        client=parts.client,
        signing_secret=slack.signing_secret.get_secret_value() or None,
        request_verification_enabled=slack.mode == "http",
        raise_error_for_unhandled_request=True,
    )
    app.error(on_error)
    app.listener_runner.listener_start_handler = listening
    listeners.register(app, parts)
    return app


@asynccontextmanager
async def running(settings: Settings, rhythm: Rhythm = DEFAULT_RHYTHM) -> AsyncIterator[Parts]:
    """The whole bot, connected, until the block ends; then what was begun gets a while to end."""
    persona = load_persona(settings.persona_dir / "persona.yaml")
    async with AsyncExitStack() as stack:
        # Looking for a proxy is a visit to a thread for each call, so only where one is named.
        session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=bool(getproxies())))
        client = make_client(settings.slack, session)
        parts = wire(settings, await introduce(client), persona, client, rhythm)
        stack.push_async_callback(parts.close)
        listening = Listening()
        app = build_app(parts, listening)
        tasks = [asyncio.create_task(work, name=name) for name, work in background(parts, rhythm).items()]
        stack.push_async_callback(_cancel, tasks)
        stack.push_async_callback(_end, parts, listening, settings.slack.shutdown_grace)
        await stack.enter_async_context(_connected(app, parts))
        log.info("bot ready", extra={"action": "bot_ready", "mode": settings.slack.mode})
        yield parts


def background(parts: Parts, rhythm: Rhythm) -> dict[str, Coroutine[Any, Any, None]]:
    """What goes on beside the listeners, each restarted when it crashes."""
    return {
        "announcing": keep_running("announcing", parts.announcing.round, rhythm.announce),
        "experimenting": keep_running("experimenting", parts.experimenting.round, rhythm.announce),
        "illustrating": keep_running("illustrating", parts.illustrating.round, rhythm.announce),
        "retrying": keep_running("retrying", parts.intake.retry, rhythm.retry),
        "leases": keep_running("leases", parts.intake.renew, rhythm.renew),
        "kept": keep_running("kept", parts.save_kept, rhythm.save_kept),
        "automatic": keep_running("automatic", parts.automatic_runs.round, rhythm.automatic),
        "reconciling": keep_running("reconciling", parts.reconcile, rhythm.reconcile),
    }


@asynccontextmanager
async def _connected(app: AsyncApp, parts: Parts) -> AsyncIterator[None]:
    """Slack's requests come in: over a socket, or over HTTP with verified signatures."""
    slack = parts.settings.slack
    if slack.mode == "http":
        if not slack.signing_secret.get_secret_value():
            raise BotSetupError("HTTP mode needs MEND_SLACK__SIGNING_SECRET, from the app's Basic Information page.")
        runner = web.AppRunner(app.web_app(path="/slack/events"), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, slack.http_host, slack.http_port).start()
        try:
            yield
        finally:
            await runner.cleanup()
        return
    token = slack.app_token.get_secret_value()
    await check_app_token(parts.client, token)
    handler = AsyncSocketModeHandler(app, token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _end(parts: Parts, listening: Listening, seconds: float) -> None:
    """Let the listeners end, and the answers, which those may still begin; all in so many seconds."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    parts.intake.take_over_no_more()
    await listening.end(seconds)
    await parts.intake.drain(max(0.0, until - clock()))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings):
        await stop.wait()
        log.info("bot stopping", extra={"action": "bot_stopping"})


def main(settings: Settings | None = None) -> None:
    """Run the bot.

    Raises:
        BotSetupError: a token is missing or refused, or Slack cannot be reached.
        PersonaError: persona.yaml cannot be used.
    """
    asyncio.run(run(settings or Settings()))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
