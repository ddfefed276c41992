"""The sandbox as a program: it says where it is, stops when asked, and remembers."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.client import Workspace

ROOT = Path(__file__).parents[2]
MANIFEST = Path(__file__).with_name("sandbox_app.yaml")


@contextmanager
def program(state: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--manifest", str(MANIFEST), "--state", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("sandbox ready on http://127.0.0.1:")
            yield process, line.split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_cleanly_and_shows_the_old_conversation_again(tmp_path: Path, number: signal.Signals) -> None:
    with program(tmp_path) as (process, url):
        async with Workspace(url) as ws:
            mia = ws.person("mia")
            ts = await mia.say("general", "remember me")
            await mia.react("general", ts, "eyes")
            async for _ in ws.updates("mia"):
                break  # an open update stream must not hold up the end
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
    with program(tmp_path) as (_, url):
        async with Workspace(url) as ws:
            message = await ws.person("ada").message("general", ts)
            assert message.plain == "remember me"
            assert list(message.reactions) == ["eyes"]


def test_it_listens_on_the_loopback_address_alone(tmp_path: Path) -> None:
    with program(tmp_path) as (_, url):
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        # Another address of this machine: whoever listens on all of them answers here as well.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_wrong_manifest_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--manifest", str(tmp_path / "none.yaml"), "--state", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == f"sandbox: {tmp_path / 'none.yaml'}: No such file or directory"
