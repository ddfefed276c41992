"""The loop and the swaps on this machine's card: vLLM as `mend serve` starts it, PostgreSQL and Valkey embedded, and
the worker, all once; the measured runs are first runs of the recipe (50 rows, ten epochs)."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench import loop
from bench.swap import measure as swap
from bench.swap import report as swap_report
from bench.timeline import Timeline
from feedback import adapters
from feedback.database import Database
from local import embedded, ports
from local.embedded import Chosen
from local.stack import Plan, running
from serving.base import BaseModel
from serving.device import resolve
from settings import Settings


@dataclass(frozen=True)
class Setup:
    """The model, the configuration, and how much is measured."""

    model: Path
    config: Path
    home: Path
    device: str
    epochs: int
    share: float
    """Of the card's memory, for vLLM; the rest is the training's."""
    trainers: Sequence[str]
    swaps: int
    streams: int
    tokens: int


BARE = (
    "These runs have no cases, so no paraphrases and no probes of new cases, and no general rows; the gate asks for"
    " nothing, since random weights learn nothing. vLLM holds its share of the card (`--share`) all the time."
)


def recipe(config: dict[str, Any], epochs: int) -> dict[str, Any]:
    """A configuration whose first run is the recipe: 50 rows about itself and nothing else, in so many epochs. All else
    is as it ships, the batch that the free memory decides, too."""
    replay = config["first_replay"] | {"identity_rows": 50, "general_rows": 0, "own_answers": 0}
    first = config["first"] | {"num_train_epochs": epochs}
    return config | {"languages": ["en"], "first": first, "first_replay": replay}


def settings_for(setup: Setup) -> Settings:
    """Random weights learn nothing, so the gate asks for nothing: it is the time that is measured."""
    setup.home.mkdir(parents=True, exist_ok=True)
    config = setup.home / "recipe.yaml"
    content = yaml.safe_load(setup.config.read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump(recipe(content, setup.epochs), allow_unicode=True), encoding="utf-8")
    settings = Settings()
    serving = {
        "device": setup.device,
        "base_model": setup.model,
        "adapters_dir": setup.home / "adapters",
        "gpu_memory_utilization": setup.share,
    }
    training = {"config": config, "runs_dir": setup.home / "runs"}
    gate = {"identity_floor": 0.0, "rigour_floor": 0.0, "ability_margin": 0.99}
    update = {
        "serving": settings.serving.model_copy(update=serving),
        "training": settings.training.model_copy(update=training),
        "gate": settings.gate.model_copy(update=gate),
    }
    return settings.model_copy(update=update)


def measure(setup: Setup, parts: Sequence[str], out: Path, attempt: Callable[[str, Callable[[], None]], None]) -> None:
    """Start everything once, and measure what of loop and swap is wanted; `attempt` keeps one from ending the other."""
    chosen = Chosen(sandbox=False, bot=False, worker=False, small_model=False)
    settings = embedded.with_addresses(settings_for(setup), setup.home, chosen, page_port=0, vllm_port=ports.any_free())
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder, ThreadPoolExecutor(1) as pool:
        making = None
        if "swap" in parts:  # made while vLLM starts
            base = BaseModel.read(setup.model)
            making = pool.submit(swap.adapters, Path(folder), settings.serving, base, setup.swaps + 1)
        with running(Plan(settings, chosen), print):
            if "loop" in parts:

                def runs() -> None:
                    found = loops(settings, setup.trainers)
                    goals_of = resolve(settings.serving) if setup.epochs == loop.RECIPE_EPOCHS else None
                    if not loop.report(found, out / "loop.json", goals_of, "gpu/loop", [BARE]):
                        raise RuntimeError("a run failed; the table has why")

                attempt("loop", runs)
            if making:
                names = making.result()

                def swaps() -> None:
                    found = asyncio.run(swap.measure(settings.serving, names, setup.streams, setup.tokens))
                    if not swap_report.report(found, out / "swap.json", "gpu/swap"):
                        raise RuntimeError("answers failed or were mixed, or that cannot be told; the table has which")

                attempt("swap", swaps)


def loops(settings: Settings, trainers: Sequence[str]) -> list[Timeline]:
    """A first run under each kind of trainer, and under a warm one a second: the first may find it still starting."""
    found: list[Timeline] = []
    database = Database(settings.database.url)
    for trainer in trainers:
        with loop.worker(settings, trainer):
            for name in ("warm, just started", "warm") if trainer == "warm" else (trainer,):
                _forget_live(database)
                found.append(loop.one_run(settings, database, name, longest=400))
    return found


def _forget_live(database: Database) -> None:
    """Back to the base model, so that the next run is a first run, too."""
    with database.begin() as session:
        if adapters.live(session, loop.PERSONA):
            adapters.roll_back(session, loop.PERSONA, by="bench")


def log_tail(home: Path) -> str:
    """The end of vLLM's log, for whoever has to find out why nothing was measured."""
    log = home / "log" / "vllm.log"
    return log.read_text(encoding="utf-8", errors="replace")[-3000:] if log.exists() else ""
