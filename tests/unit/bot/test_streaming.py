"""Whatever Slack does to a message under way, the whole answer ends up there, once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from bot import streaming
from bot.blocks import answer_footer
from bot.limits import FIRST_TEXT, Spacing
from bot.slack_messages import Place
from bot.streaming import Reply
from bot.traffic import Traffic
from tests.unit.bot.fakes import FakeSlack, proxy_error, slack_error

PLACE = Place("C1", "0.1", "UMIA", "T1")
PROXY_ERRORS = [proxy_error(kind) for kind in ("text/plain", "text/html", "application/json")]
TEXT = " ".join(f"word{n}" for n in range(60))


class Clock:
    """Time that passes when somebody looks, so that no test waits."""

    def __init__(self, step: float = 0.05) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Thread:
    """One reply in a fake Slack."""

    def __init__(self, slack: FakeSlack | None = None, *, clock: Clock | None = None) -> None:
        self.slack = slack or FakeSlack()
        self.traffic = Traffic(clock=clock or Clock(), spacing=Spacing(0.0))
        self.known: list[str] = []
        self.seen = False

    async def say(self, text: str, *, pieces: int = 6, earlier: Sequence[str] = (), flush: bool = True) -> Reply:
        async def register(ts: str) -> None:
            self.known.append(ts)

        async with Reply(self.slack.client, PLACE, self.traffic, register, earlier) as reply:
            step = max(1, len(text) // pieces)
            for start in range(0, len(text), step):
                reply.write(text[start : start + step])
                if flush:
                    await reply._flush()
                if reply.stopped or reply.lost:
                    break
            self.seen = await reply.close(answer_footer())
        return reply

    @property
    def shown(self) -> str:
        return "".join(self.slack.messages[ts] for ts in sorted(self.slack.messages, key=float))


async def test_words_are_streamed_and_the_thumbs_come_last() -> None:
    thread = Thread()
    reply = await thread.say(TEXT)
    assert thread.shown == TEXT and reply.words == TEXT
    assert thread.known == ["1.000000"] == reply.messages
    assert thread.slack.streaming == set()
    assert thread.slack.footers["1.000000"][-1]["type"] == "context_actions"
    start = next(args for method, args in thread.slack.calls if method == "chat.startStream")
    assert (start["recipient_user_id"], start["recipient_team_id"], start["thread_ts"]) == ("UMIA", "T1", "0.1")
    assert all("markdown_text" not in args for _, args in thread.slack.calls)


async def test_a_message_that_is_being_posted_when_its_answer_is_cut_off_is_known_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread, posting, posted = Thread(), asyncio.Event(), asyncio.Event()
    start = thread.slack.client.chat_startStream

    async def slowly(**arguments: Any) -> Any:
        posting.set()
        await posted.wait()
        return await start(**arguments)

    async def answer() -> None:
        async def register(ts: str) -> None:
            thread.known.append(ts)

        async with Reply(thread.slack.client, PLACE, thread.traffic, register) as reply:
            reply.write(TEXT)
            await asyncio.Event().wait()

    monkeypatch.setattr(thread.slack.client, "chat_startStream", slowly)
    task = asyncio.create_task(answer())
    await posting.wait()
    task.cancel()
    asyncio.get_running_loop().call_soon(posted.set)
    await asyncio.wait({task})
    assert task.cancelled() and thread.known == ["1.000000"]


async def test_an_answer_that_slack_does_not_take_at_all_counts_as_unseen() -> None:
    thread = Thread(clock=Clock(1.0))
    for method in ("chat.startStream", "chat.postMessage"):
        thread.slack.errors[method] = [slack_error("internal_error") for _ in range(20)]
    await thread.say(TEXT, flush=False)
    assert not thread.seen and thread.slack.messages == {}


async def test_an_answer_over_an_earlier_half_counts_as_unseen_when_nothing_of_it_was_taken() -> None:
    thread = Thread(clock=Clock(1.0))
    thread.slack.messages["0.5"] = "half"
    thread.slack.errors["chat.update"] = [slack_error("internal_error") for _ in range(20)]
    await thread.say(TEXT, earlier=["0.5"])
    assert not thread.seen and thread.slack.messages == {"0.5": "half"}


async def test_an_answer_of_which_something_is_there_counts_as_seen() -> None:
    thread = Thread(clock=Clock(1.0))
    thread.slack.errors["chat.update"] = [slack_error("internal_error") for _ in range(20)]
    thread.slack.errors["chat.stopStream"] = [slack_error("internal_error") for _ in range(20)]
    await thread.say(TEXT)
    assert thread.seen and thread.shown


async def test_a_short_answer_is_known_before_it_has_thumbs() -> None:
    thread = Thread()
    await thread.say("Hello.", flush=False)
    methods = [method for method, _ in thread.slack.calls]
    assert methods == ["chat.startStream", "chat.stopStream"]
    assert thread.known == ["1.000000"]


@pytest.mark.parametrize("code", ["unknown_method", "missing_scope", "channel_type_not_supported"])
@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_refused_streams_become_edits(method: str, code: str) -> None:
    thread = Thread()
    thread.slack.errors[method] = [slack_error(code)]
    await thread.say(TEXT)
    assert thread.shown == TEXT and len(thread.slack.messages) == 1
    assert thread.traffic.can_stream("C1") is False
    assert thread.traffic.can_stream("C2") is (code not in {"unknown_method", "missing_scope"})


@pytest.mark.parametrize("error", [slack_error("never_heard_of"), slack_error("internal_error"), *PROXY_ERRORS])
@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_after_a_hiccup_the_answer_is_whole_and_the_channel_streams_again(method: str, error: Exception) -> None:
    thread = Thread()
    thread.slack.errors[method] = [error]
    await thread.say(TEXT)
    assert thread.shown == TEXT and len(thread.slack.messages) == 1 and thread.slack.streaming == set()
    assert thread.traffic.can_stream("C1")


@pytest.mark.parametrize("code", ["message_not_in_streaming_state", "msg_too_long", "streaming_state_conflict"])
@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
async def test_a_stream_that_slack_ends_is_written_over(method: str, code: str) -> None:
    thread = Thread()
    thread.slack.errors[method] = [slack_error(code)]
    await thread.say(TEXT)
    assert thread.shown == TEXT and len(thread.slack.messages) == 1
    assert thread.traffic.can_stream("C1")


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
async def test_after_no_reply_the_whole_text_is_written_over(method: str) -> None:
    thread = Thread()
    thread.slack.late_errors[method] = [TimeoutError()]  # it was carried out, and nobody knows
    await thread.say(TEXT)
    assert thread.shown == TEXT and len(thread.slack.messages) == 1


async def test_a_deleted_message_is_posted_anew() -> None:
    thread = Thread()
    thread.slack.errors["chat.appendStream"] = [slack_error("message_not_found")]
    await thread.say(TEXT)
    assert thread.slack.messages["2.000000"] == TEXT
    assert thread.known == ["1.000000", "2.000000"]


async def test_stop_keeps_what_is_shown_and_adds_nothing() -> None:
    thread = Thread()
    thread.slack.errors["chat.appendStream"] = [slack_error("stopped_by_user")]
    reply = await thread.say(TEXT)
    assert reply.stopped and reply.words == thread.shown.strip()
    assert 0 < len(reply.words) < len(TEXT)


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_rate_limits_are_waited_out(method: str) -> None:
    thread = Thread()
    thread.slack.errors[method] = [slack_error("ratelimited", 429, {"Retry-After": "0"})] * 2
    await thread.say(TEXT)
    assert thread.shown == TEXT and len(thread.slack.messages) == 1


async def test_where_nothing_can_be_posted_it_gives_up() -> None:
    thread = Thread()
    thread.slack.errors["chat.startStream"] = [slack_error("is_archived")]
    reply = await thread.say(TEXT)
    assert reply.lost and thread.slack.messages == {}


async def test_native_thumbs_that_are_refused_become_buttons() -> None:
    thread = Thread()
    thread.slack.errors["chat.stopStream"] = [slack_error("invalid_blocks")]
    await thread.say(TEXT)
    assert thread.shown == TEXT
    assert thread.slack.footers["1.000000"][-1]["type"] == "actions"


async def test_a_long_answer_rotates_and_its_code_stays_code() -> None:
    thread = Thread()
    text = "Look:\n```python\n" + "".join(f"print('boat {n}')\n" for n in range(1000)) + "```\nDone."
    reply = await thread.say(text, pieces=30)
    shown = [thread.slack.messages[ts] for ts in reply.messages]
    assert len(shown) > 1 and all(len(part.encode()) <= 9_010 for part in shown)
    assert all(part.count("```") == 2 for part in shown)
    lines = [line for part in shown for line in part.splitlines() if line.startswith("print")]
    assert lines == [f"print('boat {n}')" for n in range(1000)]
    assert thread.known == reply.messages


async def test_a_stream_that_gets_old_goes_on_in_another_message() -> None:
    clock = Clock(step=20.0)
    thread = Thread(clock=clock)
    reply = await thread.say(TEXT, pieces=30)
    assert len(reply.messages) > 1 and thread.shown == TEXT


async def test_more_streams_than_a_minute_allows_are_posted_whole() -> None:
    clock = Clock(step=0.0)
    thread = Thread(clock=clock)
    for _ in range(25):
        await thread.say(TEXT)
    assert thread.slack.counted("chat.startStream") <= 20
    assert all(text == TEXT for text in thread.slack.messages.values()) and len(thread.slack.messages) == 25
    assert thread.slack.counted("chat.update") == 0


async def test_an_answer_cut_off_half_way_is_written_over_in_place() -> None:
    thread = Thread()
    thread.slack.messages = {"7.000000": "word0 wo", "8.000000": "rest"}
    thread.slack.streaming = {"8.000000"}
    thread.slack._next = 10
    await thread.say(TEXT, earlier=["7.000000", "8.000000"])
    assert thread.slack.messages == {"7.000000": TEXT}


async def test_a_text_that_gets_shorter_is_shown_shorter() -> None:
    thread = Thread()

    async def register(ts: str) -> None:
        thread.known.append(ts)

    async with Reply(thread.slack.client, PLACE, thread.traffic, register) as reply:
        for _ in range(6):
            reply.write("I am here to help you. " * 100)
            await reply._flush()
        assert len(thread.slack.messages) == 2
        reply.replace("I am here to help you. …")
        await reply.close(answer_footer())
    assert thread.shown == "I am here to help you. …"


async def test_the_first_words_do_not_wait_for_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "TICK", 3600.0)
    thread, posted = Thread(), asyncio.Event()

    async def register(ts: str) -> None:
        posted.set()

    async with Reply(thread.slack.client, PLACE, thread.traffic, register) as reply:
        reply.write(TEXT[:FIRST_TEXT])
        async with asyncio.timeout(30):
            await posted.wait()
        assert thread.shown == TEXT[:FIRST_TEXT]


@pytest.mark.parametrize("ending", ["close", "leave"])
async def test_nothing_is_shown_before_what_it_comes_after(ending: str) -> None:
    thread = Thread()
    status: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def register(ts: str) -> None:
        thread.known.append(ts)

    async with Reply(thread.slack.client, PLACE, thread.traffic, register, after=status) as reply:
        reply.write(TEXT)
        end = asyncio.create_task(reply.close(answer_footer()) if ending == "close" else reply.leave())
        for _ in range(50):
            await asyncio.sleep(0)
        assert thread.slack.calls == [] and not end.done()
        status.set_result(None)
        await end
    assert thread.shown == (TEXT if ending == "close" else "")


ERRORS = st.sampled_from(
    ["unknown_method", "message_not_in_streaming_state", "msg_too_long", "streaming_state_conflict", "invalid_blocks",
     "ratelimited", "odd_error", "network", "internal_error", "proxy"]
)  # fmt: skip
METHODS = ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.postMessage", "chat.update"]


def failure(code: str) -> Exception:
    if code in {"network", "proxy"}:
        return TimeoutError() if code == "network" else proxy_error("text/plain")
    return slack_error(code, headers={"Retry-After": "0"})


@settings(max_examples=80)
@given(
    st.dictionaries(st.sampled_from(METHODS), st.lists(ERRORS, max_size=2), max_size=4),
    st.text(alphabet="ab <[](`\n", min_size=1, max_size=80).filter(str.strip),
    st.integers(1, 9),
)
def test_any_few_failures_end_with_the_whole_text_once(failures: dict[str, list[str]], text: str, pieces: int) -> None:
    async def story() -> tuple[Thread, Reply]:
        thread = Thread()
        thread.traffic.clock = Clock(step=1.0)
        thread.slack.errors = {method: [failure(code) for code in codes] for method, codes in failures.items()}
        return thread, await thread.say(text, pieces=pieces)

    thread, reply = asyncio.run(story())
    assert thread.shown == reply.text
    assert isinstance(slack_error("x"), SlackApiError)
