"""The warm trainer, from the worker's side: a process that stays from one training to the next (`warm_link` tells how
the two speak, `warm_program` what is in it).

It is led like a process of one training (`process`): a session of its own, a low priority, and a pid file, so that
whatever a killed worker leaves behind is found and ended by the next one. It has one base model; another one, or other
settings, are another process.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer import holding, process
from trainer.holding import HELD_NAME, NOTHING, Held
from trainer.swift import OUTPUT_NAME, PID_NAME, Training
from trainer.warm_link import decode, encode, lines

log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-m", "trainer.warm_program")
CANCEL_SECONDS = 10.0  # for the step that it is at; then the process is ended
PREPARED_WITHIN = 600.0  # seconds; reading a large model from a slow disk takes minutes
LOOK_SECONDS = 0.1
GONE_SECONDS = 5.0  # between the end of the connection and that of the process


class TrainerDied(Exception):
    """The warm trainer ended in the middle of a training; the message says how."""


@dataclass(frozen=True)
class Base:
    """What a warm trainer is made for. One for another base cannot be used."""

    argv: tuple[str, ...]
    """The flags with which ms-swift loads the model."""
    fingerprint: str
    """Of the model's files: they may have been exchanged."""
    environment: Mapping[str, str]
    """All of the process's variables."""


