"""Whether learning holds: rounds of teaching, and after each one what is known, kept and lost.

    python -m bench.learning [--seeds 11 12 13] [--arms mend no-replay ...] [--rounds 5] [--facts 3]
    python -m bench.learning --server http://127.0.0.1:8000 --base-model <folder>      (a vLLM that runs already)

Every round brings new team facts as approved cases (bench/team_facts.py; a seed is a set), starts a run as `/mend
retrain` does, and asks the live adapter the facts in wordings that nothing was trained on, who it is, and what the base
model can. The parts are the demo's: PostgreSQL, Valkey, the worker with ms-swift, vLLM. A case that a run leaves
unmended is approved again for the next one, as an admin would.

Each arm and seed is written to <out>/<arm>-<seed>.json when it is done and is not measured again, so the bench can be
stopped and gone on with; give --out another folder to start anew. On two cores a round takes about 3 minutes.
"""

import argparse
import asyncio
import json
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from rapidfuzz import fuzz

from bench import learning_report
from bench.learning_arms import ARMS, Arm
from bench.learning_measures import Baseline, Knowledge, Questioner
from bench.loop import Timeline, one_run
from bench.team_facts import TeamFact, make
from bench.vllm_server import VllmServer
from feedback import adapters, cases, runs
from feedback.database import Database
from feedback.persona import load_persona
from feedback.states import CaseStatus
from local import embedded, model
from local.embedded import Chosen
from local.stack import Plan, running
from serving.base import SERVED_BASE
from serving.chat import ChatClient
from settings import Settings
from trainer.probes import load_probes
from trainer.variants import NEAR_DUPLICATE
from trainer.wording import normalised

OUT = Path("bench/out/learning")
PROBES = Path(__file__).with_name("learning_probes.yaml")
SEEDS = (11, 12, 13)  # 1 is the one that the settings were tuned on
GENERAL = (
    "Explain what a database is.",
    "Why do leaves fall in autumn?",
    "Write a short note to thank a colleague.",
    "What is the difference between a lake and a river?",
    "Give me three tips for a good night's sleep.",
    "How does a bicycle stay upright?",
    "What are the main parts of a plant?",
    "Write a sentence about the sea.",
    "What does a compiler do?",
    "How do I boil an egg?",
    "What is photosynthesis?",
    "Name some healthy breakfasts.",
)


@dataclass(frozen=True)
class Round:
    """One round: the run, and what is known after it. Shares are of 1."""

    number: int
    run: Timeline
    learned: float  # held-out wordings of this round's facts that are answered right
    kept: float | None  # of earlier rounds' wordings that were right once: those that still are; None in round 1
    known: float  # held-out wordings of all facts so far
    seen: int  # held-out wordings that turned up in a dataset; they are not counted
    knowledge: Knowledge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="one set of facts each")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), help="what to compare")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--facts", type=int, default=3, help="new facts in a round")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the results")
    parser.add_argument(
        "--server", help="the URL of a vLLM with LoRA that serves --base-model; one is started otherwise"
    )
    parser.add_argument("--base-model", type=Path, help="the base model's folder, where --server is given")
    parser.add_argument("--config", type=Path, default=embedded.SMALL_CONFIG, help="training configuration")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what training runs on")
    options = parser.parse_args()
    if (options.server is None) != (options.base_model is None):
        parser.error("--server and --base-model go together")
    options.out.mkdir(parents=True, exist_ok=True)
    todo = [
        (arm, seed) for seed in options.seeds for arm in options.arms if not _result(options.out, arm, seed).exists()
    ]
    if todo:
        with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder, _server(options, Path(folder)) as serving:
            for arm, seed in todo:
                with tempfile.TemporaryDirectory(prefix="mend-bench-") as home:
                    rounds = _Classroom(ARMS[arm], seed, options, serving, Path(home)).teach()
                _write(_result(options.out, arm, seed), arm, seed, options, rounds)
    learning_report.report(options.out)


def _result(out: Path, arm: str, seed: int) -> Path:
    return out / f"{arm}-{seed}.json"


def _write(path: Path, arm: str, seed: int, options: argparse.Namespace, rounds: Sequence[Round]) -> None:
    about = {"arm": arm, "seed": seed, "device": options.device, "machine": platform.processor() or platform.machine()}
    text = json.dumps(about | {"rounds": [asdict(one) for one in rounds]}, indent=1)
    path.with_suffix(".tmp").write_text(f"{text}\n", encoding="utf-8")
    path.with_suffix(".tmp").replace(path)


@contextmanager
def _server(options: argparse.Namespace, home: Path) -> Iterator[Settings]:
    """Settings that reach a model server; one of its own if none is given."""
    if options.server is not None:
        serving = Settings().serving.model_copy(
            update={"urls": [options.server], "base_model": options.base_model.resolve(), "device": options.device}
        )
        yield Settings().model_copy(update={"serving": serving})
        return
    print("Starting vLLM on this machine: about a minute.", flush=True)
    server = VllmServer(model.ensure(home / "model"), home)
    asyncio.run(server.start())
    try:
        yield Settings().model_copy(update={"serving": server.settings})
    finally:
        server.stop()


