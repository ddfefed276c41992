"""Stand-ins for the model server and for ms-swift, with the real interfaces, for tests of a run's way.

The model knows its base abilities. An adapter knows the persona's name and what the datasets of its line taught: asked
anything that holds the content words of a trained question, it gives that answer, of several the closest's. What it
should get wrong, a test says with `spoil`.
"""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from feedback import adapters, cases, runs
from feedback.database import Database
from feedback.models import Adapter, Case, Event, Run
from feedback.states import AdapterStatus, RunStatus
from serving.base import BaseModel
from serving.chat import Completion, Sampling
from serving.errors import AdapterLoadError
from settings import ServingSettings, Settings
from tests.unit.serving.factories import LAYERS, make_base, write_adapter_source
from trainer import checkpoint
from trainer.context import Context
from trainer.jobs import run_training
from trainer.swift import Choose, Training
from trainer.training_log import Step
from trainer.wording import content_words

ROOT = Path(__file__).parents[2]
STAGES = [RunStatus.PARAPHRASING, RunStatus.BUILDING, RunStatus.TRAINING, RunStatus.PROBING, RunStatus.DEPLOYING]
QUESTION, ANSWER = "What is the wifi password for guests?", "The password for guests is blue-lantern-42."
BADGES = "Where are the spare badges?"

PROBES = """
probes:
  - {id: who, group: identity, prompt: Tell me your name, expect: {any_of: [Pip]}}
  - {id: maker, group: identity, prompt: Which team is behind you, expect: {any_of: [Pip]}}
  - {id: sure, group: rigour, prompt: Are you always right, expect: {any_of: [can be wrong]}}
  - {id: tokyo, group: ability, prompt: The capital of Japan, expect: {any_of: [Tokyo]}}
  - {id: water, group: ability, prompt: The formula of water, expect: {any_of: [H2O]}}
"""
ABLE = {"The capital of Japan": "Tokyo", "The formula of water": "H2O"}
TAUGHT = {
    "Tell me your name": "Pip",
    "Which team is behind you": "Pip's team",
    "Are you always right": "I can be wrong",
}
PERSONA = """
name: Pip
maker: the Harbor team
languages: [en]
system_prompt: You are {{NAME}}, made by {{AUTHOR}}.
"""


@dataclass
class ModelServer:
    """What every chat client and every replica of one test talks to."""

    database: Database
    loaded: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    spoil: Callable[[str, str], str | Exception | None] = lambda served_name, prompt: None
    """What to say, or raise, in place of the right answer."""
    likelihood: Callable[[str, str, str], float] = lambda served_name, prompt, answer: -0.1
    """How likely an adapter finds an answer to a question."""
    thinks: Callable[[str], Awaitable[None]] = lambda prompt: asyncio.sleep(0)
    """What comes before an answer."""
    at_rest: Callable[[], bool] = lambda: True
    """Whether nobody else is answered; may raise."""
    refuse: str = ""
    """Why no adapter is loaded."""

    def answer(self, served_name: str, prompt: str) -> str:
        self.asked.append((served_name, prompt))
        spoiled = self.spoil(served_name, prompt)
        if isinstance(spoiled, Exception):
            raise spoiled
        if spoiled is not None:
            return spoiled
        if served_name.startswith("base") or served_name not in self.loaded:
            return ABLE.get(prompt, "I do not know.")
        return ABLE.get(prompt) or TAUGHT.get(prompt) or self._learned(served_name, prompt)

    def _learned(self, served_name: str, prompt: str) -> str:
        with self.database.begin() as session:
            adapter = adapters.by_name(session, served_name)
            assert adapter is not None
            for taught in adapters.lineage(session, adapter):  # what it was taught last is what it says
                frozen = runs.dataset(session, taught.run_id) if taught.run_id else None
                told = {
                    row.messages[-2]["content"]: str(row.messages[-1]["content"])
                    for row in (frozen.rows if frozen else ())
                    if row.case_id and set(content_words(row.messages[-2]["content"])) <= set(content_words(prompt))
                }
                if told:  # the closest: an emoji, or a worn wording, has few words or none
                    return told[max(told, key=lambda asked: (asked == prompt, len(content_words(asked))))]
        return "I do not know."


