"""The worker: takes runs from the queue and supervises them in this process; what is heavy runs in child processes.

The queue is not trusted. RQ would import and call whatever a job names, and its callbacks and webhooks too; here a job
is only ever a run's id under one name (``feedback.queue.RUN_TRAINING``), and nothing that it names is imported.
"""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from feedback.database import Database, DatabaseUnavailable
from feedback.queue import RUN_TRAINING, QueueUnavailable, connect
from settings import Settings
from trainer import canary
from trainer.context import Context
from trainer.jobs import WorkerStopping, run_training
from trainer.sharing import wake_forgotten
from trainer.spare_time import SpareTime
from trainer.sweep import sweep
from trainer.trainers import Trainers, warm_folder
from trainer.warm import Warm

log = logging.getLogger(__name__)

SWEEP_SECONDS = 15
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds, while PostgreSQL or the queue is away


class JobRefused(Exception):
    """A job on the queue is not a training run."""


class TrainingJob(Job):
    """A job that can do one thing. Everything by which RQ would run code that a job names is turned off."""

    run: Callable[[int], None]

    @property
    def func(self) -> Any:
        raise JobRefused("nothing is imported for a job")

    success_callback = failure_callback = stopped_callback = None

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        """A queue must not make the worker call addresses."""

    def _execute(self) -> None:
        self.run(run_of(self.func_name, self.args, self.kwargs))


def run_of(name: str | None, args: Any, kwargs: Any) -> int:
    """The run's id in a job's call.

    Raises:
        JobRefused: the job is anything but a training run.
    """
    if name != RUN_TRAINING or kwargs or not isinstance(args, list | tuple) or len(args) != 1:
        raise JobRefused("only training runs are done here")
    if type(args[0]) is not int or args[0] < 1:
        raise JobRefused("a training run is named by its id")
    return args[0]


class TrainingWorker(SimpleWorker):
    """An RQ worker without fork, scheduler and remote control. It takes one job, or waits a while for one."""

    job_class = TrainingJob
    max_connection_wait_time = LONGEST_PAUSE

    def __init__(self, redis: Redis, queue: str, run: Callable[[int], None]) -> None:
        super().__init__([queue], connection=redis, serializer=JSONSerializer, log_job_description=False)
        self._run = run

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """Register; RQ would also put its own log handlers up, and listen for commands from the queue's writers."""
        self.register_birth()  # type: ignore[no-untyped-call]
        self.set_state(WorkerStatus.STARTED)

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def _install_signal_handlers(self) -> None:
        """`main` has its own, for all of its life."""

    def stop_soon(self) -> None:
        """Called by a signal handler, which interrupts the wait for a job; a run that is going on ends by itself."""
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested
        self._stop_requested = True

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Do one run. How it ends is in PostgreSQL; RQ only has to forget the job."""
        assert isinstance(job, TrainingJob)
        # A time limit, retries or repeats that a queue's writer has put in would break into a run.
        job.timeout, job.retries_left, job.repeats_left = -1, None, None
        job.run = self._run
        return super().perform_job(job, queue, execution)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Say in one line why a job was not done."""
        error = exc_info[1] if len(exc_info) > 1 else None
        refused = isinstance(error, JobRefused)
        log.warning(
            "A job was not done: %s",
            error,
            extra={"action": "job_refused" if refused else "job_left", "job_id": job.id},
        )


class Supervisor:
    """The worker's life: look for a server left asleep, for lost runs and at the canary, take a job or wait for one,
    and again.

    While it waits, ``spare_time`` has the base model answer what later runs need.
    """

    def __init__(self, context: Context) -> None:
        logging.getLogger("rq.worker").setLevel(logging.WARNING)  # it tells of every wait and every registration
        self._context = context
        self._spare_time = SpareTime(context)
        self._redis = connect(context.settings.redis.url)
        self._worker: TrainingWorker | None = None
        self._away: Exception | None = None

    def run(self) -> None:
        """Work until the context says stop."""
        pause = FIRST_PAUSE
        while not self._context.stopping.is_set():
            try:
                self._once()
                pause = FIRST_PAUSE
            except StopRequested:
                break
            except (DatabaseUnavailable, RedisError, QueueUnavailable) as error:
                self._say_away(error, pause)
                self._context.stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        self._spare_time.end()
        log.info("The worker has stopped.", extra={"action": "worker_stopped"})

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Signal handler: leave the run where the next worker goes on, and end."""
        self._context.stopping.set()
        if self._worker is not None:
            self._worker.stop_soon()

    def _once(self) -> None:
        settings = self._context.settings
        wake_forgotten(self._context)
        sweep(settings, self._context.database, self._redis)
        self._look_at_canary()
        # A new one each time: a worker whose registration was cut off by an outage cannot register again.
        self._worker = TrainingWorker(self._redis, settings.redis.queue, self._do)
        if self._context.stopping.is_set():
            raise StopRequested  # asked while there was no worker that the signal could have interrupted
        self._spare_time.begin()
        began = time.monotonic()
        try:
            worked = self._worker.work(max_jobs=1, max_idle_time=SWEEP_SECONDS)
        finally:
            self._worker = None
        if not worked and time.monotonic() - began < 1:
            self._context.stopping.wait(1)  # RQ has logged what it stumbled over; do not stumble in a tight loop
        if self._away is not None:
            error, self._away = self._away, None
            raise error

    def _look_at_canary(self) -> None:
        try:
            canary.round(self._context)
        except DatabaseUnavailable:
            raise
        except Exception:
            # Broad, since the same trouble would meet every look: the worker would die for ever, and no run be done.
            log.exception("The look at the canary failed.", extra={"action": "canary_look_failed"})

    def _do(self, run_id: int) -> None:
        self._spare_time.end()
        try:
            run_training(run_id, self._context)
        except WorkerStopping as stopping:
            log.info("%s", stopping, extra={"action": "run_left", "run_id": run_id})
        except DatabaseUnavailable as error:
            self._away = error  # RQ would take it for a failed job and forget it

    def _say_away(self, error: Exception, pause: float) -> None:
        what = "PostgreSQL" if isinstance(error, DatabaseUnavailable) else "The queue"
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        log.warning(
            "%s cannot be reached (%s); next attempt in %.0f s.", what, detail, pause, extra={"action": "worker_waits"}
        )


def main(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    stopping = threading.Event()
    trainers = Trainers(settings, Warm(warm_folder(settings), settings.training.warm_idle, stopping=stopping))
    supervisor = Supervisor(
        Context(
            settings=settings,
            database=Database(settings.database.url),
            train=trainers.train,
            standby=trainers,
            stopping=stopping,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.stop)
    log.info("The worker waits for runs on %s.", settings.redis.queue, extra={"action": "worker_started"})
    try:
        supervisor.run()
    finally:
        asyncio.run(trainers.give_back())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    main(Settings())