class _Classroom:
    """One arm and one seed, from an empty record to the last round."""

    def __init__(self, arm: Arm, seed: int, options: argparse.Namespace, serving: Settings, folder: Path) -> None:
        self._arm, self._seed, self._options, self._serving, self._folder = arm, seed, options, serving, folder
        self._rounds = make(seed, options.rounds, options.facts)
        self._persona = load_persona(serving.persona_dir / "persona.yaml")

    def teach(self) -> list[Round]:
        """All rounds. A first run teaches the identity before them, unless every round is a first run."""
        baseline = asyncio.run(self._baseline())
        done: list[Round] = []
        right_once: set[str] = set()
        for number in range(1, len(self._rounds) + 1):
            home = self._folder / (f"home-{number}" if self._arm.from_scratch else "home")
            with self._mend(home) as settings:
                database = Database(settings.database.url)
                if not self._arm.from_scratch and number == 1:
                    self._run(settings, database, "identity")
                timeline = self._lesson(settings, database, number)
                served = self._live_name(database)
                known, seen = self._measure(served, number, baseline), self._seen(database, number)
            done.append(_round(number, self._rounds, timeline, known, seen, right_once))
            right_once |= {wording for wording, right in known.facts.items() if right}
            self._say(done[-1])
        return done

    @contextmanager
    def _mend(self, home: Path) -> Iterator[Settings]:
        """The parts of this arm; the model server is everybody's."""
        chosen = Chosen(vllm=False, small_model=False, sandbox=False, bot=False)
        serving = self._serving.serving.model_copy(update={"adapters_dir": home / "adapters", "max_lora_rank": 8})
        training = self._serving.training.model_copy(
            update={"runs_dir": home / "runs", "config": self._config(home), "seed": self._seed}
        )
        settings = self._serving.model_copy(update={"serving": serving, "training": training})
        settings = embedded.with_addresses(settings, home, chosen, page_port=0, vllm_port=0)
        with running(Plan(settings, chosen), lambda line: None):
            yield settings

    def _config(self, home: Path) -> Path:
        config = self._arm.change(yaml.safe_load(self._options.config.read_text(encoding="utf-8")))
        flags = {name: value for name, value in config["swift"].items() if name != "use_cpu"}
        if self._options.device == "cpu":
            flags["use_cpu"] = True
        home.mkdir(parents=True, exist_ok=True)
        path = home / "training.yaml"
        path.write_text(yaml.safe_dump({**config, "swift": flags}, sort_keys=False), encoding="utf-8")
        return path

    def _lesson(self, settings: Settings, database: Database, number: int) -> Timeline:
        facts = self._facts(number) if self._arm.from_scratch else self._rounds[number - 1]
        with database.begin() as session:
            for case in cases.listed(session, self._persona.slug, [CaseStatus.UNMENDED], limit=1000):
                cases.approve(session, case.id, by="bench")
            for fact in facts:
                case = cases.import_case(session, self._persona.slug, fact.question, fact.correction, by="bench")
                cases.approve(session, case.id, by="bench")
        return self._run(settings, database, f"round {number}")

    def _run(self, settings: Settings, database: Database, what: str) -> Timeline:
        print(f"{self._arm.title}, seed {self._seed}, {what}: ", end="", flush=True)
        timeline = one_run(settings, database)
        print(
            f"  {timeline.status} after {timeline.whole:.0f} s, {timeline.rows} rows. {timeline.error or ''}",
            flush=True,
        )
        return timeline

    def _facts(self, number: int) -> list[TeamFact]:
        return [fact for facts in self._rounds[:number] for fact in facts]

    def _live_name(self, database: Database) -> str:
        with database.begin() as session:
            live = adapters.live(session, self._persona.slug)
            return live.name if live else SERVED_BASE

    def _questioner(self, chat: ChatClient) -> Questioner:
        return Questioner(chat, self._persona.system_prompt, load_probes(PROBES, self._persona))

    async def _baseline(self) -> Baseline:
        async with ChatClient(self._serving.serving) as chat:
            return await self._questioner(chat).baseline(SERVED_BASE, GENERAL)

    def _measure(self, served: str, number: int, baseline: Baseline) -> Knowledge:
        async def ask() -> Knowledge:
            async with ChatClient(self._serving.serving) as chat:
                return await self._questioner(chat).knowledge(served, self._facts(number), baseline)

        return asyncio.run(ask())

    def _seen(self, database: Database, number: int) -> set[str]:
        """Held-out wordings that a dataset has, word for word or nearly: paraphrasing may have come upon them."""
        with database.begin() as session:
            listed = runs.latest(session, self._persona.slug, limit=50)
            datasets = [runs.dataset(session, run.id) for run in listed]
            trained = {
                normalised(message["content"])
                for dataset in datasets
                if dataset
                for row in dataset.rows
                if row.case_id is not None
                for message in row.messages
                if message["role"] == "user"
            }
        wordings = {wording for fact in self._facts(number) for wording in fact.held_out}
        return {
            wording
            for wording in wordings
            if any(fuzz.ratio(normalised(wording), known) >= NEAR_DUPLICATE for known in trained)
        }

    def _say(self, one: Round) -> None:
        kept = "" if one.kept is None else f", kept {one.kept:.0%}"
        print(
            f"  new {one.learned:.0%}{kept}, identity {one.knowledge.identity:.0%}, rigour {one.knowledge.rigour:.0%}, "
            f"ability {one.knowledge.ability:.0%} of the base, drift {one.knowledge.drift:.3f}",
            flush=True,
        )


def _round(
    number: int,
    rounds: Sequence[Sequence[TeamFact]],
    timeline: Timeline,
    known: Knowledge,
    seen: set[str],
    right_once: set[str],
) -> Round:
    new = {wording for fact in rounds[number - 1] for wording in fact.held_out}
    counted = {wording: right for wording, right in known.facts.items() if wording not in seen}
    learned = [right for wording, right in counted.items() if wording in new]
    earlier = [right for wording, right in counted.items() if wording not in new and wording in right_once]
    return Round(
        number=number,
        run=timeline,
        learned=sum(learned) / len(learned),
        kept=sum(earlier) / len(earlier) if earlier else None,
        known=sum(counted.values()) / len(counted),
        seen=len(seen),
        knowledge=known,
    )


if __name__ == "__main__":
    main()
