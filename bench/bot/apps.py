"""What bench/bot/ measures, each as a process of its own: Mend's bot, that of another checkout, a plain listener."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.bot import plain_bolt
from bench.report import ROOT
from bot.limits import FIRST_TEXT
from local import parts, ports
from local.processes import tail
from settings import Settings

Process = subprocess.Popen[bytes]
FREE = {"streams_per_minute": 1_000_000, "max_running_answers": 1_000_000}
"""The settings of a bot that holds nothing back."""


@dataclass(frozen=True)
class App:
    """One that answers. ``first_text``: characters it waits for before the first are shown."""

    name: str
    title: str
    first_text: int
    checkout: Path | None = None  # None: the plain listener

    @property
    def is_mend(self) -> bool:
        """Whether it holds answers back: so many run at once, and so many begin as a stream in a minute."""
        return self.checkout is not None


MEND = App("mend", "Mend", FIRST_TEXT, ROOT)
PLAIN = App("plain", "plain Bolt", plain_bolt.FIRST_TEXT)


@contextmanager
def model_server(pace: float, words: int) -> Iterator[str]:
    """The stand-in for the model, in a process of its own; its address."""
    port = ports.any_free()
    command = [sys.executable, "-m", "bench.bot.paced_model", "--port", str(port), "--pace", str(pace)]
    url = f"http://127.0.0.1:{port}"
    with _process([*command, "--words", str(words)], ROOT, {}) as server:
        _wait_for(server, f"{url}/health")
        yield url


@contextmanager
def started(app: App, settings: Settings, page: str, *, free: bool) -> Iterator[int]:
    """The app connected to the sandbox at ``page``, until the block ends; its process id.

    ``free``: without the limits that make an answer of Mend's wait on purpose.
    """
    if free:
        settings = settings.model_copy(update={"slack": settings.slack.model_copy(update=FREE)})
    part = parts.bot_part(settings, page)
    if app.checkout is None:
        command = [
            *(sys.executable, "-m", "bench.bot.plain_bolt", "--command", settings.slack.command),
            *("--api-url", settings.slack.api_url, "--model-url", f"{settings.serving.urls[0]}/v1"),
        ]
        running = _process(command, ROOT, {})
    else:
        running = _process(list(part.command), app.checkout, part.environment or {})
    with running as process:
        _wait_for(process, f"{page}/sandbox/sockets?count=1&timeout=1")
        yield process.pid


@contextmanager
def _process(
    command: Sequence[str], checkout: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.NamedTemporaryFile(prefix="mend-bench-", suffix=".log") as log:
        process = subprocess.Popen(
            list(command),
            cwd=checkout,
            env={**os.environ, **environment, "PYTHONPATH": str(checkout)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        except BaseException:
            print(f"{' '.join(command[:4])} said last:\n{tail(Path(log.name))}", file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait()


def _wait_for(process: Process, url: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"nothing answers at {url}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        reply = httpx.get(url, timeout=3, trust_env=False)
    except httpx.TransportError:
        return False
    return reply.status_code == 200 and (not reply.content.startswith(b"{") or reply.json().get("ok", True))
