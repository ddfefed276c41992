"""The base model's own answers, made before a run needs them: while the worker waits for one.

Not beside a training: on a CPU the two would share the cores, and steps took half as long again. They are asked one
at a time, behind everybody else, and only while the model server has nothing else to do. Each is kept as it comes, so
all of this may be cut off anywhere; what is missing when a run needs it, the run makes.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from feedback import runs
from feedback.database import DatabaseUnavailable
from feedback.persona import load_persona
from feedback.states import RunStatus
from feedback.yaml_model import YamlFileError
from serving import sharing, sleeping
from serving.adapters import Replicas
from serving.base import BaseModel
from serving.errors import ServingError
from serving.routing import base_name
from serving.seals import of_record
from trainer import own_answers
from trainer.config import TrainConfig, load_train_config
from trainer.context import Context
from trainer.own_answers import Asking
from trainer.rows import RowError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2  # between two looks whether to stop
BUSY_SECONDS = 1.0  # before a busy server is looked at again
REST_SECONDS = 600.0  # after all are there, or something is wrong that time alone does not mend
GRACE_SECONDS = 1.0  # that a run waits for the thread to end; it stands in nobody's way


async def make(asking: Asking, replicas: Replicas, count: int, free: Callable[[], bool] = lambda: True) -> bool:
    """Ask for what is missing, until `count` good ones are there or all prompts are asked (True), or while it is free
    to (False).

    Raises:
        ServingError: a model server is away, or refuses.
    """
    while len(asking.rows()) < count and (left := asking.left()):
        if not free():
            return False
        if await _at_rest(replicas):
            await asking.make(left[0], patience=0)
        else:
            await asyncio.sleep(BUSY_SECONDS)
    return True


async def _at_rest(replicas: Replicas) -> bool:
    """Whether the model servers have nothing to do; what is asked of one that sleeps would wait until it is woken."""
    asleep = sharing.may_sleep(replicas.settings) and await sleeping.asleep(replicas)
    return not asleep and await replicas.at_rest()


class SpareTime:
    """Makes them in a thread of its own while the worker waits for a job."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._rest_until = 0.0

    def begin(self) -> None:
        """Start, unless it is under way, or there is nothing to do for a while."""
        if (self._thread is None or not self._thread.is_alive()) and time.monotonic() >= self._rest_until:
            self._ended.clear()
            thread = threading.Thread(target=self._work, name="own answers", daemon=True)
            thread.start()  # a signal may interrupt it; one that has not begun cannot be waited for
            self._thread = thread

    def end(self) -> None:
        """Stop at once: the answer under way is given up."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS)

    def _work(self) -> None:
        rest = True
        try:
            rest = asyncio.run(self._until_ended())
        except (ServingError, DatabaseUnavailable):
            rest = False  # whoever needs it says so; here it is only looked for again
        except (YamlFileError, RowError) as error:
            log.warning("No own answers are made ahead: %s", error, extra={"action": "spare_time_skipped"})
        except Exception:
            # Broad, since nothing depends on it; a run that meets the same fails with its reason.
            log.exception("No own answers are made ahead.", extra={"action": "spare_time_failed"})
        if rest:
            self._rest_until = time.monotonic() + REST_SECONDS

    async def _until_ended(self) -> bool:
        """Whether all are there."""
        making = asyncio.create_task(_while_idle(self._context))
        while not making.done() and not self._ended.is_set() and not self._context.stopping.is_set():
            await asyncio.wait({making}, timeout=LOOK_SECONDS)
        making.cancel()
        await asyncio.wait({making})
        return not making.cancelled() and making.result()


async def _while_idle(context: Context) -> bool:
    """Whether all are there; otherwise another worker has a run."""
    settings = context.settings
    persona = load_persona(settings.persona_dir / "persona.yaml")
    config = load_train_config(settings.training.config)
    if not (count := _needed(config)):
        return True
    prompts = own_answers.in_turn(settings.persona_dir, config.taught_languages(persona.languages))
    base = BaseModel.read(settings.serving.base_model)
    seals = of_record(context.database)
    chat, replicas = context.chat(settings.serving, seals), context.replicas(settings.serving, seals)
    asking = Asking(
        context.database, chat, base_name(settings.serving), base.fingerprint, persona.system_prompt, tuple(prompts)
    )
    try:
        return await make(asking, replicas, count, lambda: _no_run(context, persona.slug))
    finally:
        await chat.close()
        await replicas.close()


def _no_run(context: Context, persona: str) -> bool:
    with context.database.begin() as session:
        run = runs.active(session, persona)
    return run is None or run.status is RunStatus.CANARY


def _needed(config: TrainConfig) -> int:
    """The most that a run mixes in."""
    return max(config.first_replay.own_answers, config.replay.own_answers)
