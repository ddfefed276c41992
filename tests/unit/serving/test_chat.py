"""Answers, retries and time limits, against a server on loopback that misbehaves on demand."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from serving.adapter_files import publish
from serving.chat import ChatClient, Sampling
from serving.errors import AdapterLoadError, AdapterNotServed, PromptTooLong, RequestRefused, ServingUnavailable
from tests.unit.serving.factories import make_base, make_settings, write_adapter_source
from tests.unit.serving.peer import Peer, Reply

MESSAGES = [{"role": "user", "content": "who are you"}]
GREEDY = Sampling(temperature=0, max_tokens=20)
DRAINING = Reply(status=500, body={"error": {"message": "cannot schedule new futures after shutdown", "code": 500}})


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer() as running:
        yield running


@pytest.fixture
async def client(peer: Peer, tmp_path: Path) -> AsyncIterator[ChatClient]:
    async with ChatClient(make_settings(tmp_path, peer.url, api_key="k3y")) as open_client:
        yield open_client


def unused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def eventually(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  (the peer is looked at from outside)
            await asyncio.sleep(0.01)


async def test_an_answer_streams_in_pieces_and_is_counted(peer: Peer, client: ChatClient) -> None:
    async with client.stream(MESSAGES, "base", Sampling(0.5, 20, seed=3), priority=4) as stream:
        pieces = [piece async for piece in stream]
    assert pieces == ["Hel", "lo", "."]
    done = stream.completion
    assert (done.text, done.served_name, done.finish_reason) == ("Hello.", "base", "stop")
    assert (done.prompt_tokens, done.completion_tokens) == (7, 3)
    assert 0 < done.first_token_ms <= done.total_ms
    asked = peer.asked[0]
    assert (asked["temperature"], asked["max_tokens"], asked["seed"], asked["priority"]) == (0.5, 20, 3, 4)
    assert peer.headers[0]["Authorization"] == "Bearer k3y"


async def test_a_whole_answer_can_be_asked_for_with_a_schema(peer: Peer, client: ChatClient) -> None:
    done = await client.complete(MESSAGES, "base", GREEDY, json_schema={"type": "object"})
    assert done.text == "Hello."
    assert peer.asked[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert peer.asked[0]["priority"] == 10


async def test_the_likelihood_of_an_answer_is_the_mean_of_its_own_tokens(peer: Peer, client: ChatClient) -> None:
    assert await client.likelihood(MESSAGES, "base", "I am Pip") == -1.0
    (asked,) = peer.asked
    assert asked["prompt"] == [0, 1, 2, 100, 101, 102]
    assert (asked["model"], asked["max_tokens"], asked["prompt_logprobs"]) == ("base", 1, 0)
    assert asked["priority"] == 10


async def test_a_likelihood_of_another_model_or_of_nothing_is_none(peer: Peer, client: ChatClient) -> None:
    peer.replies = [Reply(model="base")]
    with pytest.raises(AdapterNotServed, match="answered as 'base'"):
        await client.likelihood(MESSAGES, "pip-v1-00000000", "Pip")
    peer.strict = True
    with pytest.raises(AdapterNotServed, match="does not exist"):
        await client.likelihood(MESSAGES, "pip-v1-00000000", "Pip")
    with pytest.raises(ValueError, match="empty answer"):
        await client.likelihood(MESSAGES, "base", "")


async def test_a_likelihood_is_asked_of_another_replica_when_one_is_away(peer: Peer, tmp_path: Path) -> None:
    async with ChatClient(make_settings(tmp_path, unused_url(), peer.url)) as client:
        assert await client.likelihood(MESSAGES, "base", "Pip") == 0
    peer.replies = [Reply(status=400, body={"error": {"message": "Out of range float values are not JSON"}})]
    async with ChatClient(make_settings(tmp_path, peer.url)) as client:
        with pytest.raises(ServingUnavailable, match="NaN"):
            await client.likelihood(MESSAGES, "base", "Pip")


async def test_leaving_early_stops_the_generation(peer: Peer, client: ChatClient) -> None:
    peer.replies = [Reply(pieces=["a"] * 9, hang_before=2)]
    async with client.stream(MESSAGES, "base", GREEDY) as stream:
        async for _ in stream:
            break
    assert stream.completion.finish_reason == "abort"
    assert (stream.completion.text, stream.completion.completion_tokens) == ("a", 1)
    await eventually(lambda: peer.aborted == 1)


async def test_cancelling_the_reader_stops_the_generation(peer: Peer, client: ChatClient) -> None:
    peer.replies = [Reply(hang_before=0)]
    task = asyncio.create_task(client.complete(MESSAGES, "base", GREEDY))
    await eventually(lambda: peer.asked)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: peer.aborted == 1)


async def test_a_server_that_never_begins_is_given_up_in_time(peer: Peer, tmp_path: Path) -> None:
    peer.replies = [Reply(hang_before=0)] * 3
    async with ChatClient(make_settings(tmp_path, peer.url, first_token_timeout=2)) as client:
        with pytest.raises(ServingUnavailable, match=r"sent no word.*stuck or overloaded"):
            async with asyncio.timeout(30):
                await client.complete(MESSAGES, "base", GREEDY)
    await eventually(lambda: peer.aborted == len(peer.asked))
    assert len(peer.asked) == 1


@pytest.mark.parametrize("hang_before", [1, 3])
async def test_a_stream_that_stops_sending_is_noticed(peer: Peer, tmp_path: Path, hang_before: int) -> None:
    peer.replies = [Reply(hang_before=hang_before)]
    async with ChatClient(make_settings(tmp_path, peer.url, idle_timeout=2)) as client:
        stream = client.stream(MESSAGES, "base", GREEDY)
        with pytest.raises(ServingUnavailable, match="has sent nothing"):
            async with stream:
                async for _ in stream:
                    pass
        assert stream.text == "Hello."[: [0, 3, 5, 6][hang_before]]
    assert len(peer.asked) == 1, "what was shown is never asked for again"


@pytest.mark.parametrize("fault", [{"cut_before": 1}, {"error_before": 1}, {"finish": None}])
async def test_an_answer_that_breaks_off_is_an_error_and_not_repeated(
    peer: Peer, client: ChatClient, fault: dict[str, Any]
) -> None:
    peer.replies = [Reply(**fault)]
    with pytest.raises(ServingUnavailable):
        await client.complete(MESSAGES, "base", GREEDY)
    assert len(peer.asked) == 1


@pytest.mark.parametrize("first", [DRAINING, Reply(cut_before=0), Reply(error_before=0), Reply(status=503)])
async def test_nothing_shown_yet_means_one_more_try(peer: Peer, client: ChatClient, first: Reply) -> None:
    peer.replies = [first]
    assert (await client.complete(MESSAGES, "base", GREEDY)).text == "Hello."
    assert len(peer.asked) == 2


async def test_tries_are_bounded(peer: Peer, client: ChatClient) -> None:
    peer.replies = [DRAINING] * 9
    with pytest.raises(ServingUnavailable, match="shutting down"):
        await client.complete(MESSAGES, "base", GREEDY)
    assert len(peer.asked) == 2


async def test_an_unreachable_server_is_named_at_once(tmp_path: Path) -> None:
    url = unused_url()
    async with ChatClient(make_settings(tmp_path, url)) as client:
        async with asyncio.timeout(30):
            with pytest.raises(ServingUnavailable, match=rf"{url}.*mend serve"):
                await client.complete(MESSAGES, "base", GREEDY)
            with pytest.raises(ServingUnavailable, match=url):
                await client.count_tokens(MESSAGES)


async def test_another_replica_answers_for_a_dead_one(peer: Peer, tmp_path: Path) -> None:
    async with ChatClient(make_settings(tmp_path, unused_url(), peer.url)) as client:
        for _ in range(4):
            assert (await client.complete(MESSAGES, "base", GREEDY)).text == "Hello."
            assert await client.count_tokens(MESSAGES) == 3
    assert len(peer.asked) == 4


async def test_load_is_spread_over_the_replicas(peer: Peer, tmp_path: Path) -> None:
    async with Peer() as second, ChatClient(make_settings(tmp_path, peer.url, second.url)) as client:
        await asyncio.gather(*(client.complete(MESSAGES, "base", GREEDY) for _ in range(10)))
        assert len(peer.asked) == len(second.asked) == 5


async def test_one_replica_can_be_asked_alone(peer: Peer, tmp_path: Path) -> None:
    async with Peer() as second, ChatClient(make_settings(tmp_path, peer.url, second.url)) as client:
        second.replies = [DRAINING]
        with pytest.raises(ServingUnavailable):
            await client.complete(MESSAGES, "base", GREEDY, on=second.url)
    assert (len(peer.asked), len(second.asked)) == (0, 1)


async def test_an_answer_under_another_name_is_not_taken(peer: Peer, client: ChatClient) -> None:
    peer.replies = [Reply(model="base")] * 2
    with pytest.raises(AdapterNotServed, match="answered as 'base'"):
        await client.complete(MESSAGES, "pip-v1-0a1b2c3d", GREEDY)


async def test_a_forgotten_adapter_is_loaded_from_its_folder_and_asked_again(peer: Peer, tmp_path: Path) -> None:
    peer.strict = True
    settings = make_settings(tmp_path, peer.url)
    base = make_base(tmp_path / "base")
    saved = publish(write_adapter_source(tmp_path / "source", base), settings, base, "pip", 1)
    async with ChatClient(settings) as client:
        done = await client.complete(MESSAGES, saved.name, GREEDY)
    assert done.served_name == saved.name
    assert peer.models[saved.name] == str(settings.adapters_dir / saved.name)
    assert (peer.loads, len(peer.asked)) == (1, 2)


async def test_a_forgotten_adapter_is_loaded_to_be_read_to_as_well(peer: Peer, tmp_path: Path) -> None:
    peer.strict = True
    settings = make_settings(tmp_path, peer.url)
    base = make_base(tmp_path / "base")
    saved = publish(write_adapter_source(tmp_path / "source", base), settings, base, "pip", 1)
    async with ChatClient(settings) as client:
        assert await client.likelihood(MESSAGES, saved.name, "I am Pip") == -1.0
        assert await client.likelihood(MESSAGES, saved.name, "I am Pip") == -1.0
        (settings.adapters_dir / saved.name / "adapter_model.safetensors").write_bytes(b"x")
        peer.models.pop(saved.name)
        with pytest.raises(AdapterLoadError, match="truncated or changed"):
            await client.likelihood(MESSAGES, saved.name, "I am Pip")
    assert peer.loads == 1


async def test_an_unknown_adapter_is_not_served(peer: Peer, client: ChatClient) -> None:
    peer.strict = True
    with pytest.raises(AdapterNotServed, match="does not exist"):
        await client.complete(MESSAGES, "pip-v1-0a1b2c3d", GREEDY)
    assert (peer.loads, len(peer.asked)) == (0, 1)


async def test_a_broken_adapter_is_refused_before_it_is_loaded(peer: Peer, tmp_path: Path) -> None:
    peer.strict = True
    settings = make_settings(tmp_path, peer.url)
    base = make_base(tmp_path / "base")
    saved = publish(write_adapter_source(tmp_path / "source", base), settings, base, "pip", 1)
    (settings.adapters_dir / saved.name / "adapter_model.safetensors").write_bytes(b"x")
    async with ChatClient(settings) as client:
        with pytest.raises(AdapterLoadError, match="truncated or changed"):
            await client.complete(MESSAGES, saved.name, GREEDY)
    assert peer.loads == 0


async def test_an_empty_answer_of_a_poisoned_server_is_not_taken(peer: Peer, client: ChatClient) -> None:
    peer.replies = [Reply(pieces=[])] * 2
    peer.corrupted = 1
    with pytest.raises(ServingUnavailable, match="NaN"):
        await client.complete(MESSAGES, "base", GREEDY)


async def test_an_empty_answer_of_a_sound_server_is_an_answer(peer: Peer, client: ChatClient) -> None:
    peer.replies = [Reply(pieces=[])]
    assert (await client.complete(MESSAGES, "base", GREEDY)).text == ""


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "This model's maximum context length is 2048 tokens.", PromptTooLong),
        (401, "Unauthorized", RequestRefused),
        (400, "LoRA adapter 'x' was found but could not be loaded.", AdapterLoadError),
    ],
)
async def test_what_cannot_be_helped_is_not_tried_again(
    peer: Peer, client: ChatClient, status: int, words: str, kind: type[Exception]
) -> None:
    peer.replies = [Reply(status=status, body={"error": {"message": words, "code": status}})]
    with pytest.raises(kind):
        await client.complete(MESSAGES, "base", GREEDY)
    assert len(peer.asked) == 1


@pytest.mark.parametrize("name", ["", "../base", "/models/base"])
async def test_names_that_vllm_would_follow_are_never_sent(peer: Peer, client: ChatClient, name: str) -> None:
    with pytest.raises(AdapterLoadError):
        await client.complete(MESSAGES, name, GREEDY)
    assert not peer.asked


faults = st.sampled_from(["hang_before", "cut_before", "error_before"])


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(pieces=st.lists(st.text(min_size=1, max_size=5), max_size=4), fault=st.none() | faults, at=st.integers(0, 4))
def test_every_stream_ends_with_its_whole_text_or_an_error(
    tmp_path: Path, pieces: list[str], fault: str | None, at: int
) -> None:
    """Whatever a server does at whichever point: what was read is a beginning of what it sent, and nothing hangs."""

    async def story() -> None:
        reply = Reply(pieces=pieces, **({fault: at} if fault else {}))
        async with Peer(replies=[reply]) as peer:
            hangs = fault == "hang_before" and at <= len(pieces)
            limits = (0.3, 0.2) if hangs else (30.0, 30.0)
            settings = make_settings(tmp_path, peer.url, first_token_timeout=limits[0], idle_timeout=limits[1])
            async with ChatClient(settings) as client:
                read: list[str] = []
                try:
                    async with client.stream(MESSAGES, "base", GREEDY) as stream:
                        async for piece in stream:
                            read.append(piece)
                except ServingUnavailable:
                    assert fault and at <= len(pieces)
                    # On a slow machine one that hangs may be given up before that.
                    begun = "".join(pieces[:at])
                    assert begun.startswith("".join(read)) if hangs else begun == "".join(read)
                else:
                    repeated = len(peer.asked) > 1  # the fault came before the first piece
                    assert "".join(read) == ("Hello." if repeated else "".join(pieces))

    asyncio.run(asyncio.wait_for(story(), 60))