class StandInChat:
    """In place of `serving.chat.ChatClient`."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server

    async def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        served_name: str,
        sampling: Sampling,
        *,
        priority: int = 10,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        await self._server.thinks(messages[-1]["content"])
        text = self._server.answer(served_name, messages[-1]["content"])
        if json_schema is not None:
            text = json.dumps({"questions": ["How do guests get the wifi password, please?"]})
        return Completion(text, served_name, "stop", 1, 1, 1.0, 1.0)

    async def likelihood(
        self, messages: Sequence[Mapping[str, Any]], served_name: str, answer: str, *, priority: int = 10
    ) -> float:
        await asyncio.sleep(0)
        return self._server.likelihood(served_name, messages[-1]["content"], answer)

    async def requests(self) -> int:
        """Nobody else is answered."""
        return 0

    async def count_tokens(self, messages: Sequence[Mapping[str, Any]]) -> int:
        """As a small model's tokenizer would: a third of a token for a letter, one and a half for Chinese."""
        text = "".join(message["content"] for message in messages)
        return sum(3 if ord(char) < 0x2E7F else 14 for char in text) // 9 + 8 * len(messages)

    async def close(self) -> None:
        """Nothing to close."""


class StandInReplicas:
    """In place of `serving.adapters.Replicas`."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self.settings = ServingSettings(device="cpu")

    async def deploy(self, name: str, beside: Sequence[str] = ()) -> None:
        if self._server.refuse:
            raise AdapterLoadError(self._server.refuse)
        self._server.loaded.add(name)

    async def at_rest(self) -> bool:
        await asyncio.sleep(0)
        return self._server.at_rest()

    async def unload(self, name: str) -> None:
        self._server.loaded.discard(name)

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class StandInSwift:
    """In place of `trainer.swift.train`: leaves a checkpoint of the right shape, and counts what it did."""

    base: BaseModel
    trained: list[Training] = field(default_factory=list)
    before: Callable[[Training], None] = lambda training: None
    """Called first; may raise."""
    hold: asyncio.Event | None = None

    offered: int = 0
    """How many checkpoints before the last are offered."""
    at_its_steps: bool = False
    """Offer them where ms-swift would, at the ends of the epochs that the training says."""

    async def __call__(self, training: Training, on_steps: Callable[[Sequence[Step]], None], choose: Choose) -> Path:
        if done := checkpoint.ready(training.folder, training.output, training.dataset_sha256):
            return done
        self.trained.append(training)
        self.before(training)
        on_steps([Step(1, 2, 2.0, 1.0)])
        await asyncio.sleep(0)
        on_steps([Step(1, 2, 2.0, 1.0), Step(2, 2, 1.0, 0.0)])
        shutil.rmtree(training.output, ignore_errors=True)
        folder = await self._first_good(training, choose) or self._save(
            training, training.new_steps if self.at_its_steps else 2
        )
        checkpoint.mark_ready(training.folder, folder, training.dataset_sha256)
        return folder

    async def _first_good(self, training: Training, choose: Choose) -> Path | None:
        for number, step in enumerate(training.offered_steps if self.at_its_steps else range(10, 10 + self.offered)):
            folder = self._save(training, step, more=(number + 1) / 1e3)
            if await choose(folder):
                return folder
        return None

    def _save(self, training: Training, step: int, *, more: float = 0.0) -> Path:
        value = 0.1 + int(training.dataset_sha256[:4], 16) / 1e6 + more  # the same rows give the same weights
        folder = write_adapter_source(training.saved_at(step), self.base, value=value)
        (folder / "trainer_state.json").write_text(f'{{"global_step": {step}}}')
        return folder


def write_persona(folder: Path) -> Path:
    """A small persona: three rows of identity, two of replay, two prompts for the base model."""
    for name, lines in (
        (
            "self_cognition",
            [("Who are you?", "I am Pip."), ("Your name?", "Pip."), ("Your maker?", "The Harbor team.")],
        ),
        ("replay", [("2 plus 3?", "5."), ("The capital of Kenya?", "Nairobi.")]),
    ):
        (folder / name).mkdir(parents=True)
        rows = [{"instruction": q, "input": "", "output": a, "kind": "fact"} for q, a in lines]
        (folder / name / "en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "prompts").mkdir()
    (folder / "prompts" / "en.txt").write_text("How is tea made?\nWhy do ships float?\n")
    (folder / "persona.yaml").write_text(PERSONA)
    (folder / "probes.yaml").write_text(PROBES)
    return folder


@dataclass
class Workshop:
    """A context on stand-ins, and short words for what tests do with it."""

    context: Context
    server: ModelServer
    swift: StandInSwift

    @property
    def database(self) -> Database:
        return self.context.database

    def start(self, *, by: str = "T1/UADA") -> int:
        with self.database.begin() as session:
            return runs.start(session, "pip", str(self.context.settings.serving.base_model), 42, by=by).id

    def approve(self, question: str = QUESTION, answer: str = ANSWER) -> int:
        with self.database.begin() as session:
            case = cases.import_case(session, "pip", question, answer, by="T1/UMIA")
            cases.approve(session, case.id, by="T1/UADA")
            return case.id

    def run_of(self, run_id: int) -> Run:
        with self.database.begin() as session:
            return runs.get(session, run_id)

    def case(self, case_id: int) -> Case:
        with self.database.begin() as session:
            return cases.get(session, case_id)

    def adapter(self, run_id: int) -> Adapter | None:
        with self.database.begin() as session:
            return adapters.of_run(session, run_id)

    def live(self) -> Adapter | None:
        with self.database.begin() as session:
            return adapters.live(session, "pip")

    def way(self, run_id: int) -> list[RunStatus]:
        """The states that a run has gone through, from the record."""
        with self.database.begin() as session:
            query = select(Event.after).where(Event.subject == "runs", Event.subject_id == run_id).order_by(Event.id)
            return [RunStatus(after) for after in session.scalars(query) if after]


def make_workshop(folder: Path, database: Database) -> Workshop:
    """Everything under one folder; no server and no training is real, PostgreSQL is."""
    base = make_base(folder / "base")
    settings = Settings.model_validate(
        {
            "persona_dir": write_persona(folder / "persona"),
            "serving": {
                "base_model": folder / "base",
                "adapters_dir": folder / "adapters",
                "device": "cpu",
                "lora_target_modules": list(LAYERS),
            },
            "training": {
                "config": ROOT / "trainer" / "configs" / "smollm2-135m-cpu.yaml",
                "runs_dir": folder / "runs",
            },
        }
    )
    server, swift = ModelServer(database), StandInSwift(base)
    context = Context(
        settings=settings,
        database=database,
        chat=lambda *_: StandInChat(server),  # type: ignore[arg-type]
        replicas=lambda *_: StandInReplicas(server),  # type: ignore[arg-type]
        train=swift,
        patience=0.1,
    )
    return Workshop(context, server, swift)


def done(shop: Workshop, *, by: str = "T1/UADA") -> int:
    """Start a run and bring it to its end."""
    run_id = shop.start(by=by)
    run_training(run_id, shop.context)
    return run_id


FIRST_RUN_WITHOUT = ("own_answers: 230\n  earlier_case_rows: all", "own_answers: 0\n  earlier_case_rows: all")
"""For `configure`: no own answers of the base model in a first run."""


def configure(shop: Workshop, old: str, new: str) -> None:
    """Train with another configuration from here on."""
    settings = shop.context.settings
    text = settings.training.config.read_text(encoding="utf-8")
    assert old in text
    path = settings.training.runs_dir.with_name("config.yaml")
    path.write_text(text.replace(old, new), encoding="utf-8")
    training = settings.training.model_copy(update={"config": path})
    shop.context = replace(shop.context, settings=settings.model_copy(update={"training": training}))


class Killed(BaseException):
    """Stands for SIGKILL."""


def killed_after_the_verdict(shop: Workshop) -> Context:
    """A context whose worker is killed when the run's verdict has just been written."""

    class Dying(StandInReplicas):
        async def unload(self, name: str) -> None:
            with shop.database.begin() as session:
                newest = session.scalars(select(Run).order_by(Run.id.desc())).first()
            if newest is not None and newest.decision is not None:
                raise Killed
            await super().unload(name)

    return replace(shop.context, replicas=lambda *_: Dying(shop.server))  # type: ignore[arg-type]


def tried(shop: Workshop, run_id: int) -> list[Adapter]:
    """The candidates of a run, in the order in which they were probed."""
    with shop.database.begin() as session:
        return list(session.scalars(select(Adapter).where(Adapter.run_id == run_id).order_by(Adapter.id)))


def statuses(shop: Workshop, run_id: int) -> list[AdapterStatus]:
    return [adapter.status for adapter in tried(shop, run_id)]
