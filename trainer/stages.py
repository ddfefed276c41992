"""The stages of a run, each of which can be done again; ``jobs`` tells their order. Around them, ``ahead``: what need
not wait for its stage.

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
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from feedback import adapters, cases, datasets, experiments, lineage, runs
from feedback.datasets import FROM_BASE, Example, Paraphrase
from feedback.experiments import Rules
from feedback.models import Adapter, Run
from feedback.runs import Decision
from feedback.states import ACTIVE_RUNS, AdapterStatus, RunStatus
from serving.adapter_files import whole_folder
from trainer import (
    batch,
    checkpoint,
    choice,
    dataset,
    examination,
    gathering,
    general_sets,
    preference,
    sharing,
    swift,
)
from trainer.config import TrainConfig, weight_bytes
from trainer.context import Trip
from trainer.dealing import deal
from trainer.general_sets import GeneralSet
from trainer.generators import ByModel, ByPeople, ByRule, Generator, Offer
from trainer.patience import patiently
from trainer.sharing import Asked
from trainer.swift import Choose, Training, TrainingFailed
from trainer.variants import CaseText

log = logging.getLogger(__name__)

PARAPHRASED_AT_ONCE = 2
_UNTRAINED = frozenset({RunStatus.QUEUED, RunStatus.PARAPHRASING, RunStatus.BUILDING, RunStatus.TRAINING})


class Overtaken(Exception):
    """What the run was built on has changed while it was under way; a new run is needed."""


async def paraphrase_cases(trip: Trip) -> None:
    """Give every new case its variants; those that it has from before are kept."""
    with trip.database.begin() as session:
        todo = [examination.text_of(case) for case in cases.of_run(session, trip.run_id)]
        lacking = [case for case in todo if _lacks(trip, case, _known(session, case.case_id))]
    turns, done = asyncio.Semaphore(PARAPHRASED_AT_ONCE), 0
    count, seed = trip.config.paraphrases_per_case, trip.settings.training.seed
    model = ByModel(trip.chat, trip.base_name, count, seed, trip.context.paraphrasing_seconds)
    generators: tuple[Generator, ...] = (ByPeople(), model, ByRule())

    async def ask(case: CaseText) -> list[Offer]:
        nonlocal done
        async with turns:
            offers = [await patiently(partial(each.offer, case), trip.context.patience) for each in generators]
        done += 1
        trip.reporter.tell(done, len(lacking), f"case {case.case_id}")
        return offers

    offered = await asyncio.gather(*map(ask, lacking))
    for case, offers in zip(lacking, offered, strict=True):
        with trip.database.begin() as session:
            dealt = deal(
                case,
                offers,
                to_train=count,
                to_hold_out=trip.config.held_out_per_case,
                known=_known(session, case.case_id),
                reserved=examination.reserved(session, trip, except_for=case.case_id),
            )
            datasets.add_variants(session, trip.run_id, case.case_id, dealt)


def _known(session: Session, case_id: int) -> list[Paraphrase]:
    known = datasets.variants(session, case_id, accepted_only=False)
    return [Paraphrase(one.text, one.generator, one.held_out, one.rejected_because) for one in known]


def _lacks(trip: Trip, case: CaseText, known: list[Paraphrase]) -> bool:
    """Whether a case has too few wordings, or some that were written since it was last looked at."""
    if not set(case.written) <= {one.text for one in known}:
        return True
    held_out = [one.held_out for one in known if one.rejected_because is None]
    enough = trip.config.paraphrases_per_case, trip.config.held_out_per_case
    return held_out.count(False) < enough[0] or held_out.count(True) < enough[1]


async def build_dataset(trip: Trip) -> None:
    """Choose the run's rows and freeze them."""
    with trip.database.begin() as session:
        if runs.dataset(session, trip.run_id):
            return
        run = runs.get(session, trip.run_id)
        anew = gathering.starts_anew(session, run, trip.config)
    follow_up = trip.config.replay if run.parent_id else trip.config.first_replay
    dose = anew or follow_up
    ingredients = await gathering.gather(trip, run, dose)
    if anew and len(ingredients.earlier) < len(ingredients.known):  # one is too long by now, and would not be known
        anew, dose = None, follow_up
        ingredients = await gathering.gather(trip, run, dose)
    method = preference.method_of(trip.config.method if run.parent_id and not anew else "sft", ingredients.new)
    rows = dataset.build(ingredients, dose, run.seed, method)
    sets = await asyncio.to_thread(lambda: [GeneralSet.parse(one).recorded() for one in dose.general_sets])
    about = dataset.manifest(rows, run.seed, [probe.prompt for probe in trip.probes], sets, method)
    if anew:
        about[FROM_BASE] = True
    with trip.database.begin() as session:
        about["wordings"] = {name: asdict(found) for name, found in datasets.yields(session, run.id).items()}
        datasets.freeze(session, trip.run_id, rows, about["sha256"], about)
    log.info(
        "Dataset of run %s has %s rows.",
        trip.run_id,
        about["rows"],
        extra={"action": "dataset_frozen", "run_id": trip.run_id, "rows": about["rows"], "sha256": about["sha256"]},
    )


