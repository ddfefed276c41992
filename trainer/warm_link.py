"""How the worker and the warm trainer speak with each other: lines of JSON over a socket that the trainer inherits.

    worker says                                     trainer answers
    {"do": "prepare", "argv": [...]}                {"event": "prepared", ...}
    {"do": "train", "argv": [...], "output": file}  {"event": "ended", "status": 0, ...}
    {"do": "cancel"}                                nothing; the training ends after the step that it is at
    {"do": "exit"}                                  nothing; it is gone

`argv` is what `python -m swift.cli.sft` would be given, `output` the file that takes what is written meanwhile. An
answer has the time under "at", in seconds since 1970, and where all went well what the trainer holds then under "bytes"
(of the machine's memory) and "gpu_bytes". One thing is done after the other. A line that is no such thing
is passed over. What cannot be done ends the trainer, so that the next training finds one without a past: preparing
with status 1 of the process, a training after it has said the status. Nothing has to be said for a trainer to end: it
goes when the worker is gone, whatever it is doing, and when it has been told nothing for a while.

This module is light: the worker imports it too.
"""

import json
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

LONGEST_LINE = 1_000_000
Message = Mapping[str, Any]


class Program(Protocol):
    """What a trainer can do."""

    def prepare(self, argv: Sequence[str]) -> Message:
        """Get everything that trainings need; what is worth telling of it."""

    def train(self, argv: Sequence[str], cancelled: threading.Event) -> None:
        """One training, to its end or to the step at which `cancelled` is set."""

    def holds(self) -> Message:
        """What it holds of the memory now: `bytes` of the machine's, `gpu_bytes` of the GPU's."""


def encode(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """The message in a line; None when it holds none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def lines(connection: socket.socket) -> Iterator[bytes]:
    """Everything that the other side says until it is gone."""
    with connection.makefile("rb") as file:
        try:
            while line := file.readline(LONGEST_LINE):
                yield line
        except OSError:
            return  # it has gone in the middle of a word


@dataclass(frozen=True)
class _Order:
    """Something to be done, as it was told."""

    do: str
    argv: list[str]
    output: str = ""


def order(message: Message | None) -> _Order | None:
    """What a message tells to do; None when it tells nothing that can be done."""
    do, argv, output = ((message or {}).get(name) for name in ("do", "argv", "output"))
    if do in {"cancel", "exit"}:
        return _Order(do, [])
    if not isinstance(argv, list) or not all(isinstance(one, str) for one in argv):
        return None
    if do == "prepare" or (do == "train" and isinstance(output, str)):
        return _Order(do, argv, output or "")
    return None


class Trainer:
    """The trainer's side: does what it is told, one thing after the other."""

    def __init__(self, program: Program, connection: socket.socket, idle: float) -> None:
        self._program, self._connection, self._idle = program, connection, idle
        self._orders: queue.Queue[_Order] = queue.Queue()
        self._cancelled = threading.Event()

    def serve(self) -> int:
        """Work until there is nothing more to do; the exit status."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            try:
                told = self._orders.get(timeout=self._idle)
            except queue.Empty:
                print(f"Nothing to do for {self._idle:.0f} s: the memory is given back.", flush=True)
                return 0
            if told.do == "exit":
                return 0
            status = self._prepare(told) if told.do == "prepare" else self._train(told)
            if status != 0:
                return status

    def _listen(self) -> None:
        for line in lines(self._connection):
            told = order(decode(line))
            if told is None:
                print(f"This was not understood: {line[:200]!r}", flush=True)
            elif told.do == "cancel":
                self._cancelled.set()
            else:
                if told.do == "train":
                    self._cancelled.clear()
                self._orders.put(told)
        _vanish()

    def _prepare(self, told: _Order) -> int:
        try:
            self._tell("prepared", **self._program.prepare(told.argv), **self._program.holds())
        except Exception:
            traceback.print_exc()
            return 1
        return 0

    def _train(self, told: _Order) -> int:
        status = 0
        with _written_to(Path(told.output)):
            try:
                self._program.train(told.argv, self._cancelled)
            except SystemExit as gone:
                status = gone.code if isinstance(gone.code, int) else 1
            except Exception:
                traceback.print_exc()
                status = 1
        # One that has failed ends, and holds nothing.
        self._tell("ended", status=status, **(self._program.holds() if status == 0 else {}))
        return status

    def _tell(self, event: str, **more: Any) -> None:
        try:
            self._connection.sendall(encode({"event": event, "at": round(time.time(), 3), **more}))
        except OSError:
            _vanish()


def _vanish() -> None:
    """End at once, with every process that was started: the worker is gone, and the next one begins anew."""
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


class _written_to:  # noqa: N801
    """What this process and its children write goes to a file; afterwards to where it went before."""

    def __init__(self, path: Path) -> None:
        self._path, self._before = path, [os.dup(1), os.dup(2)]

    def __enter__(self) -> None:
        with self._path.open("ab") as file:
            self._redirect([file.fileno(), file.fileno()])

    def __exit__(self, *error: object) -> None:
        self._redirect(self._before)
        for descriptor in self._before:
            os.close(descriptor)

    def _redirect(self, descriptors: Sequence[int]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, standard in zip(descriptors, (1, 2), strict=True):
            os.dup2(descriptor, standard)


def main(program: Callable[[], Program], arguments: Sequence[str]) -> None:
    """The trainer's process. Its arguments: the descriptor of the socket, and the seconds that it waits when idle."""
    connection = socket.socket(fileno=int(arguments[0]))
    status = Trainer(program(), connection, float(arguments[1])).serve()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the interpreter's own end took up to 23 s after a training on a GPU
