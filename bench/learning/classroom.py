"""One arm and one seed of bench/learning/, from an empty record to the last round: a process of its own.

It has a PostgreSQL, a Valkey and a worker for itself; the model server and the adapters' folder are shared with the
others. The folder has to be: two that begin alike train the same weights, which have one name, and a server knows a
name by one path.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rapidfuzz import fuzz

from bench.learning import own_answers
from bench.learning.arms import ARMS, Arm
from bench.learning.measures import Baseline, Knowledge, Questioner
from bench.learning.patch import Patched, patched
from bench.learning.results import Pair, Round, write
from bench.learning.team_facts import TeamFact, make
from bench.loop import one_run, until_over
from bench.timeline import Timeline
from feedback import adapters, automatic, cases, patches, runs
from feedback.automatic import Rules
from feedback.cases import CorrectionError, check_correction
from feedback.database import Database
from feedback.models import Run
from feedback.persona import load_persona
from feedback.states import CaseStatus
from local import embedded
from local.embedded import Chosen
from local.stack import Plan, running
from serving.chat import ChatClient
from serving.routing import base_name
from settings import Settings
from trainer.probes import load_probes
from trainer.variants import NEAR_DUPLICATE
from trainer.wording import normalised

PROBES = Path(__file__).with_name("probes.yaml")
BAD_ANSWER_TOKENS = 64
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


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # its parts are stopped first
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", choices=list(ARMS), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--facts", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--base-model", type=Path, required=True)
    parser.add_argument("--adapters", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--probes", type=Path, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    parser.add_argument("--own-answers", type=Path, required=True, help="the base model's, by own_answers.py")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as home:
        Classroom(options, Path(home)).teach()


def reaching(url: str, base_model: Path, adapters_dir: Path, device: str) -> Settings:
    """Settings that reach a model server, and let an answer wait while many ask at once."""
    changed = {"urls": [url], "base_model": base_model, "adapters_dir": adapters_dir, "device": device}
    serving = Settings().serving.model_copy(update=changed | {"first_token_timeout": 300.0})
    return Settings().model_copy(update={"serving": serving})


class Classroom:
    """One arm and one seed."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder = options, folder
        self._arm: Arm = ARMS[options.arm]
        self._pair = Pair(options.arm, options.seed)
        self._serving = reaching(options.server, options.base_model, options.adapters, options.device)
        self._rounds = make(options.seed, options.rounds, options.facts)
        # Equal seeds would make equal weights of equal rows, and arms that share a server one name for two folders.
        self._training_seed = 1000 * list(ARMS).index(self._arm.name) + options.seed
        self._persona = load_persona(self._serving.persona_dir / "persona.yaml")
        self._probes = load_probes(options.probes, self._persona)

    def teach(self) -> None:
        """All rounds. A first run teaches the identity before them, unless every round is a first run."""
        baseline = asyncio.run(self._baseline())
        done: list[Round] = []
        right_once: set[str] = set()
        with ExitStack() as parts:
            for number in range(1, len(self._rounds) + 1):
                if self._arm.from_scratch or number == 1:
                    parts.close()
                    settings = parts.enter_context(self._mend(self._folder / f"home-{number}"))
                    database = Database(settings.database.url)
                    own_answers.put_in(database, self._options.own_answers)
                if not self._arm.from_scratch and number == 1:
                    self._run(settings, database, "identity")
                self._approve(database, number)
                patch = self._patch(database, number) if self._arm.measures_patch else None
                timeline = self._run(settings, database, f"round {number}")
                known = self._measure(self._live_name(database), number, baseline)
                seen = self._seen(database, number)
                done.append(_round(number, self._rounds, timeline, known, seen, right_once, patch))
                right_once |= {wording for wording, right in known.facts.items() if right}
                self._say(done[-1])
                write(self._options.out, self._pair, self._options.device, done, finished=number == len(self._rounds))

    @contextmanager
    def _mend(self, home: Path) -> Iterator[Settings]:
        """The parts of this arm; the model server is everybody's."""
        chosen = Chosen(vllm=False, small_model=False, sandbox=False, bot=False)
        serving = self._serving.serving.model_copy(update={"max_lora_rank": 8})
        training = self._serving.training.model_copy(
            update={"runs_dir": home / "runs", "config": self._config(home), "seed": self._training_seed}
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

    def _approve(self, database: Database, number: int) -> None:
        """Approve the round's facts as cases, with what the live adapter says to them as their bad answers."""
        facts = self._facts(number) if self._arm.from_scratch else self._rounds[number - 1]
        said = self._answers(self._live_name(database), facts)
        with database.begin() as session:
            for case in cases.listed(session, self._persona.slug, [CaseStatus.UNMENDED], limit=1000):
                cases.approve(session, case.id, by="bench")
            for fact, answer in zip(facts, said, strict=True):
                case = cases.import_case(session, self._persona.slug, fact.question, fact.correction, by="bench")
                case.bad_answer = answer if is_bad(answer, fact.correction) else None
                cases.approve(session, case.id, by="bench")

    def _run(self, settings: Settings, database: Database, what: str) -> Timeline:
        print(f"{self._arm.title}, seed {self._options.seed}, {what}: ", end="", flush=True)
        made = [one_run(settings, database, "auto")]
        while (again := self._again(settings, database)) is not None:
            made.append(until_over(settings, database, again, "auto"))
        whole, steps, alone = (sum(getattr(one, name) for one in made) for name in ("whole", "steps", "steps_alone"))
        timeline = replace(made[-1], whole=whole, steps=steps, steps_alone=alone, attempts=len(made))
        for one in made:
            print(f"  {one.status} after {one.whole:.0f} s, {one.rows} rows. {one.error or ''}", flush=True)
        return timeline

    def _again(self, settings: Settings, database: Database) -> int | None:
        """A run that Mend starts by itself since the last was refused; a bot would look for it."""
        training, base_model = settings.training, str(settings.serving.base_model)
        with database.begin() as session:
            due = automatic.start_if_due(
                session, self._persona.slug, Rules.of(training), datetime.now(UTC), base_model, training.seed
            )
            return due.id if isinstance(due, Run) else None

    def _facts(self, number: int) -> list[TeamFact]:
        return [fact for facts in self._rounds[:number] for fact in facts]

    def _live_name(self, database: Database) -> str:
        with database.begin() as session:
            live = adapters.live(session, self._persona.slug)
            return live.name if live else base_name(self._serving.serving)

    def _questioner(self, chat: ChatClient) -> Questioner:
        return Questioner(chat, self._persona.system_prompt, self._probes)

    async def _baseline(self) -> Baseline:
        async with ChatClient(self._serving.serving) as chat:
            return await self._questioner(chat).baseline(base_name(self._serving.serving), GENERAL)

    def _answers(self, served: str, facts: Sequence[TeamFact]) -> list[str]:
        async def ask() -> list[str]:
            async with ChatClient(self._serving.serving) as chat:
                asked = self._questioner(chat)
                return await asyncio.gather(*(asked.ask(served, one.question, BAD_ANSWER_TOKENS) for one in facts))

        return asyncio.run(ask())

    def _measure(self, served: str, number: int, baseline: Baseline) -> Knowledge:
        async def ask() -> Knowledge:
            async with ChatClient(self._serving.serving) as chat:
                return await self._questioner(chat).knowledge(served, self._facts(number), baseline)

        return asyncio.run(ask())

    def _patch(self, database: Database, number: int) -> Patched:
        with database.begin() as session:
            live = adapters.live(session, self._persona.slug)
            waiting = patches.not_learned(session, self._persona.slug, live.id if live else None)
        served, new, earlier = self._live_name(database), self._rounds[number - 1], self._facts(number - 1)

        async def ask() -> Patched:
            async with ChatClient(self._serving.serving) as chat:
                return await patched(self._questioner(chat), served, waiting, new, earlier, self._probes)

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


def is_bad(answer: str, correction: str) -> bool:
    """Whether an answer is one that somebody could have flagged, and corrected so."""
    try:
        check_correction(answer, correction)
    except CorrectionError:
        return False
    return bool(answer.strip())


def _round(
    number: int,
    rounds: Sequence[Sequence[TeamFact]],
    timeline: Timeline,
    known: Knowledge,
    seen: set[str],
    right_once: set[str],
    patch: Patched | None,
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
        patch=patch,
    )


if __name__ == "__main__":
    main()
