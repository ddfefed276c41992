"""How the swap bench swaps and counts; what it measures needs a server with a model."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bench.swap import __main__ as bench
from bench.swap import measure
from bench.swap.measure import Found, Verdict, adapters, judge
from bench.swap.own_words import Judge
from bench.swap.report import gaps, percentile, tables
from bench.swap.spelling import SpellingClient
from bench.swap.streams import MESSAGES, Answer, Swap, Traffic, drive, overlapping, read_answer
from serving.adapters import Replicas
from serving.chat import Sampling
from settings import ServingSettings
from tests.unit.serving.factories import make_base, make_settings
from tests.unit.serving.peer import Peer

GREEDY = Sampling(temperature=0, max_tokens=4)
SOMEBODYS = "pip-v1-00000000"


def test_a_stall_around_a_whole_load_counts_as_the_loads() -> None:
    load = (1.0, 1.2)
    around, into, before, at_its_end = (0.9, 1.3), (1.1, 1.25), (0.5, 0.9), (1.2, 1.3)
    assert overlapping([around, into, before, at_its_end], [load]) == ([around, into], [before, at_its_end])


def make_found(
    *spans: tuple[float, float], failures: tuple[str, ...] = (), mixed: int = 0, control: float = 1.0, asked: int = 1
) -> Found:
    answers = [Answer("bench-v0", text, (1,)) for text in ("a", "b", "", " ")]
    traffic = Traffic("bench-v0", answers=answers, failures=list(failures), gaps=list(spans))
    swaps = [Swap(called=1.0, loaded=1.2, live=2.0, first=2.5)]
    return Found(16, asked, traffic, swaps, Verdict(mixed, 0.0, control))


def test_each_gap_is_counted_once_and_to_the_load_first() -> None:
    found = gaps(make_found((0.0, 0.05), (1.1, 1.25), (1.3, 1.4)))
    assert {name: [round(gap) for gap in each] for name, each in found.items()} == {
        "otherwise": [50],
        "during a load": [150],
        "during its check": [100],
    }


def test_the_gaps_goal_is_missed_by_a_long_one_or_by_none() -> None:
    def said(found: Found) -> str:
        return tables(found)[-1].notes[0]

    assert said(make_found((1.1, 1.2))).endswith("kept.")
    assert said(make_found((1.1, 1.3))).endswith("missed.")
    assert said(make_found()).endswith("missed.")


QUICK = (1.1, 1.2)
WRONG = {
    "answers that failed: 1": make_found(QUICK, failures=("x",)),
    "mixed answers: 1": make_found(QUICK, mixed=1),
    "swaps done: 1 of 2": make_found(QUICK, asked=2),
    "found in the control: 89%, at least 90% needed": make_found(QUICK, control=0.89),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_none_mixed_counts_only_where_all_was_done_and_the_control_could_tell(what: str) -> None:
    assert tables(make_found())[0].notes[-1].endswith("kept.")
    assert tables(WRONG[what])[0].notes[-1].endswith(f"missed ({what}).")


def test_answers_without_a_word_are_counted_apart() -> None:
    counted = {str(row[0]): row[1] for row in tables(make_found(mixed=1))[0].rows}
    assert counted["answers"] == 4
    assert counted["without a word, not looked at"] == 2
    assert counted["mixed"] == "1 of 2"


@pytest.mark.parametrize("what", ["", *WRONG])
def test_what_must_not_be_ends_the_bench_with_a_failure_once_the_tables_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    async def on_own_server(*_: object) -> Found:
        return WRONG.get(what, make_found(QUICK))

    out = tmp_path / "swap.json"
    monkeypatch.setattr(bench, "on_own_server", on_own_server)
    monkeypatch.setattr(sys, "argv", ["swap", "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        bench.main()
    assert ended.value.code == bool(what)
    assert json.loads(out.read_text(encoding="utf-8"))["figures"]["faults"] == [what] * bool(what)


class NamedByToken:
    """In place of likelihoods: tokens are their adapter's own when they begin with its number."""

    def __init__(self, *_: object) -> None:
        pass

    async def distance(self, name: str, tokens: tuple[int, ...]) -> float:
        return 0.0 if f"-v{tokens[0]}-" in name else 9.0


