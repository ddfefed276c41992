"""Putting servers to sleep and waking them, with servers on loopback in vLLM's place."""

from pathlib import Path

import pytest

from serving.adapters import Replicas, publish
from serving.errors import AdapterLoadError, RequestRefused, ServerAsleep, ServingUnavailable
from serving.sleeping import asleep, check, fall_asleep, wake_up
from settings import ServingSettings
from tests.unit.serving.factories import make_base, write_adapter_source
from tests.unit.serving.peer import Peer


@pytest.fixture
def name(tmp_path: Path, settings: ServingSettings) -> str:
    base = make_base(tmp_path / "base")
    return publish(write_adapter_source(tmp_path / "source", base), settings, base, "pip", 1).name


async def test_all_sleep_and_all_answer_again_and_a_second_time_changes_nothing(
    replicas: Replicas, peers: list[Peer], name: str
) -> None:
    await replicas.load(name)
    for _ in range(2):
        await fall_asleep(replicas)
        assert await asleep(replicas)
    assert [peer.turns for peer in peers] == [["sleep"]] * 2
    for _ in range(2):
        await wake_up(replicas, [name], name)
        assert not await asleep(replicas)
    assert [peer.turns for peer in peers] == [["sleep", "wake_up"]] * 2
    for peer in peers:
        assert {asked["model"] for asked in peer.asked} == {name, "base"}, "the fixed question, under both names"


async def test_running_answers_get_to_their_end_first_but_not_for_ever(replicas: Replicas, peers: list[Peer]) -> None:
    peers[0].running, peers[0].ending = 3, 1
    await fall_asleep(replicas)
    assert peers[0].running == 0
    peers[0].asleep, peers[0].running = False, 10_000
    await fall_asleep(replicas, drained=0.0)
    assert peers[0].asleep


async def test_one_that_slept_already_and_one_that_was_awake_are_woken_together(
    replicas: Replicas, peers: list[Peer]
) -> None:
    peers[0].asleep = True
    await wake_up(replicas, [], None)
    assert [peer.turns for peer in peers] == [["wake_up"], []]


async def test_one_that_was_restarted_meanwhile_gets_its_adapters_back(
    replicas: Replicas, peers: list[Peer], name: str
) -> None:
    await replicas.load(name)
    await fall_asleep(replicas)
    peers[1].asleep, peers[1].models = False, {"base": "/models/base"}
    await wake_up(replicas, [name], name)
    assert [peer.loads for peer in peers] == [1, 2]
    assert all(peer.well for peer in peers)


async def test_nothing_is_loaded_into_a_server_that_sleeps(replicas: Replicas, peers: list[Peer], name: str) -> None:
    await fall_asleep(replicas)
    with pytest.raises(ServerAsleep, match="sleeps while a training"):
        await replicas.deploy(name)
    assert [peer.loads for peer in peers] == [0, 0]
    assert not any(peer.asked for peer in peers)


async def test_a_server_that_cannot_sleep_says_what_to_do_and_counts_as_awake(
    replicas: Replicas, peers: list[Peer], name: str
) -> None:
    await check(replicas)
    peers[1].can_sleep = False
    with pytest.raises(RequestRefused, match=rf"{peers[1].url} cannot sleep: restart it with `mend serve`"):
        await check(replicas)
    assert not await asleep(replicas)
    await replicas.load(name)
    peers[0].asleep = True
    await wake_up(replicas, [name], name)
    assert [peer.turns for peer in peers] == [["wake_up"], []]


async def test_a_server_that_does_not_wake_up_says_what_to_do(replicas: Replicas, peers: list[Peer]) -> None:
    await fall_asleep(replicas)
    peers[0].stays = True
    with pytest.raises(ServingUnavailable, match=rf"{peers[0].url} does not wake up.*Restart it"):
        await wake_up(replicas, [], None)
    assert not peers[1].asleep, "the others are awake all the same"


async def test_a_server_that_stays_awake_is_no_place_for_a_training(replicas: Replicas, peers: list[Peer]) -> None:
    peers[1].stays = True
    with pytest.raises(ServingUnavailable, match="is awake"):
        await fall_asleep(replicas)


async def test_a_server_that_is_away_is_not_taken_for_awake(replicas: Replicas, peers: list[Peer]) -> None:
    await fall_asleep(replicas)
    await peers[1].stop()
    with pytest.raises(ServingUnavailable, match=peers[1].url):
        await wake_up(replicas, [], None)


async def test_a_server_that_wakes_up_poisoned_does_not_answer_people(replicas: Replicas, peers: list[Peer]) -> None:
    await fall_asleep(replicas)
    peers[0].corrupted = 1
    with pytest.raises(ServingUnavailable, match="NaN"):
        await wake_up(replicas, [], None)


async def test_a_live_adapter_that_is_silent_after_waking_is_found(
    replicas: Replicas, peers: list[Peer], name: str
) -> None:
    await replicas.load(name)
    await fall_asleep(replicas)
    peers[0].silent = {name}
    with pytest.raises(AdapterLoadError, match=f"says nothing under the name {name}"):
        await wake_up(replicas, [name], name)
