"""A canary's story: some people try the new version, and their votes, or an admin, decide whether it stays."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from bot.voting import BAD
from feedback.experiments import Rules
from feedback.models import Adapter, Answer, Vote
from feedback.states import Arm, CaseStatus
from feedback.votes import Person as Voter
from sandbox.client import Message, Person
from sandbox.directory import DEFAULT_WORKSPACE
from sandbox.server import serve
from serving.routing import arm_of
from settings import ExperimentSettings, Settings
from tests.integration.bot.conftest import MANIFEST, PATIENT, Scene, StartBot
from tests.integration.bot.steps import approve_all, corrected, progress, statuses, thumb_down
from tests.integration.bot.trainer_by_hand import TrainerByHand

TEAM = "T0SANDBOX1"
QUICK = Rules(share=0.5, margin=3.0, alpha=0.3, days=14)  # a few people are enough for it
CROWD = {f"member{number}": f"U0MEMB{number:04}" for number in range(20)}


@pytest.fixture
def sandbox_url(tmp_path: Path) -> Iterator[str]:
    """A workspace with as many members as votes need."""
    document = yaml.safe_load(DEFAULT_WORKSPACE.read_text(encoding="utf-8"))
    for name, user_id in CROWD.items():
        document["people"].append({"id": user_id, "name": name, "real_name": name.title(), "color": "2b6cb0"})
    document["channels"][0]["members"] += list(CROWD)
    path = tmp_path / "workspace.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with serve(MANIFEST, workspace=path, timing=PATIENT) as url:
        yield url


def members(scene: Scene, canary: Adapter, arm: Arm) -> list[Person]:
    of_arm = [name for name, user in CROWD.items() if arm_of(canary.name, Voter(TEAM, user), QUICK.share) is arm]
    return [scene.ws.person(name) for name in of_arm]


async def answered_by(scene: Scene, person: Person) -> str:
    """The model name that answered somebody just now."""
    await scene.ask(person, "what is for lunch?")
    return str(scene.model.asked[-1]["model"])


async def disliked(scene: Scene, people: list[Person], model: str) -> None:
    """Each asks something, is answered by this model, and gives that a thumbs-down."""
    for person in people:
        answer = await scene.ask(person, "what is for lunch?")
        assert scene.model.asked[-1]["model"] == model
        await person.close(await thumb_down(person, answer))
        await note_to(person, BAD)
        async with asyncio.timeout(20):  # a note of an earlier thumb is there already
            while not is_voted(scene, answer):  # noqa: ASYNC110  (PostgreSQL tells nobody)
                await asyncio.sleep(0.02)


def is_voted(scene: Scene, answer: Message) -> bool:
    with scene.db.begin() as session:
        cast = select(Vote.id).join(Answer).where(Answer.question_ts == answer.thread_ts)
        return session.scalars(cast).first() is not None


def bare(message: Message) -> str:
    return message.plain.replace("`", "")


async def note_to(person: Person, words: str) -> Message:
    return await person.wait_for("general", lambda m: m.ephemeral and words in bare(m))


async def recorded(scene: Scene, words: str) -> Message:
    return await scene.ada.wait_for("help", lambda m: m.by_app and words in bare(m))


def loaded(scene: Scene, settings: Settings, *served: Adapter) -> None:
    scene.model.models |= {one.name: str(settings.serving.adapters_dir / one.name) for one in served}


async def next_canary(scene: Scene, trainer: TrainerByHand, version: int) -> Adapter:
    await scene.retrain(scene.ada)
    await progress(scene.mia, f"Run {version} waits")
    return await trainer.go_canary(version, QUICK)


async def test_votes_and_admins_decide_about_a_canary(scene: Scene, trainer: TrainerByHand, settings: Settings) -> None:
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    live = await trainer.go_live(1)
    flagged = await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)

    # A harmful one is taken back by itself, and whoever flagged is told that it is not mended.
    harmful = await next_canary(scene, trainer, 2)
    loaded(scene, settings, live, harmful)
    started = await recorded(scene, f"The canary {harmful.name} answers 50% of people, {live.name} the others.")
    assert "A decision takes about" in started.plain and "1 person with a thumbs-down in the last 28" in started.plain
    on_live, on_canary = members(scene, harmful, Arm.LIVE), members(scene, harmful, Arm.CANARY)
    assert await answered_by(scene, on_live[0]) == live.name
    await disliked(scene, on_canary[:1], harmful.name)
    await trainer.look(settings)
    await scene.ada.command("general", "/mend", "retrain")
    await note_to(scene.ada, "promote it or take it back first")
    await scene.mia.command("general", "/mend", "status")
    status = await note_to(scene.mia, "Not enough votes yet: 1 person with a thumbs-down on the canary, 0 on the live")
    assert "In truth" in status.plain and "the canary as the live version" in status.plain
    await disliked(scene, on_canary[1:4], harmful.name)
    assert statuses(scene)[0] is CaseStatus.TRAINING
    await trainer.look(settings)
    await recorded(scene, f"The canary {harmful.name} is taken back, and {live.name} answers everybody: 4 people")
    told = await scene.mia.wait_for("general", lambda m: "not mended yet" in m.plain, thread_ts=flagged.thread_ts)
    assert "not good enough to go live" in told.plain and "dislike the canary" in told.plain
    assert await answered_by(scene, on_canary[0]) == live.name

    # An admin stops the next one in App Home; the case goes on waiting, and its thread hears nothing of it.
    stopped = await next_canary(scene, trainer, 3)
    await recorded(scene, f"The canary {stopped.name} answers")
    await scene.ada.open_home()
    home = await scene.ada.wait_for_home(lambda view: stopped.name in view.plain and "asked again soon" in view.plain)
    await scene.ada.click_view(home, "mend_stop_canary")
    await recorded(scene, f"took the canary {stopped.name} back: by hand")
    assert statuses(scene)[0] is CaseStatus.APPROVED

    # A good one goes live by itself, and only then its case is mended.
    good = await next_canary(scene, trainer, 4)
    loaded(scene, settings, good)
    assert await answered_by(scene, members(scene, good, Arm.CANARY)[0]) == good.name
    await disliked(scene, members(scene, good, Arm.LIVE)[:3], live.name)
    await trainer.look(settings)
    await recorded(scene, f"The canary {good.name} is live for everybody: 0 people")
    mended = await scene.mia.wait_for("general", lambda m: "Mended in" in m.plain, thread_ts=flagged.thread_ts)
    assert good.name in mended.plain
    assert await answered_by(scene, members(scene, good, Arm.LIVE)[0]) == good.name
    thread = await scene.mia.messages("general", flagged.thread_ts)
    assert len([m for m in thread if "mended" in m.plain.casefold()]) == 2


async def test_the_preview_says_that_some_people_try_it_first(
    settings: Settings, start_bot: StartBot, trainer: TrainerByHand, offstage: Scene
) -> None:
    scene = offstage
    async with start_bot(settings.model_copy(update={"experiment": ExperimentSettings(share=0.25)})):
        await scene.retrain(scene.ada)
        await progress(scene.mia, "Run 1 waits")
        await trainer.go_live(1)
        await corrected(scene, "who are you?", "I am Pip.")
        await approve_all(scene)
        await scene.ada.command("general", "/mend", "retrain")
        await note_to(scene.ada, "Some people try it first. A decision takes about 61 people if it is as good as")


async def test_an_admin_promotes_a_canary_by_hand_once(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.ada.command("general", "/mend", "canary")
    await note_to(scene.ada, "No canary is out.")
    await scene.retrain(scene.ada)
    await progress(scene.mia, "Run 1 waits")
    await trainer.go_live(1)
    await corrected(scene, "who are you?", "I am Pip.")
    await approve_all(scene)
    canary = await next_canary(scene, trainer, 2)
    await scene.ada.command("general", "/mend", "canary")
    shown = await note_to(scene.ada, f"The canary {canary.name} answers 50% of people")
    assert "nobody has given either a thumbs-down" in shown.plain and "with 👎" in shown.plain
    await scene.ws.fault("duplicate", times=2)
    await scene.ada.click("general", shown.ts, "mend_promote_canary")
    await note_to(scene.ada, f"{canary.name} is live for everybody from the next message on.")
    await recorded(scene, f"The canary {canary.name} is live for everybody: by hand")
    await scene.ada.click("general", shown.ts, "mend_stop_canary")
    await note_to(scene.ada, "somebody has decided already")
    assert statuses(scene) == [CaseStatus.MENDED]
