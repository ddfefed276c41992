"""The canary that is out: looking at what people have voted, and ending its experiment when that is clear.

Each look reads all votes anew and may be repeated. What it decides is one transaction in ``feedback.experiments``, and
the bot tells of it.
"""

import asyncio
import logging

from feedback import arms, experiments
from feedback.experiments import TIMES, Evidence, NoExperiment, Rules
from feedback.models import Experiment
from feedback.persona import PersonaError, load_persona
from serving.errors import ServingError
from serving.seals import of_record
from trainer.context import Context

log = logging.getLogger(__name__)


def round(context: Context) -> None:
    """Look once; nothing while no canary is out.

    Raises:
        DatabaseUnavailable: to be tried again later.
    """
    try:
        persona = load_persona(context.settings.persona_dir / "persona.yaml").slug
    except PersonaError as error:
        log.error("%s", error, extra={"action": "canary_skipped"})
        return
    with context.database.begin() as session:
        experiment = experiments.running(session, persona)
        drawn = arms.read_draws(session, experiment.id) if experiment else []
        tallies = arms.tallies(session, experiment.id) if experiment else {}
        against = experiments.overtaken(session, experiment) if experiment else None
    if experiment is None:
        return
    from trainer import evidence  # SciPy: only for those who have a canary out

    seen = evidence.weigh(drawn, experiments.rules(experiment))
    with context.database.begin() as session:
        experiments.look(session, experiment.id, seen, tallies)
    try:
        if against:
            _take_back(context, experiment, "worker", against, harmful=False)
            log.warning("%s", against, extra={"action": "canary_overtaken", "adapter": experiment.adapter.name})
        else:
            _act(context, experiment, seen)
    except NoExperiment:
        log.info("Somebody else has decided.", extra={"action": "canary_decided_elsewhere"})


def _act(context: Context, experiment: Experiment, seen: Evidence) -> None:
    """Do what the look calls for."""
    about = {"run_id": experiment.run_id, "adapter": experiment.adapter.name}
    held = experiments.rules(experiment)
    if stopped_by := experiment.run.cancel_requested_by:
        _take_back(context, experiment, stopped_by, "stopped by hand", harmful=False)
        log.info("The canary is stopped.", extra={"action": "canary_stopped", **about})
    elif seen.finding == "harmful":
        why = harm(seen, held)
        _take_back(context, experiment, "worker", why, harmful=True)
        log.warning("The canary is taken back: %s", why, extra={"action": "canary_taken_back", **about})
    elif seen.finding == "good":
        _promote(context, experiment, good(seen, held))


def _take_back(context: Context, experiment: Experiment, by: str, why: str, *, harmful: bool) -> None:
    with context.database.begin() as session:
        experiments.take_back(session, experiment.persona, experiment.id, by=by, why=why, harmful=harmful)


def _promote(context: Context, experiment: Experiment, why: str) -> None:
    """Make it live once every replica answers under its name; while one is away, the next look tries again."""
    about = {"run_id": experiment.run_id, "adapter": experiment.adapter.name}
    try:
        asyncio.run(_deploy(context, experiment))
    except ServingError as error:
        log.warning("The canary cannot go live yet: %s", error, extra={"action": "canary_waits", **about})
        return
    with context.database.begin() as session:
        experiments.promote(session, experiment.persona, experiment.id, by="worker", why=why)
    log.info("The canary is live: %s", why, extra={"action": "canary_live", **about})


async def _deploy(context: Context, experiment: Experiment) -> None:
    replicas = context.replicas(context.settings.serving, of_record(context.database))
    try:
        await replicas.deploy(experiment.adapter.name, [experiment.live.name])
    finally:
        await replicas.close()


def harm(seen: Evidence, rules: Rules) -> str:
    """Why a canary is taken back, for people."""
    return _shown(seen, f"at least {seen.low:.2f}", rules)


def good(seen: Evidence, rules: Rules) -> str:
    """Why a canary goes live, for people."""
    assert seen.high is not None
    return _shown(seen, f"at most {seen.high:.2f}", rules)


def _shown(seen: Evidence, bound: str, rules: Rules) -> str:
    return f"{seen.counted}: by their shares of people, {bound} {TIMES} ({1 - rules.alpha:.0%} sure)."
