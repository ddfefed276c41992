"""People who ask while the model server sleeps for a training: told once, kept, and answered in order on waking."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.answering import AWAY, GIVEN_UP
from bot.napping import ASLEEP, NOT_WAITING, STOP_WAITING, STOPPED
from feedback import answers, naps
from feedback.models import Answer, Run
from feedback.runs import Progress
from feedback.states import AnswerStatus
from sandbox.client import Message
from settings import Settings
from tests.integration.bot.conftest import QUICK, Scene, StartBot, finished_answer, with_slack
from tests.integration.bot.steps import approved, until_recorded
from tests.integration.bot.trainer_by_hand import TrainerByHand
from trainer.lock import TrainingLock

LEARNING = "I am learning something new"


@asynccontextmanager
async def training(scene: Scene, trainer: TrainerByHand, *, left: float | None = 170.0) -> AsyncIterator[int]:
    """A worker is at work on a run, and the server sleeps until the end of the block."""
    with TrainingLock(scene.db, "pip") as lock:
        assert lock.take()
        run_id = await begins(scene, trainer, left)
        yield run_id
        scene.model.asleep = False
        with scene.db.begin() as session:
            naps.end(session, run_id, "it answers again")


async def begins(scene: Scene, trainer: TrainerByHand, left: float | None = None) -> int:
    run = await trainer.start()
    await trainer.move_to("training")
    await trainer.report(Progress("training", eta_seconds=left))
    with scene.db.begin() as session:
        naps.begin(session, run.id, "it was too tight")
    scene.model.asleep = True
    return run.id


async def said_in(scene: Scene, ts: str) -> list[str]:
    return [message.plain for message in await scene.mia.messages("general", ts) if message.by_app]


async def asks(scene: Scene, text: str, thread: str | None = None) -> str:
    words = f"{await scene.ws.mention()} {text}"
    return await scene.mia.say("general", words, **({"thread_ts": thread} if thread else {}))


def is_told(message: Message) -> bool:
    return message.plain.startswith(LEARNING)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  (what is waited for is in the bot's tasks)
            await asyncio.sleep(0.02)


def recorded(scene: Scene, ts: str) -> Callable[[], bool]:
    """Questions that come at once are taken at once, in any order."""

    def is_taken() -> bool:
        with scene.db.begin() as session:
            return session.scalars(select(Answer.id).where(Answer.question_ts == ts)).first() is not None

    return is_taken


def waiting(scene: Scene, count: int) -> Callable[[], bool]:
    def so_many() -> bool:
        with scene.db.begin() as session:
            told = select(Answer).where(Answer.status == AnswerStatus.PENDING, Answer.apologised)
            return len(list(session.scalars(told))) == count

    return so_many


async def test_questions_wait_and_are_answered_in_their_order(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(with_slack(settings, max_running_answers=1)):
        async with training(scene, trainer):
            asked = []
            for number in range(6):
                asked.append(await asks(scene, f"number {number}"))
                await scene.mia.wait_for("general", is_told, thread_ts=asked[-1])
            assert waiting(scene, 6)()
            assert not scene.model.asked and not scene.model.asked_asleep
        for ts in asked:
            await scene.answer_to(scene.mia, "general", ts)
            said = await said_in(scene, ts)
            assert len(said) == 2 and "in about 3 minutes" in said[0]
        order = [request["messages"][-1]["content"] for request in scene.model.asked]
        assert order == [f"number {number}" for number in range(6)]


async def test_who_asks_after_waking_comes_after_those_who_waited(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(with_slack(settings, max_running_answers=1), replace(QUICK, retry=2.0)):
        async with training(scene, trainer):
            early = await asks(scene, "early")
            await scene.mia.wait_for("general", is_told, thread_ts=early)
        later = []
        for number in range(2):  # before the bot has looked again
            later.append(await asks(scene, f"late {number}"))
            await until(recorded(scene, later[-1]))
        for ts in (early, *later):
            await scene.answer_to(scene.mia, "general", ts)
        assert [request["messages"][-1]["content"] for request in scene.model.asked] == ["early", "late 0", "late 1"]
        assert len(await said_in(scene, later[0])) == 1, "nobody is told to wait who need not"


@dataclass
class HeldUp:
    """The database, whose answers to the looks for questions that wait are told only when the test lets them."""

    run: Callable[..., Awaitable[Any]]
    held: Callable[..., Any]
    looks: list[asyncio.Event] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)
    free: bool = False

    async def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        seen = await self.run(function, *args, **kwargs)
        if function is self.held and not self.free:
            self.found.append(seen)
            self.looks.append(asyncio.Event())
            await self.looks[-1].wait()
        return seen

    def let_all_go(self) -> None:
        self.free = True
        for one in self.looks:
            one.set()

    def looked(self, times: int) -> Callable[[], bool]:
        return lambda: len(self.looks) == times


async def test_a_look_that_began_during_the_nap_lets_nobody_in_before_those_who_waited(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = offstage
    async with start_bot(with_slack(settings, max_running_answers=1)) as parts:
        async with training(scene, trainer):
            early = await asks(scene, "early")
            await scene.mia.wait_for("general", is_told, thread_ts=early)
            held_up = HeldUp(parts.database.run, naps.current)
            monkeypatch.setattr(parts.database, "run", held_up)
            await until(held_up.looked(1))
        late = await asks(scene, "late")
        with contextlib.suppress(TimeoutError):  # a second look would come now; it has to wait for the first
            async with asyncio.timeout(1):
                await until(held_up.looked(2))
        held_up.looks[0].set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await until(lambda: bool(scene.model.asked))
        held_up.let_all_go()
        for ts in (early, late):
            await scene.answer_to(scene.mia, "general", ts)
        assert [request["messages"][-1]["content"] for request in scene.model.asked] == ["early", "late"]


async def test_who_waited_for_a_server_that_was_not_woken_is_answered_first(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(with_slack(settings, max_running_answers=1), replace(QUICK, retry=2.0, retry_in=60.0)):
        async with training(scene, trainer) as run_id:
            with scene.db.begin() as session:
                session.execute(update(Run).where(Run.id == run_id).values(status="failed"))
            early = await asks(scene, "early")
            await scene.mia.wait_for("general", lambda m: m.plain == AWAY, thread_ts=early)
        late = await asks(scene, "late")
        for ts in (early, late):
            await scene.answer_to(scene.mia, "general", ts)
        assert [request["messages"][-1]["content"] for request in scene.model.asked] == ["early", "late"]


async def test_what_is_taken_over_by_a_process_that_ends_is_left_to_the_next_at_once(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = offstage
    async with start_bot(settings, replace(QUICK, lease=600.0)) as parts:
        async with training(scene, trainer):
            ts = await asks(scene, "hello")
            await scene.mia.wait_for("general", is_told, thread_ts=ts)
            held_up = HeldUp(parts.database.run, answers.take_unfinished)
            monkeypatch.setattr(parts.database, "run", held_up)
        await until(lambda: any(held_up.found))
        parts.intake.take_over_no_more()
        held_up.let_all_go()
    async with start_bot(settings):
        await scene.answer_to(scene.mia, "general", ts)


async def test_who_begins_to_wait_during_a_look_is_not_forgotten(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = offstage
    async with start_bot(settings, replace(QUICK, retry=60.0)) as parts:
        held_up = HeldUp(parts.database.run, answers.take_unfinished)
        monkeypatch.setattr(parts.database, "run", held_up)
        look = asyncio.create_task(parts.intake.retry())
        await until(held_up.looked(1))  # it has seen a server that is awake, and nobody who waits
        async with training(scene, trainer):
            early = await asks(scene, "early")
            await scene.mia.wait_for("general", is_told, thread_ts=early)
            held_up.let_all_go()
            await look
            assert parts.napping.some_wait


async def test_who_is_taken_over_while_still_being_told_to_wait_is_answered_after_that(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, told = offstage, asyncio.Event()
    async with start_bot(settings, replace(QUICK, lease=600.0)) as parts:

        async def slowly(*, status: str, **_: str) -> None:
            if status.startswith("is learning"):
                await told.wait()

        async with training(scene, trainer):
            ts = await asks(scene, "hello")
            await scene.mia.wait_for("general", is_told, thread_ts=ts)
            monkeypatch.setattr(parts.client, "assistant_threads_setStatus", slowly)
            other = await asks(scene, "and you?")
            await scene.mia.wait_for("general", is_told, thread_ts=other)
        await scene.answer_to(scene.mia, "general", ts)
        told.set()
        await scene.answer_to(scene.mia, "general", other)


async def test_a_thread_is_told_once(scene: Scene, trainer: TrainerByHand) -> None:
    async with training(scene, trainer, left=None):
        first = await asks(scene, "one")
        await scene.mia.wait_for("general", is_told, thread_ts=first)
        await asks(scene, "two", first)
        await asks(scene, "three", first)
        await until(waiting(scene, 3))
        assert await said_in(scene, first) == [
            f"{LEARNING} and will be back in a few minutes. Your question waits; I answer it then.\nStop waiting"
        ]
    for word in ("one", "two", "three"):
        await scene.mia.wait_for(
            "general", lambda m, word=word: finished_answer(m) and word in m.plain, thread_ts=first
        )  # type: ignore[misc]
    assert len([text for text in await said_in(scene, first) if "You asked" in text]) == 3


async def test_who_does_not_want_to_wait_stops(scene: Scene, trainer: TrainerByHand) -> None:
    async with training(scene, trainer):
        ts = await asks(scene, "never mind")
        told = await scene.mia.wait_for("general", is_told, thread_ts=ts)
        await scene.noor.click("general", told.ts, STOP_WAITING)
        await scene.noor.wait_for("general", lambda m: m.ephemeral and m.plain == NOT_WAITING, thread_ts=ts)
        await scene.mia.click("general", told.ts, STOP_WAITING)
        await scene.mia.wait_for("general", lambda m: m.ts == told.ts and m.plain == STOPPED, thread_ts=ts)
    other = await scene.ask(scene.mia, "another thing")
    assert "You asked: another thing" in other.plain
    await until_recorded(scene, 2)
    with scene.db.begin() as session:
        assert list(session.scalars(select(Answer.status).order_by(Answer.id))) == [
            AnswerStatus.FAILED,
            AnswerStatus.ANSWERED,
        ]
    assert len(scene.model.asked) == 1


async def test_a_training_may_take_longer_than_the_patience(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(with_slack(settings, patience=60)):
        async with training(scene, trainer):
            ts = await asks(scene, "are you there?")
            await scene.mia.wait_for("general", is_told, thread_ts=ts)
            with scene.db.begin() as session:
                session.execute(update(Answer).values(created_at=Answer.created_at - timedelta(hours=2)))
            scene.model.away = True  # something goes wrong after waking, too
        with scene.db.begin() as session:
            assert waiting(scene, 1)()
        await until(lambda: _error(scene) not in (None, "", ASLEEP))
        scene.model.away = False
        await scene.answer_to(scene.mia, "general", ts)
        assert GIVEN_UP not in await said_in(scene, ts)


def _error(scene: Scene) -> str | None:
    with scene.db.begin() as session:
        return session.scalars(select(Answer.error)).one()


async def test_an_answer_that_falling_asleep_cuts_off_is_finished_in_place(
    scene: Scene, trainer: TrainerByHand
) -> None:
    scene.model.pace, scene.model.say = 0.05, lambda messages: " ".join(f"word{n}" for n in range(240))
    ts = await asks(scene, "tell me")
    half = await scene.mia.wait_for("general", lambda m: m.by_app and "word" in m.plain, thread_ts=ts)
    async with training(scene, trainer):
        scene.model.break_after = 0  # what vLLM aborts ends without a reason
        await scene.mia.wait_for("general", is_told, thread_ts=ts)
        scene.model.break_after, scene.model.pace = None, 0.0
    whole = await scene.answer_to(scene.mia, "general", ts)
    assert whole.ts == half.ts and whole.plain.count("word") == 240


async def test_a_bot_that_is_started_while_the_server_sleeps_tells_who_waits(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    scene.model.pace, scene.model.say = 0.05, lambda messages: " ".join(f"word{n}" for n in range(200))
    async with start_bot(with_slack(settings, shutdown_grace=0.1)):
        ts = await asks(scene, "tell me")
        await scene.mia.wait_for("general", lambda m: m.by_app, thread_ts=ts)
    scene.model.pace = 0.0
    async with training(scene, trainer), start_bot(settings):
        await scene.mia.wait_for("general", is_told, thread_ts=ts)
    async with start_bot(settings):
        await scene.answer_to(scene.mia, "general", ts)


async def test_no_adapter_is_loaded_into_a_server_that_sleeps(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    async with start_bot(settings, replace(QUICK, reconcile=0.1)):
        await approved(scene, trainer, "who are you?", "I am Pip.")
        await trainer.start()
        await trainer.go_live(1)
        await until(lambda: len(scene.model.models) == 2)
        await approved(scene, trainer, "who made you?", "The Harbor team.")
        async with training(scene, trainer):
            scene.model.models = {"base": "/models/base"}  # it was started anew, say
            ts = await asks(scene, "hello")
            await scene.mia.wait_for("general", is_told, thread_ts=ts)
            assert scene.model.models == {"base": "/models/base"}
        await scene.answer_to(scene.mia, "general", ts)
        assert not scene.model.away


async def test_the_bot_wakes_a_server_that_no_worker_is_left_to_wake(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand
) -> None:
    scene = offstage
    await begins(scene, trainer)
    async with start_bot(settings, replace(QUICK, reconcile=0.1, unattended=0.5)):
        ts = await asks(scene, "hello")
        await scene.answer_to(scene.mia, "general", ts)
        assert scene.model.turns == ["wake_up"]
        with scene.db.begin() as session:
            assert naps.current(session, "pip") is None


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
async def test_after_a_training_a_server_that_was_not_woken_is_simply_away(
    settings: Settings, start_bot: StartBot, offstage: Scene, trainer: TrainerByHand, ended: str
) -> None:
    scene = offstage
    async with start_bot(settings):
        async with training(scene, trainer) as run_id:
            with scene.db.begin() as session:
                session.execute(update(Run).where(Run.id == run_id).values(status=ended))
            ts = await asks(scene, "hello")
            await scene.mia.wait_for("general", lambda m: m.plain == AWAY, thread_ts=ts)
        await scene.answer_to(scene.mia, "general", ts)
