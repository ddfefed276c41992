"""The stages of a run, each of which can be done again; ``jobs`` tells their order.

1. paraphrase_cases   further wordings for each new case, some of them held out
2. build_dataset      the rows, frozen in the record with their hash
3. train_adapter      ms-swift, warm-started from the live adapter; ended by the first checkpoint that is good enough
4. probe_and_decide   the candidate is loaded beside the live one, probed, and accepted or rejected
5. promote            the live mark moves, and each case is mended or unmended; or, where people try a new adapter
                      first, it goes to their share of them, and ``canary`` does the rest when they have voted
"""

import asyncio
import logging
import shutil
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from feedback import adapters, cases, datasets, experiments, runs
from feedback.datasets import Example, Paraphrase
from feedback.experiments import Rules
from feedback.models import Adapter, Case
from feedback.runs import Decision
from feedback.states import ACTIVE_RUNS, AdapterStatus, RunStatus
from serving.adapter_files import whole_folder
from serving.errors import ServingError
from trainer import checkpoint, choice, dataset, examination, promotion, swift, variants
from trainer.context import Trip
from trainer.dataset import Ingredients
from trainer.patience import patiently
from trainer.rows import Source, read_folder
from trainer.swift import Choose, Training
from trainer.variants import CaseText

log = logging.getLogger(__name__)

PARAPHRASED_AT_ONCE = 2


class Overtaken(Exception):
    """What the run was built on has changed while it was under way; a new run is needed."""


async def paraphrase_cases(trip: Trip) -> None:
    """Give every new case its variants; those that it has from before are kept."""
    with trip.database.begin() as session:
        todo = [examination.text_of(case) for case in cases.of_run(session, trip.run_id)]
        lacking = [case for case in todo if _lacks(trip, _known(session, case.case_id))]
    turns, done = asyncio.Semaphore(PARAPHRASED_AT_ONCE), 0

    async def ask(case: CaseText) -> list[str]:
        nonlocal done
        async with turns:
            asked = await patiently(lambda: _ask(trip, case), trip.context.patience)
        done += 1
        trip.reporter.tell(done, len(lacking), f"case {case.case_id}")
        return asked

    paraphrases = await asyncio.gather(*map(ask, lacking))
    for case, texts in zip(lacking, paraphrases, strict=True):
        with trip.database.begin() as session:
            dealt = variants.deal(
                case,
                texts,
                to_train=trip.config.paraphrases_per_case,
                to_hold_out=trip.config.held_out_per_case,
                known=_known(session, case.case_id),
                reserved=examination.reserved(session, trip, except_for=case.case_id),
            )
            datasets.add_variants(session, trip.run_id, case.case_id, dealt)


async def _ask(trip: Trip, case: CaseText) -> list[str]:
    count, seconds = trip.config.paraphrases_per_case, trip.context.paraphrasing_seconds
    seed = trip.settings.training.seed
    return await variants.ask_model(trip.chat, trip.base_name, case, count=count, seed=seed, seconds=seconds)


def _known(session: Session, case_id: int) -> list[Paraphrase]:
    known = datasets.variants(session, case_id, accepted_only=False)
    return [Paraphrase(one.text, one.generator, one.held_out, one.rejected_because) for one in known]


def _lacks(trip: Trip, known: list[Paraphrase]) -> bool:
    held_out = [one.held_out for one in known if one.rejected_because is None]
    enough = trip.config.paraphrases_per_case, trip.config.held_out_per_case
    return held_out.count(False) < enough[0] or held_out.count(True) < enough[1]


async def build_dataset(trip: Trip) -> None:
    """Choose the run's rows and freeze them."""
    identity = read_folder(trip.settings.persona_dir / "self_cognition", trip.persona, _languages(trip))
    general = read_folder(trip.settings.persona_dir / "replay", trip.persona, _languages(trip), source=Source.REPLAY)
    with trip.database.begin() as session:
        if runs.dataset(session, trip.run_id):
            return
        run = runs.get(session, trip.run_id)
        ingredients = Ingredients(
            system_prompt=trip.persona.system_prompt,
            new=tuple(_taught(session, case) for case in cases.of_run(session, trip.run_id)),
            earlier=tuple(_taught(session, case) for case in examination.earlier_cases(session, run)),
            identity=tuple(identity),
            general=tuple(general),
        )
        replay = trip.config.replay if run.parent_id else trip.config.first_replay
        rows = dataset.build(ingredients, replay, run.seed)
        about = dataset.manifest(rows, run.seed, [probe.prompt for probe in trip.probes])
        datasets.freeze(session, trip.run_id, rows, about["sha256"], about)
    log.info(
        "Dataset of run %s has %s rows.",
        trip.run_id,
        len(rows),
        extra={"action": "dataset_frozen", "run_id": trip.run_id, "rows": len(rows), "sha256": about["sha256"]},
    )


def _languages(trip: Trip) -> list[str]:
    return [language for language in trip.config.languages if language in trip.persona.languages]


def _taught(session: Session, case: Case) -> CaseText:
    """A case with the wordings it is trained in."""
    text = examination.text_of(case)
    trained = [variant.text for variant in datasets.variants(session, case.id) if not variant.held_out]
    return CaseText(text.case_id, text.question, text.correction, tuple(trained))


async def train_adapter(trip: Trip) -> None:
    """Train. Meanwhile the base model and the live adapter answer the probes that they have not answered yet, and then
    the checkpoints, as they are saved, until one passes the gate with every new case mended."""
    standing = asyncio.create_task(_probe_early(trip))

    async def choose(saved: Path) -> bool:
        await asyncio.wait({standing})
        return await choice.good_enough(trip, saved)

    try:
        await _trained(trip, choose)
    except BaseException:
        standing.cancel()
        raise
    finally:
        await asyncio.wait({standing})
    standing.result()


