"""Questions and answers, as somebody in the workspace sees them."""

import asyncio
import shutil
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot import intake
from bot.answering import AWAY, NOTHING_SAID, REPEATED
from bot.intake import EMPTY, EMPTY_DIRECT
from feedback.models import AnswerMessage, Case
from feedback.states import AnswerStatus
from sandbox.client import Workspace
from settings import Settings
from tests.integration.bot.conftest import PATIENT, Scene, StartBot, finished_answer, with_slack
from tests.integration.bot.stand_in_model import StandInModel
from tests.integration.bot.steps import only_answer, until_recorded, words
from tests.integration.bot.trainer_by_hand import TrainerByHand

LONG = "\n".join(f"{line}. This is line number {line} of a long answer about boats." for line in range(1, 401))


async def test_a_mention_is_answered_once_in_its_thread_and_recorded(scene: Scene) -> None:
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} who are you & why?")
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert "You asked: who are you & why?" in answer.plain
    await until_recorded(scene)
    row = only_answer(scene)
    assert (row.status, row.text) == (AnswerStatus.ANSWERED, "You asked: who are you & why?")
    assert row.served_name == "base"
    assert row.first_token_ms and row.total_ms and row.completion_tokens
    assert row.sampling == {"temperature": 0.0, "max_tokens": 512, "seed": None}
    assert row.messages and [message["role"] for message in row.messages] == ["system", "user"]
    assert "Pip" in row.messages[0]["content"]
    with scene.db.begin() as session:
        assert list(session.scalars(select(AnswerMessage.ts))) == [answer.ts]
    replies = [m for m in await scene.mia.messages("general", ts) if m.by_app]
    assert len(replies) == 1  # the mention came as two events


async def test_a_direct_message_is_answered_and_shows_that_it_is_thought_about(scene: Scene) -> None:
    scene.model.pace = 0.2
    ts = await scene.mia.say("dm", "hello there")
    answer = await scene.answer_to(scene.mia, "dm", ts)
    assert "You asked: hello there" in answer.plain
    assert (await scene.ws.counts())["assistant.threads.setStatus"] == 1


async def test_a_fault_in_what_is_looked_up_with_a_question_does_not_lose_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(intake, "prepare", broken)
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} are you there?")
    assert "You asked: are you there?" in (await scene.answer_to(scene.mia, "general", ts)).plain


async def test_the_text_streams_before_it_is_whole(scene: Scene) -> None:
    scene.model.pace, scene.model.say = 0.05, lambda messages: words(240)
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
    half = await scene.mia.wait_for("general", lambda m: m.by_app and m.streaming, thread_ts=ts)
    assert "word" in half.plain and "end" not in half.plain
    whole = await scene.answer_to(scene.mia, "general", ts)
    assert whole.ts == half.ts
    assert whole.plain.count("word") == 240


async def test_only_a_mention_is_an_invitation(scene: Scene) -> None:
    asked = await scene.mia.say("general", f"{await scene.ws.mention()}")
    said = await scene.mia.wait_for("general", lambda m: m.by_app, thread_ts=asked)
    assert said.plain == EMPTY
    alone = await scene.mia.say("dm", await scene.ws.mention())
    await scene.mia.wait_for("dm", lambda m: m.by_app and m.plain == EMPTY_DIRECT, thread_ts=alone)
    await scene.mia.say("general", "talk among ourselves")
    first = await scene.ask(scene.mia, "hello")
    await scene.noor.say("general", "I agree", thread_ts=first.thread_ts)
    await scene.ask(scene.mia, "are you there?")
    assert [request["messages"][-1]["content"] for request in scene.model.asked] == ["hello", "are you there?"]


async def test_what_the_model_writes_has_no_power(scene: Scene) -> None:
    scene.model.say = lambda messages: (
        "Hi <!channel> and <@U0ADA00001>, see [my site](https://evil.example) ![x](http://i)"
    )
    answer = await scene.ask(scene.mia, "hello")
    shown = answer.text + str(answer.blocks)
    assert "<" not in answer.text
    assert "](" not in shown
    assert "my site (https://evil.example)" in answer.text
    await until_recorded(scene)
    assert "<!channel>" in str(only_answer(scene).text)


async def test_empty_output_is_answered_in_words(scene: Scene) -> None:
    scene.model.say = lambda messages: "\n \u200b\u2060 "
    answer = await scene.ask(scene.mia, "hello")
    assert NOTHING_SAID in answer.plain


