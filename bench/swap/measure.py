"""Swaps on a server of our own or on one that runs, and what the answers under them are."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.swap.own_words import NEAR_TIE, Judge
from bench.swap.random_adapter import write_random_adapter
from bench.swap.spelling import SpellingClient
from bench.swap.streams import MESSAGES, Answer, Swap, Traffic, drive
from bench.vllm_server import VllmServer
from local import model as small_model
from serving.adapter_files import publish
from serving.adapters import Replicas
from serving.base import BaseModel
from serving.chat import Sampling
from settings import ServingSettings

CONTROLS = 2  # answers of each adapter that are looked at under another's name


@dataclass(frozen=True)
class Verdict:
    """How many answers are mixed, how far the farthest own token was from the likeliest, and what share of the answers
    under a wrong name the control found. Answers without a word are in none of it: they are nobody's."""

    mixed: int
    farthest: float
    found: float
    """Share of 1; 0 where there was nothing to look at."""


@dataclass(frozen=True)
class Found:
    """Everything of one measurement."""

    streams: int
    asked: int
    """How many swaps were to be made."""
    traffic: Traffic
    swaps: Sequence[Swap]
    verdict: Verdict


async def measure(settings: ServingSettings, names: Sequence[str], streams: int, tokens: int) -> Found:
    """Swap under load on the servers of these settings, then look at every answer."""
    async with SpellingClient(settings) as client, Replicas(settings) as replicas:
        sampling = Sampling(temperature=0, max_tokens=tokens)
        traffic, swaps = await drive(client, replicas, names, streams, sampling)
        verdict = await judge(settings.urls[0], replicas, traffic, names)
    return Found(streams, len(names) - 1, traffic, swaps, verdict)


async def judge(url: str, replicas: Replicas, traffic: Traffic, names: Sequence[str]) -> Verdict:
    """Look at every answer, and at a few of each adapter again under another's name."""
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    answers = traffic.with_words
    said = {name: list(dict.fromkeys(answer for answer in answers if answer.name == name)) for name in names}
    own: dict[Answer, float] = {}
    foreign: list[float] = []
    async with httpx.AsyncClient() as http:
        own_words = Judge(http, url, MESSAGES)
        print(f"Looking at what was said by each of {len(names)} adapters.", flush=True)
        for name in names:
            await replicas.load(name)
            for answer in said[name]:
                own[answer] = await own_words.distance(name, answer.tokens)
            others = [answer for whose in names if following[whose] == name for answer in said[whose][:CONTROLS]]
            foreign += [await own_words.distance(name, answer.tokens) for answer in others]
            await replicas.unload(name)
    mixed = sum(own[each] > NEAR_TIE for each in answers)
    found = sum(distance > NEAR_TIE for distance in foreign) / max(1, len(foreign))
    return Verdict(mixed, max(own.values(), default=0.0), found)


def adapters(folder: Path, settings: ServingSettings, base: BaseModel, count: int) -> list[str]:
    """Publish so many random adapters; their names."""
    names = []
    for seed in range(count):
        source = write_random_adapter(folder / f"source-{seed}", base, seed, scale=0.05)
        names.append(publish(source, settings, base, "bench", seed).name)
    return names


async def on_own_server(model: Path | None, device: str, swaps: int, streams: int, tokens: int) -> Found:
    """Start a vLLM for the length of the measurement, with the small model if there is no other; the adapters are made
    while it starts."""
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as temporary:
        if model is None:
            model = await asyncio.to_thread(small_model.ensure, Path(temporary) / "model")
        base = BaseModel.read(model)
        server = VllmServer(model, Path(temporary), device=device)
        try:
            making = asyncio.to_thread(adapters, Path(temporary), server.settings, base, swaps + 1)
            names, _ = await asyncio.gather(making, server.start())
            return await measure(server.settings, names, streams, tokens)
        finally:
            server.stop()


async def on_running_server(url: str, model: Path, folder: Path, swaps: int, streams: int, tokens: int) -> Found:
    """Measure a vLLM that somebody else has started."""
    base = BaseModel.read(model)
    given = {"urls": [url], "base_model": model, "adapters_dir": folder, "api_key": os.environ.get("VLLM_API_KEY", "")}
    settings = ServingSettings.model_validate(given)
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as temporary:
        names = await asyncio.to_thread(adapters, Path(temporary), settings, base, swaps + 1)
    return await measure(settings, names, streams, tokens)
