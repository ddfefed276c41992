"""The bot as it is, on a sandbox workspace, a real PostgreSQL and a stand-in model server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from slack_bolt.listener.async_listener import AsyncCustomListener
from sqlalchemy import select

from bot import correcting
from bot.app import running
from bot.parts import Parts
from bot.rhythm import Rhythm
from feedback.database import Database
from feedback.models import Answer
from feedback.states import AnswerStatus
from sandbox.client import Message, Person, Workspace
from sandbox.options import Timing
from sandbox.server import serve
from settings import DatabaseSettings, RedisSettings, ServingSettings, Settings, SlackSettings, TrainingSettings
from tests.integration.bot.cuttable import CuttableLine
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.bot.trainer_by_hand import TrainerByHand

MANIFEST = Path(__file__).with_name("slack_app.yaml")
PERSONA = Path(__file__).parents[3] / "persona"
QUICK = Rhythm(
    lease=4.0, renew=1.0, retry=0.3, retry_in=0.5, announce=0.2, save_kept=0.3, reconcile=60.0, automatic=0.2
)
PATIENT = Timing(ack_timeout=30.0, redelivery=(0.1, 0.2), trigger_life=30.0, file_delay=0.05)
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's three seconds, and what is done to keep to them, are not for a machine that does ten things at once."""
    monkeypatch.setattr(correcting, "LOOK", 20.0)
    monkeypatch.setattr(correcting, "SAVE", 20.0)
    begin = AsyncCustomListener.__init__

    def patient(listener: AsyncCustomListener, **options: Any) -> None:
        begin(listener, **options)
        listener.ack_timeout = 30

    monkeypatch.setattr(AsyncCustomListener, "__init__", patient)


@pytest.fixture
def timing() -> Timing:
    return PATIENT


@pytest.fixture
def sandbox_url(timing: Timing) -> Iterator[str]:
    with serve(MANIFEST, timing=timing) as url:
        yield url


@pytest.fixture
async def ws(sandbox_url: str) -> AsyncIterator[Workspace]:
    async with Workspace(sandbox_url) as workspace:
        yield workspace


@pytest.fixture
def model() -> Iterator[StandInModel]:
    with StandInModel().serve() as stand_in:
        yield stand_in


@pytest.fixture
async def settings(sandbox_url: str, ws: Workspace, model: StandInModel, database_url: str, tmp_path: Path) -> Settings:
    """Ada and Noor are admins; #help is the channel of record."""
    channels = {channel["name"]: channel["id"] for channel in await ws.person("ada").channels()}
    return Settings(
        home=tmp_path,
        persona_dir=PERSONA,
        slack=SlackSettings(
            bot_token="xoxb-sandbox",
            app_token="xapp-sandbox",
            api_url=f"{sandbox_url}/api/",
            admins=[await ws.user_id("ada"), await ws.user_id("noor")],
            record_channel=channels["help"],
            shutdown_grace=2,
        ),
        database=DatabaseSettings(url=database_url),
        redis=RedisSettings(url=NOWHERE),
        training=TrainingSettings(attempts=1),
        serving=ServingSettings(
            urls=[model.url],
            device="cuda",
            adapters_dir=tmp_path / "adapters",
            first_token_timeout=60,
            idle_timeout=30,
        ),
    )


def with_training(settings: Settings, **options: Any) -> Settings:
    return settings.model_copy(update={"training": settings.training.model_copy(update=options)})


def with_slack(settings: Settings, **options: Any) -> Settings:
    """The settings with other options of Slack's."""
    return settings.model_copy(update={"slack": settings.slack.model_copy(update=options)})


class StartBot(Protocol):
    def __call__(self, settings: Settings, rhythm: Rhythm = QUICK) -> AbstractAsyncContextManager[Parts]:
        """A bot process that runs until the block ends."""


@pytest.fixture
def start_bot(ws: Workspace) -> StartBot:
    """A bot with settings of the test's own."""

    @asynccontextmanager
    async def start(settings: Settings, rhythm: Rhythm = QUICK) -> AsyncIterator[Parts]:
        async with running(settings, rhythm) as parts:
            await ws.wait_until_connected()
            yield parts

    return start


@pytest.fixture
async def bot(settings: Settings, start_bot: StartBot) -> AsyncIterator[Parts]:
    async with start_bot(settings) as parts:
        yield parts


@dataclass(frozen=True)
class Scene:
    """What most stories start from."""

    ws: Workspace
    mia: Person
    ada: Person
    noor: Person
    model: StandInModel
    db: Database

    async def ask(self, person: Person, text: str, channel: str = "general") -> Message:
        """Ask with a mention, and wait for the whole answer and, as the record has it a moment later, for that."""
        ts = await person.say(channel, f"{await self.ws.mention()} {text}")
        answer = await self.answer_to(person, channel, ts)
        async with asyncio.timeout(20):
            while not self._is_recorded(ts):  # noqa: ASYNC110  (PostgreSQL tells nobody)
                await asyncio.sleep(0.02)
        return answer

    def _is_recorded(self, ts: str) -> bool:
        with self.db.begin() as session:
            asked = select(Answer.id).where(Answer.question_ts == ts, Answer.status != AnswerStatus.PENDING)
            return session.scalars(asked).first() is not None

    async def retrain(self, admin: Person, channel: str = "general") -> None:
        """`/mend retrain`, and Start training in the preview."""
        await admin.command(channel, "/mend", "retrain")
        await self.confirm(admin, channel)

    async def confirm(self, admin: Person, channel: str = "general") -> None:
        """Start training, in the preview that is there or comes."""
        preview = await admin.wait_for(channel, lambda m: m.element("mend_confirm_run") is not None)
        await admin.click(channel, preview.ts, "mend_confirm_run")

    async def answer_to(self, person: Person, channel: str, ts: str) -> Message:
        return await person.wait_for(channel, finished_answer, thread_ts=ts)


def finished_answer(message: Message) -> bool:
    """An answer carries its thumbs once it is whole."""
    return any(block["type"] == "context_actions" for block in message.blocks) or bool(
        message.element("mend_feedback_up")
    )


@pytest.fixture
def scene(ws: Workspace, bot: Parts, model: StandInModel, db: Database) -> Scene:
    return Scene(ws, ws.person("mia"), ws.person("ada"), ws.person("noor"), model, db)


@pytest.fixture
def trainer(db: Database, settings: Settings) -> TrainerByHand:
    return TrainerByHand(db, settings.serving.adapters_dir)


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[CuttableLine]:
    async with CuttableLine(database_url).open() as line:
        yield line


@pytest.fixture
def settings_over_line(settings: Settings, line: CuttableLine) -> Settings:
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": line.via})})


@pytest.fixture
async def one_a_day(settings: Settings, start_bot: StartBot, offstage: "Scene") -> AsyncIterator["Scene"]:
    """A scene whose bot takes one correction a day from a member."""
    async with start_bot(with_slack(settings, corrections_per_day=1)):
        yield offstage


@pytest.fixture
def offstage(ws: Workspace, model: StandInModel, db: Database) -> Scene:
    """A scene whose bot the test starts itself."""
    return Scene(ws, ws.person("mia"), ws.person("ada"), ws.person("noor"), model, db)
