"""People who never pause, and adapters made live one after the other under them: what each stream saw, and when.

A gap is the time between two pieces of one answer. It belongs to a load when the two overlap at all: a stall that
begins before the load's call and ends after its reply is the worst of them, and lies in neither.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.swap.spelling import Spelled, SpellingClient
from serving.adapters import Replicas, reconcile
from serving.chat import Sampling
from serving.errors import ServingError

MESSAGES = [
    {"role": "system", "content": "You answer in one short sentence."},
    {"role": "user", "content": "Tell me a story about a ship."},
]
REST = 1.0  # seconds between two swaps, for the gaps otherwise
LONGEST = 300.0  # seconds for a first answer; 16 streams on two busy cores took up to 120

Span = tuple[float, float]


@dataclass(frozen=True)
class Answer:
    """A whole answer: under which name, and what it is made of."""

    name: str
    text: str
    tokens: tuple[int, ...]


@dataclass
class Traffic:
    """What the streams saw. Moments are of one clock, in seconds."""

    live: str
    over: bool = False
    running: dict[str, int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Answers that failed, and why."""
    undone: list[str] = field(default_factory=list)
    """Swaps that failed, and why."""
    gaps: list[Span] = field(default_factory=list)
    first: dict[str, asyncio.Future[float]] = field(default_factory=dict)
    """When the first answer under a name began."""

    @property
    def with_words(self) -> list[Answer]:
        """The answers that say anything; of the others nobody can tell whose they are."""
        return [answer for answer in self.answers if answer.text.strip()]


@dataclass(frozen=True)
class Swap:
    """The moments of one swap: the load's call and its reply, the end of the check after which the name is used for
    whoever asks next, and the first token of the first such answer."""

    called: float
    loaded: float
    live: float
    first: float


async def keep_asking(client: SpellingClient, traffic: Traffic, sampling: Sampling) -> None:
    """One stream after the other, each under the name that is live when it begins."""
    while not traffic.over:
        name = traffic.live
        traffic.running[name] = traffic.running.get(name, 0) + 1
        try:
            await read_answer(client, traffic, name, sampling)
        except ServingError as error:
            traffic.failures.append(str(error))
        finally:
            traffic.running[name] -= 1


async def read_answer(client: SpellingClient, traffic: Traffic, name: str, sampling: Sampling) -> None:
    """Read one answer, noting when its pieces come."""
    async with client.stream(MESSAGES, name, sampling) as stream:
        last = None
        async for _ in stream:
            now = time.monotonic()
            if last is not None:
                traffic.gaps.append((last, now))
            else:
                began(traffic, name, now)
            last = now
    began(traffic, name, time.monotonic())  # random weights may say nothing at all
    said = stream.completion
    assert isinstance(said, Spelled)
    if said.finish_reason in {"stop", "length"}:
        traffic.answers.append(Answer(name, said.text, tuple(said.tokens)))
    else:
        traffic.failures.append(f"{name} ended with {said.finish_reason}")


def began(traffic: Traffic, name: str, now: float) -> None:
    """Note the moment if it is that of the first answer under a name that is waited for."""
    if (first := traffic.first.get(name)) and not first.done():
        first.set_result(now)


async def swap(client: SpellingClient, replicas: Replicas, traffic: Traffic, name: str, ours: Iterable[str]) -> Swap:
    """Load, check, make live; wait for the first answer; then unload what nobody uses any more."""
    traffic.first[name] = asyncio.get_running_loop().create_future()
    called = time.monotonic()
    await replicas.load(name)
    loaded = time.monotonic()
    await replicas.verify(name, client)
    traffic.live = name
    live = time.monotonic()
    async with asyncio.timeout(LONGEST):
        first = await traffic.first[name]
    known = set(ours)

    async def in_use(other: str) -> bool:
        return other not in known or traffic.running.get(other, 0) > 0  # a running Mend's adapters are not ours

    await reconcile(replicas, [name], in_use)
    return Swap(called, loaded, live, first)


async def drive(
    client: SpellingClient,
    replicas: Replicas,
    names: Sequence[str],
    streams: int,
    sampling: Sampling,
    rest: float = REST,
) -> tuple[Traffic, list[Swap]]:
    """Run the traffic and the swaps; a swap that fails is noted, and the next one follows."""
    await replicas.deploy(names[0])
    traffic, swaps = Traffic(live=names[0]), []
    async with asyncio.TaskGroup() as group:
        for _ in range(streams):
            group.create_task(keep_asking(client, traffic, sampling))
        for number, name in enumerate(names[1:], 1):
            await asyncio.sleep(rest)
            try:
                swaps.append(await swap(client, replicas, traffic, name, names))
                how = f"first answer after {swaps[-1].first - swaps[-1].called:.1f} s"
            except (ServingError, TimeoutError) as error:
                how = str(error) or f"no answer after {LONGEST:.0f} s"
                traffic.undone.append(f"swap to {name}: {how}")
            print(f"Swap {number} of {len(names) - 1}: {how}.", flush=True)
        await asyncio.sleep(rest)
        traffic.over = True
    return traffic, swaps


def overlapping(gaps: Iterable[Span], windows: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """The gaps that overlap a window, and the others."""
    inside: list[Span] = []
    outside: list[Span] = []
    for begin, end in gaps:
        hit = any(begin < until and end > since for since, until in windows)
        (inside if hit else outside).append((begin, end))
    return inside, outside
