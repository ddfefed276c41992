"""What a question is asked with: the thread before it, as long as it fits."""

from datetime import timedelta

from bot.answering import TOO_LONG
from feedback import answers
from feedback.answers import Outcome, Question
from feedback.states import AnswerStatus
from tests.integration.bot.conftest import Scene, finished_answer
from tests.integration.bot.steps import only_answer, until_recorded, words


async def test_a_thread_is_remembered_from_our_own_record(scene: Scene) -> None:
    first = await scene.ask(scene.mia, "my boat is called Petrel")
    await until_recorded(scene)
    again = await scene.mia.say("general", f"{await scene.ws.mention()} what is it called?", thread_ts=first.thread_ts)
    await scene.mia.wait_for("general", lambda m: finished_answer(m) and m.ts > again, thread_ts=first.thread_ts)
    roles = [(m["role"], m["content"]) for m in scene.model.asked[-1]["messages"]]
    assert roles[1:] == [
        ("user", "my boat is called Petrel"),
        ("assistant", "You asked: my boat is called Petrel"),
        ("user", "what is it called?"),
    ]
    assert "conversations.replies" not in await scene.ws.counts()


async def test_a_long_thread_loses_its_oldest_turns_and_never_the_persona(scene: Scene) -> None:
    scene.model.say = lambda messages: "noted"
    first = await scene.ask(scene.mia, "first " + words(700))
    for turns, text in enumerate(("second " + words(700), "third " + words(500)), start=1):
        await until_recorded(scene, turns)
        asked = await scene.mia.say("general", f"{await scene.ws.mention()} {text}", thread_ts=first.thread_ts)
        await scene.mia.wait_for(
            "general", lambda m, ts=asked: finished_answer(m) and m.ts > ts, thread_ts=first.thread_ts
        )
    sent = scene.model.asked[-1]["messages"]
    assert sent[0]["role"] == "system"
    assert [m["content"].split()[0] for m in sent if m["role"] == "user"] == ["second", "third"]


async def test_a_thread_of_many_short_turns_is_remembered_whole(scene: Scene) -> None:
    first = await scene.ask(scene.mia, "turn 0")
    await until_recorded(scene)
    row = only_answer(scene)
    with scene.db.begin() as session:  # forty more turns, as this very record has them
        for number in range(1, 41):
            ts = f"{float(row.question_ts) + number / 1000:.6f}"
            where = (row.persona, row.team_id, row.channel_id, row.thread_ts, ts, row.asker_id, row.asker_team_id)
            turn = answers.take_question(session, Question(*where, f"turn {number}"), lease=timedelta(minutes=1))
            assert turn is not None
            answers.finish(session, turn, Outcome(AnswerStatus.ANSWERED, text=f"answer {number}"))
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} and now?", thread_ts=first.thread_ts)
    await scene.mia.wait_for("general", lambda m: finished_answer(m) and m.ts > ts, thread_ts=first.thread_ts)
    asked = [m["content"] for m in scene.model.asked[-1]["messages"] if m["role"] == "user"]
    assert asked == [*(f"turn {number}" for number in range(41)), "and now?"]


async def test_a_question_longer_than_the_window_is_refused_in_words(scene: Scene) -> None:
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} " + "a " * 1700)
    said = await scene.mia.wait_for("general", lambda m: m.by_app, thread_ts=ts)
    assert said.plain == TOO_LONG
    await until_recorded(scene)
    assert only_answer(scene).status is AnswerStatus.FAILED