class Warm:
    """The one warm trainer of a worker, while there is one."""

    def __init__(
        self,
        folder: Path,
        idle: float,
        program: Sequence[str] = PROGRAM,
        stopping: threading.Event | None = None,
    ) -> None:
        """`folder` takes its pid file, log and cache; no other living worker may have it. When `stopping` is set, a
        training is ended at once instead of after its step."""
        self.folder, self._idle, self._program = folder, idle, program
        self._stopping = stopping or threading.Event()
        self._process: _Process | None = None

    @property
    def pid_file(self) -> Path:
        return self.folder / holding.PID_NAME

    @property
    def cache(self) -> Path:
        """A folder for what data sets are turned into; emptied after each training."""
        return self.folder / "cache"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether it is there and can be used."""
        return self._process is not None and not self._process.gone.is_set() and not self._process.spent

    @property
    def prepared(self) -> Mapping[str, Any] | None:
        """What it said when its base model was there (`at`, `seconds`); None: it is not, or is gone."""
        return self._process.prepared if self.alive and self._process else None

    @property
    def held(self) -> Held:
        """What it has of the memory, as it said last: after a training it is more than before."""
        return self._process.held if self.alive and self._process else NOTHING

    async def is_prepared(self) -> bool:
        """Wait until it is, or is gone; one that takes too long is ended."""
        give_up = time.monotonic() + PREPARED_WITHIN
        # No thread waits for it: one could not be cancelled, and a worker that is to stop would wait for it.
        while self._process is not None and not self._process.settled.is_set():
            if time.monotonic() > give_up:
                log.error("The warm trainer does not get ready.", extra={"action": "trainer_stuck"})
                await self.end()
                break
            await asyncio.sleep(LOOK_SECONDS)
        return self.prepared is not None

    async def prepare(self, base: Base) -> None:
        """See to it that a process gets ready for this base; returns while it does."""
        if self.alive and self._process and self._process.base == base:
            return
        await self.end()
        self.folder.mkdir(parents=True, exist_ok=True)
        if await process.stop_orphan(self.pid_file):
            log.warning("A warm trainer without a worker was ended.", extra={"action": "orphan_stopped"})
        for name in ("trainer.log", HELD_NAME):
            (self.folder / name).unlink(missing_ok=True)
        self._process = _Process(self._program, base, self.folder / "trainer.log", self.pid_file, self._idle)
        self._process.send({"do": "prepare", "argv": list(base.argv)})
        log.info("A warm trainer gets ready.", extra={"action": "trainer_started"})

    async def start(self, training: Training, command: Sequence[str]) -> "WarmJob":
        """Begin a training; `command` is what a process of its own would be started with."""
        assert self._process is not None, "prepare comes first"
        job = WarmJob(self._process, self._stopping)
        output = training.folder / OUTPUT_NAME
        output.touch()
        # So that a worker that only knows the run finds it too.
        with contextlib.suppress(FileNotFoundError):  # it is gone already; waiting for the job says so
            shutil.copy(self.pid_file, training.folder / PID_NAME)
        argv = list(command[command.index("swift.cli.sft") + 1 :])
        self._process.send({"do": "train", "argv": argv, "output": str(output)})
        return job

    async def end(self) -> None:
        """Have it give its memory back; returns when nothing of it is left."""
        if self._process is not None and not self._process.gone.is_set():
            await self._process.end()
            self.pid_file.unlink(missing_ok=True)  # if it is gone already, the file may be another worker's
        self._process = None


class _Process:
    """One living or dead trainer. A thread listens to it, and waits for its end."""

    def __init__(self, program: Sequence[str], base: Base, output: Path, pid_file: Path, idle: float) -> None:
        self.base, self._output, self._folder = base, output, pid_file.parent
        self.prepared: dict[str, Any] | None = None
        self.held = NOTHING
        self.gone, self.settled = threading.Event(), threading.Event()
        self.spent = False
        """It has said that a training failed, and is about to end."""
        self.heard: Callable[[dict[str, Any] | None], None] = lambda event: None
        """Told, by the thread, of each event, and with None of the end."""
        self._connection, theirs = socket.socketpair()
        self._popen: subprocess.Popen[bytes] = process.launch(
            [*program, str(theirs.fileno()), str(idle)],
            environment=base.environment,
            pid_file=pid_file,
            output=output,
            descriptor=theirs.fileno(),
        )
        theirs.close()
        threading.Thread(target=self._listen, name="warm-trainer", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def status(self) -> int | None:
        return self._popen.returncode

    def send(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone, which is heard of otherwise
            self._connection.sendall(encode(message))

    async def end(self) -> None:
        await process.end_group(self._popen.pid)
        await asyncio.to_thread(self.gone.wait)

    def _listen(self) -> None:
        for line in lines(self._connection):
            event = decode(line)
            if event is None:
                log.warning("The warm trainer said what is no event: %r", line[:200], extra={"action": "event_refused"})
                continue
            if held := holding.said(event):
                self._remember(held)
            if event.get("event") == "prepared":
                self.prepared = event
                self.settled.set()
                log.info("The warm trainer is ready: %s", event.get("seconds"), extra={"action": "trainer_ready"})
            self.spent = self.spent or (event.get("event") == "ended" and event.get("status") != 0)
            self.heard(event)
        self._connection.close()
        try:
            self._popen.wait(GONE_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, 9)
            self._popen.wait()
        log.info("The warm trainer has ended (%s).", self.status, extra={"action": "trainer_ended"})
        self.gone.set()
        self.settled.set()
        self.heard(None)

    def _remember(self, held: Held) -> None:
        self.held = held
        with contextlib.suppress(OSError):  # the disk is full, of which others tell; it is for `mend doctor` only
            holding.write(self._folder, held)


class WarmJob:
    """One training in the warm trainer; what `process` and `swift` need of a process of its own."""

    def __init__(self, trainer: _Process, stopping: threading.Event) -> None:
        self._trainer, self._stopping = trainer, stopping
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._status: int | None = None
        self._died = False
        trainer.heard = self._hear
        if trainer.gone.is_set():
            self._end(trainer.status, died=True)

    @property
    def returncode(self) -> int | None:
        return self._status

    async def wait(self) -> int:
        """The status with which a process of its own would have ended.

        Raises:
            TrainerDied: the whole trainer has ended instead.
        """
        await self._over.wait()
        if self._died:
            raise TrainerDied(f"The warm trainer ended with status {self._status} during a training.")
        assert self._status is not None
        return self._status

    async def stop(self) -> None:
        """End the training if it still goes on: after its step, or with its whole process when that takes too long."""
        if self._over.is_set():
            return
        give_up = time.monotonic() + CANCEL_SECONDS
        self._trainer.send({"do": "cancel"})
        while not self._over.is_set() and time.monotonic() < give_up and not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.2)
        if not self._over.is_set():
            await self._trainer.end()

    def _hear(self, event: dict[str, Any] | None) -> None:
        """Called by the listening thread."""
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nobody waits any more
            if event is None:
                self._loop.call_soon_threadsafe(self._end, self._trainer.status, True)
            elif event.get("event") == "ended":
                self._loop.call_soon_threadsafe(self._end, event.get("status"), False)

    def _end(self, status: object, died: bool) -> None:
        if not self._over.is_set():
            self._status, self._died = (status if isinstance(status, int) else 1), died
            self._over.set()
