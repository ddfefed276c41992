"""The queue between bot and worker: a run's id, and nothing that could carry code."""

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

RUN_TRAINING = "trainer.jobs.run_training"


class QueueUnavailable(Exception):
    """Redis or Valkey cannot be reached."""


def connect(url: str) -> Redis:
    """A client that gives up after seconds instead of waiting for ever."""
    return Redis.from_url(url, socket_connect_timeout=5, socket_timeout=30, health_check_interval=30)


def enqueue_run(url: str, queue: str, run_id: int) -> None:
    """Ask the worker for a run. The job is named by text, so that the bot never imports the trainer.

    Harmless when repeated: the worker goes on from the state that is written in PostgreSQL.

    Raises:
        QueueUnavailable: the run stays queued in PostgreSQL; the worker finds it at its next start or sweep.
    """
    try:
        with connect(url) as redis:
            Queue(queue, connection=redis, serializer=JSONSerializer).enqueue(
                RUN_TRAINING, run_id, job_id=f"run-{run_id}", job_timeout=-1, result_ttl=3600, failure_ttl=86400
            )
    except RedisError as error:
        raise QueueUnavailable(f"The queue cannot be reached ({error}).") from error