async def test_a_model_that_repeats_itself_is_stopped(scene: Scene) -> None:
    scene.model.say, scene.model.pace = lambda messages: "Well. " + "I am here to help you. " * 400, 0.001
    answer = await scene.ask(scene.mia, "hello")
    assert answer.plain.count("I am here to help you.") == 1
    assert REPEATED in answer.plain


async def test_an_answer_at_its_limit_says_so(scene: Scene) -> None:
    scene.model.say, scene.model.pace = lambda messages: " ".join(str(n) for n in range(600)), 0.0
    answer = await scene.ask(scene.mia, "count")
    assert "as long as my answers may be" in answer.plain


async def test_a_very_long_answer_goes_on_in_further_messages(scene: Scene) -> None:
    scene.model.say, scene.model.pace = lambda messages: LONG.replace(" ", "_"), 0.0
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} go on")
    last = await scene.answer_to(scene.mia, "general", ts)
    parts = [m for m in await scene.mia.messages("general", ts) if m.by_app]
    assert len(parts) == 3 and parts[-1].ts == last.ts
    text = "".join(part.text for part in parts)
    assert [int(line.split(".")[0]) for line in text.split() if line] == list(range(1, 401))
    await until_recorded(scene)
    with scene.db.begin() as session:
        assert set(session.scalars(select(AnswerMessage.ts))) == {part.ts for part in parts}


@pytest.mark.parametrize("error", ["unknown_method", "channel_type_not_supported", "some_new_error"])
async def test_where_streaming_is_not_to_be_had_the_answer_is_posted_and_edited(scene: Scene, error: str) -> None:
    await scene.ws.fault("no_streaming", error=error)
    scene.model.pace, scene.model.say = 0.05, lambda messages: words(120)
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert answer.plain.count("word") == 120 and "end" in answer.plain
    assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1
    counts = await scene.ws.counts()
    assert counts["chat.postMessage"] == 1 and counts["chat.update"] >= 2
    await scene.ask(scene.mia, "again")
    # What refuses streams for good is not asked again; what nobody has heard of may have been this message's matter.
    assert (await scene.ws.counts())["chat.startStream"] == (2 if error == "some_new_error" else 1)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "method_error", "method": "chat.appendStream", "error": "message_not_in_streaming_state", "times": 1},
        {"kind": "method_error", "method": "chat.appendStream", "error": "msg_too_long", "times": 1},
        {"kind": "method_error", "method": "chat.stopStream", "error": "streaming_state_conflict", "times": 1},
        {"kind": "rate_limit", "method": "chat.appendStream", "times": 2, "retry_after": 1},
        {"kind": "rate_limit", "method": "chat.stopStream", "times": 2, "retry_after": 1},
        {"kind": "rate_limit", "method": "chat.startStream", "times": 1, "retry_after": 1},
        {"kind": "refuse_feedback"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_whatever_slack_does_the_whole_answer_is_there_once(scene: Scene, fault: dict[str, object]) -> None:
    kind = str(fault.pop("kind"))
    await scene.ws.fault(kind, **fault)
    scene.model.pace, scene.model.say = 0.03, lambda messages: words(90)
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert answer.plain.count("word") == 90 and answer.plain.count("end") == 1
    assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1


async def test_stop_ends_the_generation_and_keeps_what_is_shown(scene: Scene) -> None:
    scene.model.pace, scene.model.say = 0.03, lambda messages: " ".join(f"word{n}" for n in range(500))
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
    half = await scene.mia.wait_for("general", lambda m: m.by_app and m.streaming, thread_ts=ts)
    await scene.mia.stop("general", half.ts)
    answer = await scene.answer_to(scene.mia, "general", ts)
    await until_recorded(scene)
    row = only_answer(scene)
    assert row.status is AnswerStatus.STOPPED
    assert row.text and "word499" not in row.text and row.text.strip() in answer.plain
    assert scene.model.finished == 0


async def test_while_the_model_is_away_the_asker_is_told_once_and_answered_later(scene: Scene) -> None:
    scene.model.away = True
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} are you there?")
    await scene.mia.wait_for("general", lambda m: m.plain == AWAY, thread_ts=ts)
    await asyncio.sleep(2.5)  # several tries
    assert [m.plain for m in await scene.mia.messages("general", ts) if m.by_app] == [AWAY]
    scene.model.away = False
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert "You asked: are you there?" in answer.plain


