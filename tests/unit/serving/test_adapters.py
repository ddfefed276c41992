"""Loading, verifying and reconciling on several servers, with servers on loopback in vLLM's place."""

import asyncio
import shutil
from pathlib import Path

import pytest

from feedback.adapters import Seal
from serving import routing
from serving.adapter_checks import WEIGHTS
from serving.adapters import Replicas, publish, reconcile
from serving.chat import ChatClient, Sampling
from serving.errors import AdapterLoadError, ServingUnavailable
from settings import ServingSettings
from tests.unit.serving.factories import make_base, make_settings, write_adapter_source
from tests.unit.serving.peer import Peer, Reply


@pytest.fixture
def names(tmp_path: Path, settings: ServingSettings) -> list[str]:
    """Two published adapters."""
    base = make_base(tmp_path / "base")
    sources = [write_adapter_source(tmp_path / f"s{number}", base, value=number) for number in (1, 2)]
    return [publish(source, settings, base, "pip", version).name for version, source in enumerate(sources, 1)]


async def never(_: str) -> bool:
    return False


async def test_deploying_makes_every_replica_answer_under_the_name(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    await replicas.deploy(names[0])
    assert await replicas.loaded() == {peer.url: {names[0]} for peer in peers}
    for peer in peers:
        assert {asked["model"] for asked in peer.asked} == {names[0], "base"}


async def test_loading_and_unloading_again_is_harmless(replicas: Replicas, peers: list[Peer], names: list[str]) -> None:
    for _ in range(2):
        await replicas.load(names[0])
    assert [peer.loads for peer in peers] == [1, 1]
    for _ in range(2):
        await replicas.unload(names[0])
    assert await replicas.loaded() == {peer.url: set() for peer in peers}


async def test_two_processes_may_load_the_same_adapter_at_once(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    await asyncio.gather(*(replicas.load(names[0]) for _ in range(4)))
    assert all(peer.models[names[0]] == str(replicas.settings.adapters_dir / names[0]) for peer in peers)
    assert any(peer.loads > 1 for peer in peers), "nobody was told that it had already been loaded"


async def test_a_load_that_does_not_show_is_an_error(replicas: Replicas, peers: list[Peer], names: list[str]) -> None:
    peers[0].load_status, peers[0].load_body = 400, {"error": {"message": "has already been loaded.", "code": 400}}
    with pytest.raises(AdapterLoadError, match=f"serves {names[0]} from None"):
        await replicas.load(names[0])


async def test_a_name_that_stands_for_another_path_is_refused(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    peers[1].models[names[0]] = "/elsewhere"
    with pytest.raises(AdapterLoadError, match="from /elsewhere"):
        await replicas.load(names[0])


async def test_an_unreachable_replica_fails_the_load_and_the_others_have_it(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    await peers[0].stop()
    with pytest.raises(ServingUnavailable, match=peers[0].url):
        await replicas.load(names[0])
    assert names[0] in peers[1].models


async def test_a_server_that_refuses_gives_its_reason(replicas: Replicas, peers: list[Peer], names: list[str]) -> None:
    words = "LoRA rank 32 is greater than max_lora_rank 16."
    peers[0].load_status, peers[0].load_body = 500, {"error": {"message": words, "code": 500}}
    with pytest.raises(AdapterLoadError, match="rank above the limit"):
        await replicas.load(names[0])


async def test_an_adapter_that_says_nothing_is_not_verified(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    peers[1].silent = {names[0]}
    with pytest.raises(AdapterLoadError, match=f"{peers[1].url} says nothing under the name {names[0]}"):
        await replicas.deploy(names[0])


async def test_an_adapter_may_meet_a_greeting_with_silence_but_not_two_questions(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    for peer in peers:
        peer.replies = [Reply(pieces=[])] * 2
    await replicas.deploy(names[0])
    assert all(len(peer.asked) == 4 for peer in peers)


async def test_a_server_that_computed_nan_is_not_verified(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    peers[1].corrupted = 1
    with pytest.raises(ServingUnavailable, match="NaN"):
        await replicas.deploy(names[0])
    assert list(await replicas.problems()) == [peers[1].url]
    assert not await replicas.healthy()


async def test_an_adapter_that_is_not_listed_is_not_verified(
    settings: ServingSettings, replicas: Replicas, names: list[str]
) -> None:
    async with ChatClient(settings) as client:
        with pytest.raises(AdapterLoadError, match="does not list"):
            await replicas.verify(names[0], client)


async def test_a_restarted_replica_gets_back_what_is_wanted(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    await replicas.load(names[0])
    peers[1].models = {"base": "/models/base"}
    done = await reconcile(replicas, names)
    assert set(done.loaded) == {(peers[0].url, names[1]), (peers[1].url, names[0]), (peers[1].url, names[1])}
    assert (await reconcile(replicas, names)).loaded == ()


async def test_the_unwanted_is_unloaded_only_when_nobody_uses_it(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    await reconcile(replicas, names)
    busy = {names[0]}

    async def in_use(name: str) -> bool:
        return name in busy

    assert (await reconcile(replicas, [])).unloaded == ()
    assert set((await reconcile(replicas, [], in_use)).unloaded) == {(peer.url, names[1]) for peer in peers}
    busy.clear()
    assert set((await reconcile(replicas, [], in_use)).unloaded) == {(peer.url, names[0]) for peer in peers}
    assert all(set(peer.models) == {"base"} for peer in peers)
    assert all((replicas.settings.adapters_dir / name).is_dir() for name in names)


async def test_a_changed_adapter_is_reported_and_put_out_of_reach(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    folder = replicas.settings.adapters_dir / names[0]
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1])
    done = await reconcile(replicas, names)
    assert "truncated or changed" in done.broken[names[0]]
    assert {name for _, name in done.loaded} == {names[1]}
    assert not folder.exists()
    assert "No adapter" in (await reconcile(replicas, names)).broken[names[0]]


async def test_a_changed_adapter_that_a_server_has_registered_stays_where_it_is(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    folder = replicas.settings.adapters_dir / names[0]
    await replicas.load(names[0])
    (folder / WEIGHTS).write_bytes(b"x")
    peers[1].models = {"base": "/models/base"}
    assert names[0] in (await reconcile(replicas, names)).broken
    assert folder.exists(), "the first server's engine would die without it"


async def test_nothing_is_moved_while_a_server_cannot_be_asked(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    await peers[1].stop()
    (replicas.settings.adapters_dir / names[0] / WEIGHTS).write_bytes(b"x")
    done = await reconcile(replicas, names)
    assert names[0] in done.broken
    assert list(done.unwell) == [peers[1].url]
    assert (replicas.settings.adapters_dir / names[0]).exists()


async def test_a_server_in_trouble_is_reported_and_left_alone(
    replicas: Replicas, peers: list[Peer], names: list[str]
) -> None:
    peers[0].well = False
    peers[1].corrupted = 2
    done = await reconcile(replicas, names, never)
    assert "dead" in done.unwell[peers[0].url]
    assert "NaN" in done.unwell[peers[1].url]
    assert done.loaded == ()


async def test_on_the_cpu_the_zero_adapter_is_always_there(tmp_path: Path, peers: list[Peer], names: list[str]) -> None:
    settings = make_settings(tmp_path, *(peer.url for peer in peers), device="cpu")
    zero = routing.base_name(settings)
    async with Replicas(settings) as replicas:
        await reconcile(replicas, [], never)
        await reconcile(replicas, [], never)
        assert await replicas.loaded() == {peer.url: {zero} for peer in peers}
        shutil.rmtree(settings.adapters_dir / zero)
        for peer in peers:
            peer.models = {"base": "/models/base"}
        await replicas.deploy(names[0])
    assert all({asked["model"] for asked in peer.asked} == {names[0], zero} for peer in peers)


async def test_no_load_passes_by_the_hashes_of_the_record(
    settings: ServingSettings, peers: list[Peer], names: list[str]
) -> None:
    """Neither by hand, nor after a restart, nor when an answer asks for a name that a server has forgotten."""

    async def seals(name: str) -> Seal | None:
        return Seal("0" * 64, None) if name == names[0] else None

    async with Replicas(settings, seals) as replicas, ChatClient(settings, seals) as chat:
        for load in (
            lambda: replicas.deploy(names[0]),
            lambda: chat.complete([{"role": "user", "content": "Hello!"}], names[0], Sampling(0, 2)),
        ):
            with pytest.raises(AdapterLoadError, match="not the adapter that was trained"):
                await load()
        done = await reconcile(replicas, names)
    assert set(done.broken) == {names[0]} and {name for _, name in done.loaded} == {names[1]}
    assert not (settings.adapters_dir / names[0]).exists(), "it is moved aside, for somebody to look at"


async def test_replicas_are_at_rest_when_all_are_well_and_none_has_a_request(
    replicas: Replicas, peers: list[Peer]
) -> None:
    assert await replicas.at_rest()
    peers[0].running = 1
    assert not await replicas.at_rest()
    peers[0].running, peers[1].waiting = 0, 2
    assert not await replicas.at_rest()
    peers[1].waiting, peers[1].well = 0, False
    assert not await replicas.at_rest()
