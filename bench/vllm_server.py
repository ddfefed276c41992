"""A vLLM server of one's own, for tests and benchmarks: started as `mend serve` starts it, on a free port."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from serving import server
from settings import ServingSettings


class VllmServer:
    """One server process and the settings to reach it. Its output goes to ``log``; ``card`` is the GPU it may see."""

    def __init__(self, base_model: Path, folder: Path, *, card: str | None = None, **options: object) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.log = folder / "vllm.log"
        self.settings = ServingSettings.model_validate(
            {
                "urls": [f"http://127.0.0.1:{port}"],
                "port": port,
                "device": "cpu",
                "base_model": base_model,
                "adapters_dir": folder / "adapters",
                "first_token_timeout": 120,
            }
            | options
        )
        for needed in (folder, self.settings.adapters_dir):
            needed.mkdir(parents=True, exist_ok=True)
        self._variables = {} if card is None else {"CUDA_VISIBLE_DEVICES": card}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.settings.urls[0]

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self, timeout: float = 180) -> float:  # noqa: ASYNC109
        """Start it and wait until it is ready; the seconds that took."""
        self._process = self._spawn()
        try:
            return await server.wait_ready(self.url, timeout, self.alive)
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """SIGKILL to the server and its engine, as the kernel does when memory runs out."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what is left after the drain."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=40)
        with suppress(ProcessLookupError):  # all gone, as it should be
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                server.command(self.settings),
                env=server.environment(self.settings, os.environ | self._variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