async def test_answers_without_a_word_are_in_neither_share(
    tmp_path: Path, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, settings = make_base(tmp_path / "base"), make_settings(tmp_path, peer.url)
    names = adapters(tmp_path, settings, base, 2)
    answers = [
        *(Answer(name, text, (number, 7)) for number, name in enumerate(names) for text in ("I am.", "Here.")),
        *(Answer(name, text, (9,)) for name in names for text in ("", " ")),
    ]
    monkeypatch.setattr(measure, "Judge", NamedByToken)
    async with Replicas(settings) as replicas:
        assert await judge(peer.url, replicas, Traffic("x", answers=answers), names) == Verdict(0, 0.0, 1.0)
        mixed = Traffic("x", answers=[*answers, Answer(names[0], "I am.", (1, 7))])
        assert (await judge(peer.url, replicas, mixed, names)).mixed == 1
        mute = Traffic("x", answers=[Answer(names[0], "", (9,))])
        assert await judge(peer.url, replicas, mute, names) == Verdict(0, 0.0, 0.0)


async def test_an_answer_is_judged_by_the_tokens_that_were_said(peer: Peer) -> None:
    async with httpx.AsyncClient() as http:
        own_words = Judge(http, peer.url, MESSAGES)
        assert await own_words.distance("base", [103, 105]) == 0.0
        with pytest.raises(ValueError, match="return_token_ids"):
            await own_words.distance("base", [])
    prompt = sum(len(message["content"].split()) for message in MESSAGES)
    assert peer.asked[-1]["prompt"] == [*range(prompt), 103, 105]


def test_percentiles_are_values_that_were_measured() -> None:
    values = list(map(float, range(1, 101)))
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]
    assert percentile([3.0], 0.5) == 3.0
    assert percentile([], 0.5) is None


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer(strict=True) as running:
        running.models[SOMEBODYS] = "/somewhere"
        yield running


async def driven(settings: ServingSettings, names: list[str]) -> tuple[Traffic, list[Swap]]:
    async with SpellingClient(settings) as client, Replicas(settings) as replicas:
        return await drive(client, replicas, names, 3, GREEDY, rest=0.01)


async def test_every_adapter_is_swapped_in_under_the_streams(tmp_path: Path, peer: Peer) -> None:
    base, settings = make_base(tmp_path / "base"), make_settings(tmp_path, peer.url)
    names = adapters(tmp_path, settings, base, 4)
    assert len(set(names)) == 4
    traffic, swaps = await driven(settings, names)
    assert traffic.failures == traffic.undone == []
    assert [one.called < one.loaded < one.live < one.first for one in swaps] == [True] * 3
    assert {answer.name for answer in traffic.answers} == set(names)
    assert {answer.tokens for answer in traffic.answers} == {(1, 2, 3)}
    assert SOMEBODYS in peer.models, "what a running Mend serves is not ours to unload"
    assert names[0] not in peer.models


async def test_an_adapter_that_says_nothing_is_not_waited_for(tmp_path: Path, peer: Peer) -> None:
    peer.models["mute"] = "/somewhere"
    peer.silent.add("mute")
    traffic = Traffic("mute", first={"mute": asyncio.get_running_loop().create_future()})
    async with SpellingClient(make_settings(tmp_path, peer.url)) as client:
        await read_answer(client, traffic, "mute", GREEDY)
    assert traffic.first["mute"].done()
    assert traffic.answers == [Answer("mute", "", ())]


async def test_a_swap_that_fails_is_counted_and_the_streams_go_on(tmp_path: Path, peer: Peer) -> None:
    base, settings = make_base(tmp_path / "base"), make_settings(tmp_path, peer.url)
    names = adapters(tmp_path, settings, base, 3)
    (settings.adapters_dir / names[1] / "READY").unlink()
    traffic, swaps = await driven(settings, names)
    assert len(traffic.undone) == 1 and traffic.undone[0].startswith(f"swap to {names[1]}")
    assert traffic.failures == []
    assert len(swaps) == 1
    assert names[2] in {answer.name for answer in traffic.answers}