async def test_a_stream_that_breaks_off_is_finished_in_the_same_message(scene: Scene) -> None:
    scene.model.pace, scene.model.say = 0.03, lambda messages: words(90)
    scene.model.break_after = 60
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} tell me")
    await scene.mia.wait_for("general", lambda m: m.plain == AWAY, thread_ts=ts)
    scene.model.break_after = None
    answer = await scene.answer_to(scene.mia, "general", ts)
    assert answer.plain.count("word") == 90
    shown = [m.plain for m in await scene.mia.messages("general", ts) if m.by_app]
    assert len(shown) == 2  # the answer, and the word that it would take longer


@pytest.mark.parametrize("timing", [replace(PATIENT, ack_timeout=1.0)])
async def test_slacks_redeliveries_give_no_second_answer(scene: Scene) -> None:
    await scene.ws.fault("duplicate", times=4)
    await scene.ws.fault("drop_acks", times=2)
    ts = await scene.mia.say("general", f"{await scene.ws.mention()} once?")
    await scene.answer_to(scene.mia, "general", ts)

    async def delivered_again() -> bool | None:
        return any(entry["attempt"] for entry in await scene.ws.traffic(kind="event")) or None

    await scene.mia.until(delivered_again, {"traffic"}, 30)
    await asyncio.sleep(1)
    assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1
    assert len(scene.model.asked) == 1


async def test_thirty_questions_at_once_are_all_answered_once(scene: Scene) -> None:
    scene.model.pace = 0.02
    mention = await scene.ws.mention()
    people = [scene.mia, scene.ada, scene.noor]
    asked = await asyncio.gather(
        *(people[n % 3].say("general", f"{mention} question number {n} please") for n in range(30))
    )
    for number, ts in enumerate(asked):
        answer = await scene.mia.wait_for("general", finished_answer, thread_ts=ts, timeout=60)
        assert f"question number {number} please" in answer.plain
        assert len([m for m in await scene.mia.messages("general", ts) if m.by_app]) == 1
    assert len(scene.model.asked) == 30
    assert (await scene.ws.counts())["chat.startStream"] <= 21


async def test_what_cannot_be_recorded_is_left_out_of_the_answer_and_of_its_correction(scene: Scene) -> None:
    scene.model.say = lambda messages: "hello\x00 world\ud83d"
    answer = await scene.ask(scene.mia, "hello")
    await until_recorded(scene)
    row = only_answer(scene)
    assert (row.status, row.text) == (AnswerStatus.ANSWERED, "hello world")
    assert [m.ts for m in await scene.mia.messages("general", answer.thread_ts) if m.by_app] == [answer.ts]
    await scene.mia.click("general", answer.ts, "mend_feedback", "negative")
    window = await scene.mia.wait_for_view()
    assert await scene.mia.submit(window, {"text": {"text": f"I am Pip.{chr(0)}"}}) is None
    with scene.db.begin() as session:
        assert list(session.scalars(select(Case.correction))) == ["I am Pip."]


async def test_when_the_live_adapter_is_gone_what_it_came_from_answers(scene: Scene, trainer: TrainerByHand) -> None:
    await scene.retrain(scene.ada)
    await scene.ada.wait_for("general", lambda m: "Run 1 waits" in m.plain)
    first = await trainer.go_live(1)
    shutil.rmtree(trainer.hand.adapters_dir / first.name)
    answer = await scene.ask(scene.mia, "who are you?")
    assert "You asked: who are you?" in answer.plain
    await until_recorded(scene)
    row = only_answer(scene)
    assert (row.status, row.adapter_id, row.served_name) == (AnswerStatus.ANSWERED, None, "base")


async def test_a_cap_holds_and_turns_go_round_between_people(
    settings: Settings, start_bot: StartBot, ws: Workspace, model: StandInModel
) -> None:
    model.pace, model.say = 0.04, lambda messages: f"{messages[-1]['content']} {'x ' * 12}"
    async with start_bot(with_slack(settings, max_running_answers=2)):
        mia, noor, pip = ws.person("mia"), ws.person("noor"), await ws.mention()
        asked = [await mia.say("general", f"{pip} mia {number}") for number in range(6)]
        asked.append(await noor.say("general", f"{pip} noor"))
        for ts in asked:
            await mia.wait_for("general", finished_answer, thread_ts=ts)
    order = [body["messages"][-1]["content"] for body in model.asked]
    assert model.most_running == 2
    assert len(order) == 7 and order[-1] != "noor"  # asked last of all, and not answered last