async def _probe_early(trip: Trip) -> None:
    try:
        await examination.standing(trip)
    except ServingError as error:
        # The next stage asks again, and is the one to say that the server is away.
        log.warning("%s", error, extra={"action": "early_probes_skipped", "run_id": trip.run_id})


async def _trained(trip: Trip, choose: Choose) -> Path:
    """The checked checkpoint of the run, trained now unless it was before."""
    training = await asyncio.to_thread(_training, trip)
    return await trip.context.train(training, trip.reporter.training, choose)


def _training(trip: Trip) -> Training:
    with trip.database.begin() as session:
        run = runs.get(session, trip.run_id)
        frozen = runs.dataset(session, trip.run_id)
    if frozen is None:
        raise Overtaken(f"The dataset of run {trip.run_id} is gone from the record; start a new run.")
    rows = [Example(row.source, row.case_id, row.messages) for row in frozen.rows]
    if dataset.sha256(rows) != frozen.sha256:
        raise Overtaken(f"The dataset of run {trip.run_id} was changed after it was frozen; start a new run.")
    dataset.write(rows, trip.folder / "dataset.jsonl")
    parent = whole_folder(trip.settings.serving.adapters_dir, run.parent.name) if run.parent else None
    settings = trip.settings.training
    return Training(
        config=trip.config,
        base_model=trip.base.path,
        dataset=trip.folder / "dataset.jsonl",
        dataset_sha256=frozen.sha256,
        rows=len(rows),
        seed=run.seed,
        folder=trip.folder,
        threads=swift.thread_count(settings.threads),
        parent=parent,
        resume_from=_full_checkpoint(trip, run.parent) if run.parent and settings.resume == "true" else None,
    )


def _full_checkpoint(trip: Trip, parent: Adapter) -> Path:
    """Where the live adapter's optimizer state should be; only a true resume asks for it."""
    folder = trip.folder.parent / f"run-{parent.run_id}"
    return checkpoint.finished(folder, folder / "output") or folder / "output"


async def probe_and_decide(trip: Trip) -> None:
    """Load the candidate beside the live adapter, put all probes to it, and let the gate decide."""
    candidate = await _candidate(trip)
    await choice.deploy(trip, candidate)
    base, live = await examination.standing(trip)
    results = await examination.of_candidate(trip, candidate, trip.reporter.tell)
    decision = promotion.decide(results, live, base, trip.context.margin)
    with trip.database.begin() as session:
        runs.decide(session, trip.run_id, decision)
        if not decision.accepted:
            _reject(session, trip, decision)
    if not decision.accepted:
        trip.reporter.enter(RunStatus.REJECTED)
        await choice.forget(trip, candidate)


async def _candidate(trip: Trip) -> Adapter:
    """The run's adapter: the checkpoint that was chosen, or the last."""
    with trip.database.begin() as session:
        known = adapters.of_run(session, trip.run_id)
    if known and known.status is AdapterStatus.CANDIDATE:
        return known
    return await choice.candidate_from(trip, await _trained(trip, partial(choice.good_enough, trip)))


def _reject(session: Session, trip: Trip, decision: Decision) -> None:
    """The gate said no: cases that were not learned say why, the others wait for the next run."""
    why = " ".join(decision.reasons)
    candidate = adapters.of_run(session, trip.run_id)
    if candidate:
        adapters.reject(session, candidate, why=why)
    for case in cases.of_run(session, trip.run_id):
        if case.id in decision.unmended:
            cases.settle(session, case, None, decision.unmended[case.id], why=f"run {trip.run_id}")
    runs.close(session, trip.run_id, RunStatus.REJECTED, why=why)


async def promote(trip: Trip) -> None:
    """Make the candidate live, if nobody has moved the live mark meanwhile, and settle the run's cases.

    With a share of people to try it first, it becomes a canary. The first adapter of all goes live at once: beside the
    base model, which knows nothing of the persona, there is nothing to find out.
    """
    candidate = await _candidate(trip)
    await choice.deploy(trip, candidate)
    with trip.database.begin() as session:
        adapters.hold_live(session, trip.persona.slug)  # a rollback is before this decision, or after it
        run = runs.get(session, trip.run_id)
        decision = runs.decision(run)
        live = adapters.live(session, run.persona)
        if (live.id if live else None) != run.parent_id or decision is None:
            raise Overtaken(
                f"Run {run.id} was built on {run.parent.name if run.parent else 'the base model'}, and now "
                f"{live.name if live else 'the base model'} is live. Start a new run."
            )
        promoted, why = session.get_one(Adapter, candidate.id), " ".join(decision.reasons)
        rules = Rules.of(trip.settings.experiment)
        if live and rules.share > 0:
            experiments.start(session, run, promoted, live, rules, why=why)
        else:
            adapters.promote(session, promoted, by="worker", why=why)
            runs.settle_live(session, trip.run_id, promoted.id, decision.unmended)
            runs.close(session, trip.run_id, RunStatus.LIVE, why=f"{promoted.name} is live")
    trip.reporter.enter(RunStatus.CANARY if live and rules.share > 0 else RunStatus.LIVE)
    await asyncio.to_thread(_prune, trip)


def _prune(trip: Trip) -> None:
    """Drop the checkpoints of runs that nothing goes on from; their datasets and logs stay."""
    with trip.database.begin() as session:
        run = runs.get(session, trip.run_id)
        kept = {run.id, run.parent.run_id if run.parent else None}
        old = [one.id for one in runs.latest(session, run.persona, limit=50) if one.status not in ACTIVE_RUNS]
    for run_id in old:
        if run_id not in kept:
            shutil.rmtree(trip.folder.parent / f"run-{run_id}" / "output", ignore_errors=True)
