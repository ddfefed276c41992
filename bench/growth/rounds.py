"""What a run takes when there were others before it: 20 rounds of new cases, counted, with no training.

Every round teaches as many new cases, and goes its whole way in the worker's own code: paraphrases, dataset, gate,
probes, live mark. In place of the model server and of ms-swift stand those of the tests, which answer what was taught;
so rows, update steps, probes and queries are real, and the seconds of a model are not: those are of --trainings.
"""

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import event

from bench import loop
from bench.learning.team_facts import make
from feedback import cases, runs
from feedback.database import Database
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan, running
from settings import Settings
from tests.integration.trainer_parts import ROOT, Workshop, make_workshop
from trainer.jobs import run_training

ROUNDS, NEW = 20, 3  # as many as the recipe of the small model was measured with
GOAL = 1.1  # of the first round
_THINGS = """anchor banner compass drill easel funnel globe hammer inkwell jigsaw kettle ladder magnet notebook oar
    paddle quilt ruler saw tripod umbrella vase whistle xylophone yardstick zipper abacus beaker candle dynamo envelope
    flask gasket harness iron jack kite lantern mirror needle organ pulley quiver rake scale trowel urn valve wrench
    axle bellows crank doorbell engine fan keg gong hose igniter joist"""


@dataclass
class Queries:
    """Counts what a record is asked, and the time that takes."""

    count: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Round:
    """What one run took. ``queries`` are those to the record, ``probes`` questions to the model of every kind: in the
    first run with the base model's own answers, made once; later with those of at most 24 cases mended before."""

    number: int
    status: str
    rows: int
    steps: int
    probes: int
    queries: int
    query_seconds: float

    @property
    def cost(self) -> dict[str, float]:
        """What must not grow."""
        return {"rows": self.rows, "steps": self.steps, "probes": self.probes, "queries": self.queries}


def rounds(folder: Path, record: Database, count: int = ROUNDS, new: int = NEW) -> list[Round]:
    """Teach the identity, then so many rounds of new cases; what each of these took."""
    logging.getLogger("trainer").setLevel(logging.ERROR)
    shop = make_workshop(folder, record)
    for name in ("self_cognition", "replay", "prompts"):  # the real pools
        for file in (ROOT / "persona" / name).glob("en.*"):
            shutil.copy(file, folder / "persona" / name / file.name)
    queries = _counted(record)
    _one(shop, 0, (), queries)
    things = _THINGS.split()
    return [_one(shop, number + 1, things[new * number : new * (number + 1)], queries) for number in range(count)]


def _one(shop: Workshop, number: int, things: Sequence[str], queries: Queries) -> Round:
    for place, thing in enumerate(things):
        shop.approve(f"Where is the {thing} kept?", f"The {thing} is kept on shelf {number}{place} of the archive.")
    asked, before, seconds = len(shop.server.asked), queries.count, queries.seconds
    run_id = shop.start()
    run_training(run_id, shop.context)
    training = shop.swift.trained[-1]
    with shop.database.begin() as session:
        run, frozen = runs.get(session, run_id), runs.dataset(session, run_id)
    return Round(
        number=number,
        status=run.status,
        rows=len(frozen.rows) if frozen else 0,
        steps=training.new_steps,
        probes=len(shop.server.asked) - asked,
        queries=queries.count - before,
        query_seconds=queries.seconds - seconds,
    )


def _counted(record: Database) -> Queries:
    queries, began = Queries(), [0.0]

    def before(*_: object) -> None:
        began[0] = time.perf_counter()

    def after(*_: object) -> None:
        queries.count += 1
        queries.seconds += time.perf_counter() - began[0]

    event.listen(record.engine, "before_cursor_execute", before)
    event.listen(record.engine, "after_cursor_execute", after)
    return queries


def trainings(home: Path, count: int) -> list[float]:
    """The seconds of so many real runs on the embedded stack, each with a new case, after the first that has none."""
    home.mkdir(parents=True, exist_ok=True)
    chosen = Chosen(sandbox=False, bot=False)
    settings = embedded.with_addresses(Settings(), home, chosen, page_port=0, vllm_port=ports.any_free())
    seconds: list[float] = []
    with running(Plan(settings, chosen), print):
        record = Database(settings.database.url)
        loop.one_run(settings, record, settings.training.trainer)
        for facts in make(12, count, 1):
            with record.begin() as session:
                loop.withdraw_left(session)
                for fact in facts:
                    case = cases.import_case(session, loop.PERSONA, fact.question, fact.correction, by=loop.BY)
                    cases.approve(session, case.id, by=loop.BY)
            done = loop.one_run(settings, record, settings.training.trainer)
            print(f"Run {done.run_id} is {done.status} after {done.whole:.0f} s.", flush=True)
            seconds.append(done.whole)
    return seconds