async def train_adapter(trip: Trip) -> None:
    """Train. Meanwhile the base model and the live adapter answer the probes that they have not answered yet, and the
    checkpoints, as they are saved, until one passes the gate with every new case mended. Where the model server sleeps
    meanwhile, the ones answer before and the others after that."""
    async with _meanwhile(trip, examination.standing(trip)) as answered:
        await _trained(trip, partial(choice.good_enough, trip), before=answered)


@asynccontextmanager
async def ahead(trip: Trip) -> AsyncIterator[None]:
    """What does not have to wait for its stage goes on beside the earlier ones: the trainer gets ready, and probes that
    do not rest on the dataset are answered. On a GPU all of it waits for the model server, which needs its memory first
    and without which no stage gets far."""
    with trip.database.begin() as session:
        status = runs.get(session, trip.run_id).status
    if status not in _UNTRAINED:
        yield
        return
    await sharing.awake(trip)
    await trip.context.standby.ready(trip)
    async with _meanwhile(trip, examination.standing(trip, mended=False)):
        yield


@asynccontextmanager
async def _meanwhile(trip: Trip, probing: Coroutine[Any, Any, object]) -> AsyncIterator[Asked]:
    """Probes are answered beside something else, which can wait for them. They are not missed when that fails: whoever
    needs them asks again, and says what is wrong."""
    task = asyncio.create_task(probing)
    try:
        yield lambda: asyncio.wait({task})
    except BaseException:
        task.cancel()
        raise
    finally:
        await asyncio.wait({task})
    if error := task.exception():
        log.warning("%s", error, extra={"action": "early_probes_skipped", "run_id": trip.run_id})


async def _trained(trip: Trip, choose: Choose, before: Asked | None = None) -> Path:
    """The checked checkpoint of the run, trained now unless it was before."""
    training, found = await asyncio.to_thread(_training, trip), None
    while found is None:
        try:
            found = await sharing.train(trip, training, partial(_with_batch, trip), choose, before)
        except TrainingFailed as failed:
            if not (failed.out_of_memory and await asyncio.to_thread(_lower_batch, trip, training)):
                raise
            await trip.context.standby.give_back()  # one that has failed may not have let go of the memory yet
            trip.reporter.begin_again()
            trip.reporter.mention("it did not fit: once more from the start, with fewer rows at a time")
            training = await asyncio.to_thread(_training, trip)
    trip.reporter.mark("trained")
    return found


def _training(trip: Trip) -> Training:
    """The run's training, with its rows written; how many of them are trained at a time may still be open."""
    with trip.database.begin() as session:
        run = runs.get(session, trip.run_id)
        frozen = runs.dataset(session, trip.run_id)
        parent = None if datasets.from_base(session, run) else run.parent
        seal = adapters.seal(session, parent.name) if parent else None
    if frozen is None:
        raise Overtaken(f"The dataset of run {trip.run_id} is gone from the record; start a new run.")
    rows = [Example(row.source, row.case_id, row.messages) for row in frozen.rows]
    recorded = frozen.manifest.get("general_sets") or []  # runs of before there were any
    if dataset.sha256(rows, recorded) != frozen.sha256:
        raise Overtaken(f"The dataset of run {trip.run_id} was changed after it was frozen; start a new run.")
    sets = general_sets.of_manifest(recorded)
    method = frozen.manifest.get("method", "sft")  # runs of before there were others
    dataset.write(rows, trip.folder / "dataset.jsonl", method)
    settings = trip.settings.training
    config = TrainConfig.model_validate(run.config) if run.config else trip.config
    return Training(
        config=config,
        base_model=trip.base.path,
        dataset=trip.folder / "dataset.jsonl",
        dataset_sha256=frozen.sha256,
        rows=dataset.rows_in_file(rows, method) + sum(one.rows for one in sets),
        method=method,
        system_prompt=trip.persona.system_prompt,
        general_sets=sets,
        seed=run.seed,
        folder=trip.folder,
        threads=swift.thread_count(settings.threads),
        parent=whole_folder(trip.settings.serving.adapters_dir, parent.name, seal) if parent else None,
        resume_from=_full_checkpoint(trip, parent) if parent and _resumes(trip, run) else None,
        # Of a general set's rows only the number is known.
        longest=batch.longest([] if sets else rows, config.max_length, pairs=method == "dpo"),
    )


