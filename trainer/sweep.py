"""Looking for runs that PostgreSQL knows and the queue has lost: the queue was emptied, or a worker died."""

import logging

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import clean_worker_registry

from feedback import runs
from feedback.database import Database
from feedback.persona import PersonaError, load_persona
from feedback.queue import enqueue_run
from feedback.states import RunStatus
from settings import Settings
from trainer.lock import TrainingLock

log = logging.getLogger(__name__)


def sweep(settings: Settings, database: Database, redis: Redis) -> int | None:
    """Queue the active run again unless it is queued, or a living worker has it. Returns its id if it was lost.

    Raises:
        DatabaseUnavailable, RedisError, QueueUnavailable: to be tried again later.
    """
    try:
        persona = load_persona(settings.persona_dir / "persona.yaml").slug
    except PersonaError as error:
        # Whose runs to look for is not known; a run that is on the queue fails with this same reason.
        log.error("%s", error, extra={"action": "sweep_skipped"})
        return None
    with database.begin() as session:
        run = runs.active(session, persona)
    queue = Queue(settings.redis.queue, connection=redis, serializer=JSONSerializer)
    clean_worker_registry(queue)
    if run is None or run.status is RunStatus.CANARY or f"run-{run.id}" in queue.get_job_ids():
        return None
    with TrainingLock(database, persona) as lock:
        if not lock.take():
            return None
    _forget_job(redis, f"run-{run.id}")
    enqueue_run(settings.redis.url, settings.redis.queue, run.id)
    log.warning(
        "Run %s was %s and on no queue; it is queued again.",
        run.id,
        run.status,
        extra={"action": "run_queued_again", "run_id": run.id},
    )
    return run.id


def _forget_job(redis: Redis, job_id: str) -> None:
    """Remove what is left of the job of a dead worker, so that no registry shows it as running."""
    try:
        Job.fetch(job_id, connection=redis, serializer=JSONSerializer).delete()
    except NoSuchJobError:
        return
