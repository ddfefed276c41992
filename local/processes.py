"""The parts of Mend as processes: each in its own session, with its own log, watched, restarted, stopped in order."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import pids

LONGEST_PAUSE = 30.0  # seconds between two attempts to start a part again
STEADY = 60.0  # a part that ran this long starts its pauses anew
LARGEST_LOG = 10_000_000  # bytes; a larger log is set aside at the next start
ROOT = Path(__file__).resolve().parent.parent


class PartFailed(Exception):
    """A part did not become ready; the message says why and where its log is."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(f"{name} {why}. Its log: {log}\n{tail(log)}".rstrip())
        self.name = name


@dataclass(frozen=True)
class Part:
    """How one part is started, known to be ready, and stopped."""

    name: str
    command: Sequence[str]
    ready: Callable[[int], bool]
    """Asked again and again with the process id; must not take long."""
    environment: Mapping[str, str] | None = None
    """All of its variables; None hands on the caller's."""
    title: str = ""
    """The part in words, for the line that people read."""
    usually: str = "a second"
    ready_timeout: float = 60
    stop_signal: int = signal.SIGTERM
    stop_timeout: float = 15
    account: tuple[int, int] | None = None
    """User and group id to run as; None is the caller's own."""
    folder: Path = ROOT
    """Where it works; entered before the account is changed."""


class Supervisor:
    """Starts parts and keeps them running until ``stop``. Usable from several threads."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        """``folder`` takes logs and process marks; ``report`` gets a line for people at every change."""
        self.folder = folder
        self._report = report
        self._stopping = threading.Event()
        self._started: list[_Running] = []
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for name in pids.stop_recorded(folder):
            report(f"Stopped {name}, left over from a run that was killed.")
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "local.reaper", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl-C must not reach it
        )

    def start(self, part: Part) -> None:
        """Start a part and wait until it is ready; then watch it in the background.

        Raises:
            PartFailed: it ended, or was not ready in time. It is not running then.
        """
        running = _Running(part, self.folder)
        with self._lock:
            if self._stopping.is_set():
                raise PartFailed(part.name, "was not started: everything is being stopped", running.log)
            running.spawn()
            self._started.append(running)
        try:
            running.wait_ready(self._stopping)
        except PartFailed:
            running.stop()
            raise
        threading.Thread(target=self._watch, args=(running,), name=f"watch-{part.name}", daemon=True).start()

    def pid(self, name: str) -> int:
        """The process id of a running part, for tests and measurements."""
        return next(running.process.pid for running in self._started if running.part.name == name)

    def log(self, name: str) -> Path:
        """Where a part's output goes."""
        return self.folder / f"{name}.log"

    def stop(self) -> None:
        """Stop every part, the last started first; afterwards nothing of them runs. May be called twice."""
        self._stopping.set()
        with self._lock:
            started, self._started = self._started, []
        for running in reversed(started):
            running.stop()
        if self._reaper.stdin:
            self._reaper.stdin.close()
        self._reaper.wait()

    def _watch(self, running: "_Running") -> None:
        pause = 0.5
        while True:
            since = time.monotonic()
            status = running.process.wait()
            if self._stopping.is_set():
                return
            pause = 1.0 if time.monotonic() - since > STEADY else min(pause * 2, LONGEST_PAUSE)
            title = running.part.title or running.part.name
            self._report(f"{title} ended ({describe(status)}); it starts again in {pause:.0f} s. Log: {running.log}")
            if self._stopping.wait(pause):
                return
            try:
                with self._lock:
                    if self._stopping.is_set():
                        return
                    running.stop()  # what the dead process had started
                    running.spawn()
                running.wait_ready(self._stopping)
                self._report(f"{title} is back.")
            except PartFailed as error:
                if not self._stopping.is_set():
                    self._report(str(error))
                    running.stop()


class _Running:
    """A part's current process."""

    def __init__(self, part: Part, folder: Path) -> None:
        self.part, self.folder, self.log = part, folder, folder / f"{part.name}.log"
        self.process: subprocess.Popen[bytes]
        self.mark: pids.Mark

    def spawn(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        user, group = self.part.account or (None, None)
        with self.log.open("ab") as output:
            try:
                self.process = subprocess.Popen(
                    list(self.part.command),
                    cwd=self.part.folder,
                    env=None if self.part.environment is None else dict(self.part.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=user,
                    group=group,
                    extra_groups=None if group is None else [],
                )
            except OSError as error:
                raise PartFailed(self.part.name, f"cannot be started ({error})", self.log) from error
        self.mark = pids.Mark(
            name=self.part.name,
            pid=self.process.pid,
            identity=pids.identity(self.process.pid) or "ended at once",
            stop_signal=int(self.part.stop_signal),
            stop_timeout=self.part.stop_timeout,
        )
        pids.remember(self.folder, self.mark)

    def wait_ready(self, stopping: threading.Event) -> None:
        end = time.monotonic() + self.part.ready_timeout
        while not self.part.ready(self.process.pid):
            if (status := self.process.poll()) is not None:
                raise PartFailed(self.part.name, f"ended while starting ({describe(status)})", self.log)
            if time.monotonic() > end:
                raise PartFailed(self.part.name, f"was not ready after {self.part.ready_timeout:.0f} s", self.log)
            if stopping.wait(0.1):
                raise PartFailed(self.part.name, "was stopped while starting", self.log)

    def stop(self) -> None:
        reaped = threading.Thread(target=self.process.wait, daemon=True)
        reaped.start()  # a child that nobody waits for stays in the process list
        pids.stop(self.mark)
        reaped.join(timeout=10)
        pids.forget(self.folder, self.mark)


def describe(status: int) -> str:
    """An exit status in words."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, indented, for an error that people read."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
