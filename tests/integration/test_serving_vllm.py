"""Serving against the real vLLM on the CPU, with adapters of random weights that each answer in their own way."""

import asyncio
import contextlib
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bench.swap.own_words import Judge
from bench.swap.random_adapter import write_random_adapter
from bench.swap.spelling import Spelled, SpellingClient
from bench.vllm_server import VllmServer
from serving import routing
from serving.adapter_checks import CONFIG, WEIGHTS
from serving.adapter_files import publish
from serving.adapters import Replicas, reconcile
from serving.base import BaseModel
from serving.chat import ChatClient, Sampling
from serving.errors import AdapterLoadError, AdapterNotServed, PromptTooLong, ServingUnavailable
from serving.tensor_file import read_header

pytestmark = pytest.mark.vllm

MESSAGES = [
    {"role": "system", "content": "You answer in one short sentence."},
    {"role": "user", "content": "What is the capital of France?"},
]
STORY = [{"role": "user", "content": "Tell me a story about a ship."}]
GREEDY = Sampling(temperature=0, max_tokens=14)
SCALE = 0.05  # strong enough that no two adapters tell the same story


@pytest.fixture(scope="module")
def base(base_model: Path) -> BaseModel:
    return BaseModel.read(base_model)


@pytest.fixture(scope="module")
def names(vllm: VllmServer, base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Four published adapters, not loaded."""
    folder = tmp_path_factory.mktemp("sources")
    sources = [write_random_adapter(folder / str(seed), base, seed, scale=SCALE) for seed in range(4)]
    return [publish(source, vllm.settings, base, "swap", seed).name for seed, source in enumerate(sources)]


@pytest.fixture
async def client(vllm: VllmServer) -> AsyncIterator[ChatClient]:
    async with ChatClient(vllm.settings) as open_client:
        yield open_client


@pytest.fixture
async def replicas(vllm: VllmServer) -> AsyncIterator[Replicas]:
    async with Replicas(vllm.settings) as open_replicas:
        yield open_replicas


async def text_of(client: ChatClient, name: str) -> str:
    return (await client.complete(MESSAGES, name, GREEDY)).text


async def test_an_answer_streams_and_its_tokens_are_counted_as_the_server_counts(client: ChatClient) -> None:
    async with client.stream(MESSAGES, "base", GREEDY) as stream:
        pieces = [piece async for piece in stream]
    assert len(pieces) > 3
    assert "Paris" in "".join(pieces)
    assert stream.completion.prompt_tokens == await client.count_tokens(MESSAGES)
    # A training row is counted the same way, also one that no request could have.
    assert await client.count_tokens([*MESSAGES, {"role": "assistant", "content": "港" * 3000}]) > 3000
    assert stream.completion.completion_tokens >= len(pieces)
    assert 0 < stream.completion.first_token_ms < stream.completion.total_ms


async def test_the_zero_adapter_says_what_the_base_model_says(vllm: VllmServer, client: ChatClient) -> None:
    zero = routing.base_name(vllm.settings)
    for content in ("What is the capital of France?", "Write a haiku.", "Add 2 and 3.", "你好"):
        messages = [{"role": "user", "content": content}]
        answers = [await client.complete(messages, name, Sampling(0, 24)) for name in ("base", zero)]
        assert answers[0].text == answers[1].text
        assert answers[0].text


async def test_a_likely_answer_is_told_from_an_unlikely_one_beside_other_traffic(
    vllm: VllmServer, client: ChatClient
) -> None:
    zero, said = routing.base_name(vllm.settings), "The capital of France is Paris."
    right, wrong, _ = await asyncio.gather(
        client.likelihood(MESSAGES, zero, said),
        client.likelihood(MESSAGES, zero, "The capital of France is Lisbon."),
        client.complete(STORY, "base", GREEDY),
    )
    assert 0 > right > wrong + 0.5
    assert await client.likelihood(MESSAGES, zero, said) == pytest.approx(right, abs=0.01), "the cache holds none"
    with pytest.raises(PromptTooLong, match="2048"):
        await client.likelihood(MESSAGES, zero, "word " * 3000)


async def test_leaving_early_frees_the_engine(vllm: VllmServer, client: ChatClient, replicas: Replicas) -> None:
    async with client.stream(STORY, "base", Sampling(0, 1500)) as stream:
        async for _ in stream:
            break
        assert await replicas.each[vllm.url].requests() == 1
    async with asyncio.timeout(10):
        while not await replicas.at_rest():  # noqa: ASYNC110  (the engine tells nobody)
            await asyncio.sleep(0.2)
    assert stream.completion.finish_reason == "abort"


async def test_json_that_follows_a_schema_comes_from_the_zero_adapter(vllm: VllmServer, client: ChatClient) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"]}
    done = await client.complete(MESSAGES, routing.base_name(vllm.settings), Sampling(0, 60), json_schema=schema)
    assert done.text.lstrip().startswith("{")
    assert '"city"' in done.text


async def test_a_prompt_beyond_the_window_is_refused_in_words(client: ChatClient) -> None:
    with pytest.raises(PromptTooLong, match="2048"):
        await client.complete([{"role": "user", "content": "word " * 3000}], "base", GREEDY)
    with pytest.raises(PromptTooLong, match="cannot be greater"):
        await client.complete(MESSAGES, "base", Sampling(0, 4000))


async def test_a_name_that_nothing_stands_behind_is_not_served(client: ChatClient) -> None:
    with pytest.raises(AdapterNotServed, match="does not exist"):
        await client.complete(MESSAGES, "swap-v99-00000000", GREEDY)


async def test_a_forgotten_adapter_is_loaded_and_asked_again(vllm: VllmServer, base: BaseModel, tmp_path: Path) -> None:
    settings = vllm.settings.model_copy(update={"adapters_dir": tmp_path / "adapters"})
    name = publish(write_random_adapter(tmp_path / "source", base, 90, scale=SCALE), settings, base, "late", 1).name
    async with ChatClient(settings) as client, Replicas(settings) as replicas:
        assert await text_of(client, name)
        assert name in (await replicas.loaded())[vllm.url]
        await replicas.unload(name)
        assert name not in (await replicas.loaded())[vllm.url]
        assert await text_of(client, name)
        await replicas.unload(name)


async def test_swaps_under_eight_streams_lose_and_mix_nothing(
    vllm: VllmServer, replicas: Replicas, names: list[str]
) -> None:
    live = names[0]
    await replicas.deploy(live)
    answers: list[Spelled] = []
    heard = {name: asyncio.Event() for name in names}
    swapping = True

    async def ask() -> None:
        while swapping:
            name = live  # read once for each answer, as the bot does
            said = await client.complete(STORY, name, GREEDY)
            assert isinstance(said, Spelled)
            answers.append(said)
            heard[name].set()

    async with SpellingClient(vllm.settings) as client, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(ask())
        for name in names[1:]:
            await heard[live].wait()
            await replicas.deploy(name, beside=[live])
            live = name
        await heard[live].wait()
        swapping = False

    assert {said.served_name for said in answers} == set(names)
    assert {said.finish_reason for said in answers} <= {"stop", "length"}
    async with httpx.AsyncClient() as http:
        judge = Judge(http, vllm.url, STORY)
        assert [said for said in answers if not await judge.is_own(said.served_name, said.tokens)] == []
        following = dict(zip(names, [*names[1:], names[0]], strict=True))
        exchanged = [(following[said.served_name], said.tokens) for said in answers]
        assert not any([await judge.is_own(*each) for each in exchanged]), "the judge sees no mixing"


async def test_a_stream_survives_the_unloading_of_its_adapter(
    vllm: VllmServer, client: ChatClient, replicas: Replicas, names: list[str]
) -> None:
    whole = await text_of(client, names[1])
    async with client.stream(MESSAGES, names[1], GREEDY) as stream:
        async for _ in stream:
            if names[1] in (await replicas.loaded())[vllm.url]:
                await replicas.unload(names[1])
    assert stream.text == whole


async def test_only_what_nobody_uses_is_unloaded(
    vllm: VllmServer, client: ChatClient, replicas: Replicas, names: list[str]
) -> None:
    for name in names[:2]:
        await replicas.load(name)
    answering = {names[0]}

    async def in_use(name: str) -> bool:
        return name in answering

    await reconcile(replicas, [], in_use)
    assert (await replicas.loaded())[vllm.url] == {names[0], routing.base_name(vllm.settings)}
    answering.clear()
    await reconcile(replicas, [], in_use)
    assert (await replicas.loaded())[vllm.url] == {routing.base_name(vllm.settings)}


async def test_a_truncated_adapter_is_refused_before_vllm_sees_it(
    vllm: VllmServer, replicas: Replicas, base: BaseModel, tmp_path: Path
) -> None:
    name = publish(write_random_adapter(tmp_path / "source", base, 91), vllm.settings, base, "cut", 1).name
    weights = vllm.settings.adapters_dir / name / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(AdapterLoadError, match="truncated or changed"):
        await replicas.load(name)
    assert name in (await reconcile(replicas, [name])).broken
    assert not weights.exists(), "it is moved aside"
    assert await replicas.healthy()


async def test_nan_is_refused_before_vllm_sees_it(vllm: VllmServer, base: BaseModel, tmp_path: Path) -> None:
    source = write_random_adapter(tmp_path / "source", base, 92)
    spoil(source / WEIGHTS)
    with pytest.raises(AdapterLoadError, match="NaN"):
        publish(source, vllm.settings, base, "nan", 1)
    assert not list(vllm.settings.adapters_dir.glob("nan-*"))


def spoil(weights: Path) -> None:
    """Put one NaN into every tensor."""
    header = read_header(weights)
    with weights.open("r+b") as file:
        for tensor in header.tensors.values():
            file.seek(header.data_start + tensor.start)
            file.write(struct.pack("<f", float("nan")))


@pytest.mark.slow
async def test_a_poisoned_server_is_noticed_and_a_killed_one_gets_its_adapters_back(
    vllm: VllmServer, client: ChatClient, replicas: Replicas, names: list[str], tmp_path: Path
) -> None:
    await replicas.load(names[0])
    before = await text_of(client, names[0])

    # Somebody goes round all checks and loads an adapter with NaN by hand.
    shutil.copytree(vllm.settings.adapters_dir / names[1], tmp_path / "nan", ignore=shutil.ignore_patterns("mend.json"))
    spoil(tmp_path / "nan" / WEIGHTS)
    assert (tmp_path / "nan" / CONFIG).exists()
    await replicas.each[vllm.url].register("nan-by-hand", str(tmp_path / "nan"))
    for name in ("nan-by-hand", names[0]):
        with contextlib.suppress(ServingUnavailable):
            await text_of(client, name)
    assert "NaN" in (await replicas.problems())[vllm.url]
    with pytest.raises(ServingUnavailable, match="NaN"):
        await replicas.deploy(names[0])

    with pytest.raises(ServingUnavailable):
        async with client.stream(STORY, "base", Sampling(0, 1500)) as stream:
            async for _ in stream:
                vllm.kill()
    assert vllm.url in (await reconcile(replicas, names[:2])).unwell

    await vllm.start()
    done = await reconcile(replicas, names[:2])
    assert {name for _, name in done.loaded} == {*names[:2], routing.base_name(vllm.settings)}
    assert (done.broken, done.unwell) == ({}, {})
    assert await text_of(client, names[0]) == before