def _with_batch(trip: Trip, training: Training, free: int | None) -> Training:
    """The training with its batch decided: now, and written down, so that a restart trains the same."""
    config = training.config
    if not config.has_open_batch:
        return training
    weights = weight_bytes(trip.base, config)
    decided = config.with_batch(batch.fitting(free, training.longest, weights))
    with trip.database.begin() as session:
        runs.set_config(session, trip.run_id, decided.model_dump(mode="json"))
    log.info(
        "Run %s trains %s.",
        trip.run_id,
        decided.first if training.stage == "first" else decided.follow_up,
        extra={"action": "batch_decided", "run_id": trip.run_id, "free": free, "longest": training.longest},
    )
    return replace(training, config=decided)


def _lower_batch(trip: Trip, training: Training) -> bool:
    """Write a batch down that takes less memory, when it was ours to decide and there is one: what is reckoned with is
    measured on other cards, and others may have taken some of this one meanwhile."""
    with trip.database.begin() as session:
        config = TrainConfig.model_validate(runs.get(session, trip.run_id).config or trip.config.model_dump())
        if training.stage not in config.sized_by_memory:
            return False
        tried = config.batch_of(training.stage)
        lower = batch.below(tried, weight_bytes(trip.base, config), training.longest)
        if lower is None:
            return False
        decided = config.with_lower(training.stage, lower)
        runs.set_config(session, trip.run_id, decided.model_dump(mode="json"))
    log.warning(
        "Run %s did not fit as %s; it begins anew as %s.",
        trip.run_id,
        tried,
        lower,
        extra={"action": "batch_lowered", "run_id": trip.run_id},
    )
    return True


def _resumes(trip: Trip, run: Run) -> bool:
    """Whether the optimizer's state is gone on from. That of an adapter before the live one is not kept, a part of the
    way has none, and only plain SFT goes on from it: the others train beside a reference, whose weights would shift
    the state's."""
    trained = run.parent is not None and run.parent.blend is None
    kept = trip.settings.training.resume == "true" and trained and run.parent_id == run.replaces_id
    return kept and trip.config.method == "sft"


def _full_checkpoint(trip: Trip, parent: Adapter) -> Path:
    """Where the live adapter's optimizer state should be; only a true resume asks for it."""
    output = trip.folder.parent / f"run-{parent.run_id}" / "output"
    return checkpoint.of_weights(output, parent.sha256, trip.base) or output


async def probe_and_decide(trip: Trip) -> None:
    """Load the candidate beside the live adapter, put all probes to it, and let the gate decide. When it leaves
    something to wish, earlier checkpoints get a second look, and the best of the run is what the decision is about."""
    last = await _candidate(trip)
    await choice.deploy(trip, last)
    verdict = await choice.best(trip, last)
    candidate, decision = verdict.candidate, verdict.decision
    with trip.database.begin() as session:
        if candidate.id != last.id:
            better, passed_over = session.get_one(Adapter, candidate.id), session.get_one(Adapter, last.id)
            adapters.take_up(session, better, instead_of=passed_over, why=" ".join(decision.reasons))
        runs.decide(session, trip.run_id, decision, candidate.id)
        if not decision.accepted:
            _reject(session, trip, decision)
    if candidate.id != last.id:
        await choice.forget(trip, last)
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
    runs.settle_unmended(session, trip.run_id, decision.unmended)
    runs.close(session, trip.run_id, RunStatus.REJECTED, why=why)


async def promote(trip: Trip) -> None:
    """Make the candidate live, if nobody has moved the live mark meanwhile, and settle the run's cases.

    With a share of people to try it first, it becomes a canary; see ``experiments.tried_first``.
    """
    candidate = await _candidate(trip)
    await choice.deploy(trip, candidate)
    with trip.database.begin() as session:
        adapters.hold_live(session, trip.persona.slug)  # a rollback is before this decision, or after it
        run = runs.get(session, trip.run_id)
        decision = runs.decision(run)
        live = adapters.live(session, run.persona)
        if (live.id if live else None) != run.replaces_id or decision is None:
            raise Overtaken(
                f"Run {run.id} was to replace {run.replaces.name if run.replaces else 'the base model'}, and now "
                f"{live.name if live else 'the base model'} is live. Start a new run."
            )
        promoted, why = session.get_one(Adapter, candidate.id), " ".join(decision.reasons)
        if gone := lineage.taken_back(session, promoted):
            named, were = lineage.named(gone)
            raise Overtaken(f"{named} {were} taken back while the run was under way. Start a new run.")
        rules = Rules.of(trip.settings.experiment)
        tried_first = experiments.tried_first(rules, run.parent, live)
        if live and tried_first:
            experiments.start(session, run, promoted, live, rules, why=why)
        else:
            adapters.promote(session, promoted, by="worker", why=why)
            runs.settle_live(session, trip.run_id, promoted.id, decision.unmended)
            runs.close(session, trip.run_id, RunStatus.LIVE, why=f"{promoted.name} is live")
    trip.reporter.enter(RunStatus.CANARY if tried_first else RunStatus.LIVE)
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
