"""All parts of Mend on this machine, started side by side in the order that their needs allow, and stopped together."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feedback import database
from local import home, model, parts, postgres, valkey
from local.embedded import Chosen
from local.processes import Part, Supervisor
from settings import Settings

Report = Callable[[str], None]


class Stopped(Exception):
    """Somebody asked for the end while things were starting."""


@dataclass(frozen=True)
class Plan:
    """What to start. ``settings`` name every address already (see ``local.embedded``)."""

    settings: Settings
    chosen: Chosen
    manifest: Path | None = None
    """The sandbox's app manifest."""
    page_port: int = 0

    @property
    def page(self) -> str | None:
        """The address of the sandbox's page, where there is one."""
        return f"http://127.0.0.1:{self.page_port}" if self.chosen.sandbox else None


@contextmanager
def running(plan: Plan, report: Report, stop: threading.Event | None = None) -> Iterator[Supervisor]:
    """Start everything, and stop it at the end of the block; ``stop`` ends a start that is under way.

    Raises:
        HomeInUse: the folder belongs to a running Mend.
        PartFailed, ModelError, PermissionError: a part did not start; the others are stopped again.
        Stopped: ``stop`` was set.
    """
    folder = plan.settings.home
    with home.alone(folder):
        supervisor = Supervisor(home.log_folder(folder), report)
        try:
            home.publish(plan.settings)
            _start_all(plan, supervisor, report, stop or threading.Event())
            yield supervisor
        finally:
            supervisor.stop()
            home.unpublish(folder)


def _start_all(plan: Plan, supervisor: Supervisor, report: Report, stop: threading.Event) -> None:
    """Each branch of the tree of needs in a thread of its own; the first failure, or ``stop``, ends all."""
    stack = _Starter(plan, supervisor, report)
    pool = ThreadPoolExecutor(thread_name_prefix="start")
    futures: set[Future[None]] = {pool.submit(branch) for branch in stack.branches()}
    try:
        while futures and not stop.is_set():
            done, futures = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
            for error in filter(None, (future.exception() for future in done)):
                if not isinstance(error, Stopped):  # that one only follows from another's failure
                    raise error
    finally:
        if futures:
            supervisor.stop()  # makes the other branches end
        pool.shutdown()
    if stop.is_set():
        raise Stopped


class _Starter:
    """The parts as branches that wait for one another."""

    def __init__(self, plan: Plan, supervisor: Supervisor, report: Report) -> None:
        self._plan, self._supervisor, self._report = plan, supervisor, report
        self._failed = threading.Event()
        self._model, self._record, self._queue, self._chat = (threading.Event() for _ in range(4))

    def branches(self) -> list[Callable[[], None]]:
        """What can go on at the same time. The model server comes first: everybody waits for it in the end."""
        steps = (self._vllm, self._postgres, self._valkey, self._sandbox, self._worker, self._bot)
        return [self._guarded(step) for step in steps]

    def _guarded(self, step: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                step()
            except BaseException:
                self._failed.set()  # ends the waiting of the others
                raise

        return guarded

    def _vllm(self) -> None:
        serving = self._plan.settings.serving
        if self._plan.chosen.small_model and not model.is_ready(serving.base_model):
            self._report("making the small model's checkpoint; usually 15 to 30 s, once")
            model.ensure(serving.base_model)
        self._model.set()
        if self._plan.chosen.vllm:
            serving.adapters_dir.mkdir(parents=True, exist_ok=True)
            self._start(parts.vllm_part(self._plan.settings))

    def _postgres(self) -> None:
        settings = self._plan.settings
        if self._plan.chosen.postgres:
            if not postgres.locate(settings.home).data.exists():
                self._report("making PostgreSQL's data folder; usually 1 to 3 s, once")
            cluster = postgres.prepare(settings.home)
            self._start(cluster.part())
            cluster.create_database()
        database.upgrade(settings.database.url)
        self._record.set()

    def _valkey(self) -> None:
        if self._plan.chosen.valkey:
            self._start(valkey.part(self._plan.settings.home))
        self._queue.set()

    def _sandbox(self) -> None:
        if self._plan.chosen.sandbox and self._plan.manifest is not None:
            self._start(parts.sandbox_part(self._plan.settings.home, self._plan.manifest, self._plan.page_port))
        self._chat.set()

    def _worker(self) -> None:
        if self._plan.chosen.worker:
            self._wait_for(self._model, self._record, self._queue)
            self._start(parts.worker_part(self._plan.settings))

    def _bot(self) -> None:
        if self._plan.chosen.bot:
            self._wait_for(self._model, self._record, self._queue, self._chat)
            self._start(parts.bot_part(self._plan.settings, self._plan.page))

    def _wait_for(self, *needs: threading.Event) -> None:
        for need in needs:
            while not need.wait(0.1):
                if self._failed.is_set():
                    raise Stopped

    def _start(self, part: Part) -> None:
        since = time.monotonic()
        self._report(f"starting {part.title}; usually {part.usually}")
        self._supervisor.start(part)
        self._report(f"{part.title} is ready after {time.monotonic() - since:.1f} s")
